"""Rows 41 to 44 of the fault table: TAPs that are down, deleted, moved away or somebody else's, namespaces that go."""

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import time

import pytest

from conftest import full
from frames import ethernet, mac
from host import inside, wait_until
from peer import RawPeer
from pulse import Pulse
from stopwatch import Stopwatch
from usage import LogLines, descriptors, share_of_a_core

pytestmark = pytest.mark.alone

ALICE, BOB = mac(0xA11CE), mac(0xB0B)
DOWN_SECONDS = 10 if full() else 2
DELETED_COUNT = 100 if full() else 20
_TUNSETIFF, _TUNSETPERSIST, _IFF_TAP = 0x400454CA, 0x400454CB, 2


def pair(lab):
    """Two agents, of which one is tried; frames go from h1 to h2."""
    return [lab.agent(name) for name in ("h1", "h2")]


def is_up(lab):
    """Whether the TAP is there and up."""
    return "UP" in (lab.h1.link("vx42") or {"flags": ()})["flags"]


def test_fault_row_41_a_tap_that_is_down_costs_nothing_and_carries_at_once_when_it_is_up(lab, figure):
    agent, _ = pair(lab)
    process = agent.process.pid
    with Pulse(lab.h2, lab.h1, BOB, ALICE) as pulse:
        before = agent.counters()
        lab.h1.ip("link", "set", "vx42", "down")
        share = share_of_a_core(agent.process, DOWN_SECONDS)
        dropped = agent.counters().since(before).dropped("underlay")
        watch, began = Stopwatch(), time.monotonic()
        lab.h1.ip("link", "set", "vx42", "up")
        pulse.resumed(began)
        resumed = watch.seconds()
    figure(f"{DOWN_SECONDS} s down: {100 * share:.1f} % of a core, {dropped} dropped; up: carries after "
           f"{1000 * resumed:.0f} ms")
    assert set(dropped) == {"tap-down"} and dropped["tap-down"] >= 10 * DOWN_SECONDS
    assert share < 0.05 and resumed <= 0.1 and agent.process.pid == process


def test_fault_row_42_a_tap_that_is_deleted_again_and_again_is_back_each_time_and_nothing_leaks(lab, figure):
    agent, _ = pair(lab)
    taken, shape = [], ("mtu", "address")
    before = {name: lab.h1.link("vx42")[name] for name in shape}
    with Pulse(lab.h1, lab.h2, ALICE, BOB) as pulse:
        held = descriptors(agent.process)
        for _ in range(DELETED_COUNT):
            watch, began = Stopwatch(), time.monotonic()
            lab.h1.ip("link", "del", "vx42")
            wait_until(lambda: is_up(lab), 5, "the TAP is back")
            pulse.resumed(began)
            taken.append(watch.seconds())
    figure(f"deleted {DELETED_COUNT} times: carries again after {1000 * max(taken):.0f} ms at most")
    assert max(taken) <= 1, taken
    assert descriptors(agent.process) == held
    assert {name: lab.h1.link("vx42")[name] for name in shape} == before


def test_fault_row_42_while_a_tap_cannot_be_made_again_little_is_spent(lab, figure):
    agent, _ = pair(lab)
    held = descriptors(agent.process)
    with Pulse(lab.h1, lab.h2, ALICE, BOB) as pulse:
        # Somebody else has the name before the agent can take it again.
        agent.process.send_signal(signal.SIGSTOP)
        lab.h1.ip("link", "del", "vx42")
        lab.h1.ip("link", "add", "vx42", "type", "bridge")
        agent.process.send_signal(signal.SIGCONT)
        log = LogLines(agent)
        share = share_of_a_core(agent.process, DOWN_SECONDS)
        watch, began = Stopwatch(), time.monotonic()
        lab.h1.ip("link", "del", "vx42")
        pulse.resumed(began)
        taken = watch.seconds()
        lines = log.judge(DOWN_SECONDS)
    figure(f"absent for {DOWN_SECONDS} s: {100 * share:.1f} % of a core, {lines} lines; carries "
           f"{1000 * taken:.0f} ms after the name is free")
    assert share < 0.05 and taken <= 1 and descriptors(agent.process) == held


def test_fault_row_43_a_tap_that_is_moved_away_carries_there_and_is_made_again_when_its_namespace_goes(lab, figure):
    agent, _ = pair(lab)
    held = descriptors(agent.process)
    other = lab.add_host("elsewhere")
    lab.h1.ip("link", "set", "vx42", "netns", other.namespace)
    other.ip("link", "set", "vx42", "up")
    with Pulse(other, lab.h2, ALICE, BOB), Pulse(lab.h2, other, BOB, ALICE):
        assert lab.h1.link("vx42") is None and not LogLines(agent).new()
    watch = Stopwatch()
    subprocess.run(["ip", "netns", "del", other.namespace], check=True, timeout=60)
    wait_until(lambda: is_up(lab), 5, "the TAP is back where the agent is")
    taken = watch.seconds()
    with Pulse(lab.h1, lab.h2, ALICE, BOB):
        share = share_of_a_core(agent.process, 1)
    figure(f"its namespace deleted: made again after {1000 * taken:.0f} ms, {100 * share:.1f} % of a core afterwards")
    assert taken <= 1 and share < 0.2 and descriptors(agent.process) == held


def test_fault_row_43_a_namespace_that_lost_its_name_goes_on_until_its_agent_ends(lab, figure):
    """The kernel keeps a namespace as long as a socket of it is open, so that of the underlay is never gone under the
    agent: what `ip netns del` takes is its name. What is left to show: frames pass, and the end is quick and whole.
    """
    agent, _ = pair(lab)
    with Pulse(lab.h1, lab.h2, ALICE, BOB) as pulse:
        subprocess.run(["ip", "netns", "del", lab.h1.namespace], check=True, timeout=60)
        pulse.resumed(time.monotonic(), 2)
        share = share_of_a_core(agent.process, 1)
        agent.check_identity()
        agent.forget()
        watch = Stopwatch()
        agent.process.terminate()
        assert agent.process.wait(timeout=20) == 0
        taken = watch.seconds()
    figure(f"without a name: frames pass, {100 * share:.1f} % of a core; ended after {1000 * taken:.0f} ms")
    assert taken <= 2 and share < 0.2


@contextlib.contextmanager
def tap_of_another_program(lab, name):
    """A TAP that this process has open, in h1."""
    with inside(lab.h1.namespace):
        descriptor = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | 0x1000))
        yield descriptor
    finally:
        os.close(descriptor)


def test_fault_row_44_a_tap_that_another_program_has_is_named_and_left_alone(lab):
    with tap_of_another_program(lab, "vx42"):
        before = lab.h1.link("vx42")
        agent = lab.agent(start=False)
        watch = Stopwatch()
        agent.launch()
        assert agent.process.wait(timeout=30) == 1 and watch.seconds() <= 1
        assert "vx42" in agent.stderr() and "in use" in agent.stderr(), agent.stderr()
        after = lab.h1.link("vx42")
        assert all(before[key] == after[key] for key in ("ifindex", "address", "mtu", "flags"))
        assert not os.path.exists(agent.socket_path)
    agent.start()
    with RawPeer(lab.h2, agent) as peer:
        peer.send_frame(ethernet(BOB, length=100))
        wait_until(lambda: agent.counters().underlay["frames-out"] == 1, 5, "and then it starts")
