"""Rows 14, 24 and 30 of the fault table over real sockets: sessions that are replaced under load, clear frames
meanwhile, and two that initiate at once. Keys that live minutes would take hours, so here they live shorter
(VTEP_TEST_KEY_SECONDS).
"""

import os
import time

from clear import COUNT, inject
from conftest import full
from frames import MARK
from host import wait_until
from packets import Packets
from numbered import nothing_lost
from sealed import (Agreements, identities, overlay, sealed_agent, sealed_agents, session_up, short_keys)
from sealed_peer import is_kind
from stopwatch import Stopwatch

KEY_SECONDS, SECONDS, RATE = (45, 600, 50_000) if full() else (6, 25, 10_000)
AGREEMENTS = 20 if full() else 3


def test_fault_row_24_sessions_are_replaced_under_load_and_nothing_is_lost_or_doubled(lab, numbered, figure):
    agents = sealed_agents(lab, environment=short_keys(KEY_SECONDS))
    assert all("VTEP_TEST_KEY_SECONDS IS SET" in agent.stderr() for agent in agents), "said loudly"
    lab.h1.ping(overlay(2))
    with Agreements(lab.h1) as agreements:
        flows = [numbered.flow(lab, *ends, SECONDS * RATE // 2, RATE // 2) for ends in ((1, 2), (2, 1))]
        arrived, of_kernels = nothing_lost(flows, agents)
        count = agreements.seen()
    figure(f"{arrived} of {SECONDS * RATE} frames arrived at {RATE} a second over {count} new sessions; "
           f"0 lost by agents, 0 doubled, {of_kernels} dropped by kernels")
    assert count >= AGREEMENTS
    assert arrived >= 0.9 * SECONDS * RATE, "otherwise the machine was too busy to say anything"


def test_fault_row_14_clear_frames_are_refused_while_sessions_are_replaced(lab, blaster, figure):
    """Two agents, of which the second's host sends the clear frames from the peer's own address."""
    agents = sealed_agents(lab, environment=short_keys(3))
    with Agreements(lab.h1) as agreements, Packets(lab.h2, "u0", f"udp and src host {lab.h1.address}") as replies:
        rounds = 0
        while agreements.seen() < 3 or rounds < 3:
            inject(lab, agents[0], blaster, COUNT // 5)
            rounds += 1
        told = [frame[42:] for frame in replies.rest()]
    assert not [each for each in told if is_kind(each, "frame") or each[0] & 0xF7 == 0], "answered"
    with Packets(lab.h2, "vx42", "icmp") as tap:
        assert lab.h1.ping(overlay(2)) and tap.rest(), "what is sealed is still delivered"
    figure(f"{rounds * 12 * (COUNT // 5)} frames over {agreements.count} new sessions: 0 delivered, 0 answered")


def test_fault_row_30_two_that_initiate_at_once_have_a_session_and_nothing_sticks(lab, figure):
    rounds, slowest = 100 if full() else 12, 0.0
    known = identities(lab)
    agents = [sealed_agent(lab, name, known) for name in known]
    for number in range(rounds):
        # Together, and with either of them a little ahead.
        for agent, pause in zip(agents[::1 if number % 2 else -1], (number % 4 * 0.003, 0)):
            agent.launch()
            time.sleep(pause)
        wait_until(lambda: all(agent.ready() for agent in agents), 10, "both are ready", every=0.001)
        watch = Stopwatch()
        for agent in agents:
            session_up(agent, seconds=5)
        slowest = max(slowest, watch.seconds())
        assert lab.h1.ping(overlay(2)) and lab.h2.ping(overlay(1))
        for agent in agents:
            agent.kill()
    figure(f"{rounds} simultaneous starts, the slowest session after {1000 * slowest:.0f} ms")


def test_keys_do_not_live_longer_because_the_environment_says_so(lab):
    known = identities(lab)
    for value in ("180", "100000", "two"):
        agent = sealed_agent(lab, "h1", known)
        agent.launch({"VTEP_TEST_KEY_SECONDS": value})
        assert agent.process.wait(timeout=30) == 1
        assert "VTEP_TEST_KEY_SECONDS is for tests" in agent.stderr(), agent.stderr()
        assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)


def test_without_the_variable_no_session_is_replaced_within_seconds_and_nothing_is_said_of_it(lab):
    agents = sealed_agents(lab)
    with Agreements(lab.h1) as agreements, Packets(lab.h2, "vx42", f"ether proto {MARK}"):
        time.sleep(4)
        assert agreements.seen() == 0
    assert not any("VTEP_TEST" in agent.stderr() for agent in agents)
