"""Row 54 of the fault table: an agent that is stopped, or gets no processor."""

import base64
import collections
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from conftest import full
from frames import mac
from host import wait_until
from lab import Lab
from packets import Packets
from pulse import Pulse
from sealed import HANDSHAKES, Agreements, identities, sealed_agent, sealed_agents, sealed_segment, session_up
from stopwatch import Stopwatch
from usage import LogLines, processor_seconds

pytestmark = pytest.mark.alone

ALICE, BOB = mac(0xA11CE), mac(0xB0B)
STOP_SECONDS = 10 if full() else 3
STARVED_SECONDS = 10 if full() else 2
STRANGERS = 1000 if full() else 200
CONTROL = "udp port 4790 and src host {0.address} and udp[8] = 0x0d and udp[11] = 0xfe"
INITIATION_LENGTH = 14 + 20 + 8 + 176


@contextlib.contextmanager
def busy(seconds):
    """Twice as many loops as there are processors, each worth 88 ordinary processes, for so long. Yields a function
    that waits for their end.
    """
    loop = ["timeout", "-s", "KILL", str(seconds), "nice", "-n", "-20", "sh", "-c", "while :; do :; done"]
    processes = [subprocess.Popen(loop, stdin=subprocess.DEVNULL) for _ in range(2 * os.cpu_count())]
    try:
        yield lambda: [process.wait() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def stopped(agent):
    agent.process.send_signal(signal.SIGSTOP)
    time.sleep(STOP_SECONDS)
    agent.process.send_signal(signal.SIGCONT)
    return f"stopped for {STOP_SECONDS} s"


def starved(agent):
    used, began = processor_seconds(agent.process), time.monotonic()
    with busy(STARVED_SECONDS) as ended:
        ended()
    share = (processor_seconds(agent.process) - used) / (time.monotonic() - began)
    return f"starved for {STARVED_SECONDS} s, with {100 * share:.1f} % of a processor"


@pytest.mark.parametrize("fault", (stopped, starved), ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("kind", ("plain", "sealed"))
def test_fault_row_54_an_agent_without_a_processor_goes_on_within_a_second_and_without_a_storm(
        lab, kind, fault, figure):
    agents = sealed_agents(lab, changes={"sealed": kind == "sealed"})
    agent = agents[0]
    with Pulse(lab.h1, lab.h2, ALICE, BOB) as there, Pulse(lab.h2, lab.h1, BOB, ALICE) as back, \
            Agreements(lab.h1) as agreements, Packets(lab.h1, "u0", CONTROL.format(lab.h1), incoming=False) as control:
        log, before = LogLines(agent), agents[0].counters()
        what = fault(agent)
        watch, began = Stopwatch(), time.monotonic()
        there.resumed(began)
        back.resumed(began)
        taken = watch.seconds()
        time.sleep(2)
        new, lines, messages = agreements.seen(), len(log.new()), len(control.rest(quiet=0))
        counted = agent.counters().since(before)
    figure(f"{kind}, {what}: frames pass both ways after {1000 * taken:.0f} ms; {new} new sessions, {messages} control "
           f"messages from it, {lines} lines of the log, {counted.all['kernel-drops']} datagrams lost in its sockets")
    assert taken <= 1 and new <= 1
    # The other end, which was not answered, looks for a smaller path: each of its probes is answered now.
    assert messages <= 20 + 2 * STOP_SECONDS and lines <= 5, agent.stderr()


def initiations(packets):
    """How many initiations of the host each address was sent since the last look."""
    return collections.Counter(socket.inet_ntoa(each[30:34]) for each in packets.rest(quiet=0)
                               if len(each) == INITIATION_LENGTH)


@pytest.mark.parametrize("fault", (stopped, starved), ids=lambda fault: fault.__name__)
def test_fault_row_54_many_peers_that_are_gone_are_asked_once_each_and_not_for_all_the_time_that_was_missed(
        fault, figure):
    """The agent has one peer, and strangers that never answer: all of their timers are due when it goes on."""
    with Lab() as lab:
        known = identities(lab)
        lab.h1.ip("route", "add", "198.18.0.0/15", "via", lab.h2.address)
        agent, other = (sealed_agent(lab, name, known, [sealed_segment(int(name[1:]))]) for name in known)
        agent.config["peers"] += [
            {"name": f"p{number}", "address": f"198.18.{number // 250}.{number % 250 + 1}",
             "public-key": base64.b64encode(os.urandom(32)).decode()} for number in range(STRANGERS)]
        with Packets(lab.h1, "u0", f"{HANDSHAKES} and src host {lab.h1.address}", incoming=False) as sent:
            other.start()
            agent.start()
            session_up(other)
            asked = collections.Counter()

            def all_asked():
                asked.update(initiations(sent))
                return len(asked) >= STRANGERS
            wait_until(all_asked, 30, "every stranger was asked")
            with Pulse(lab.h1, lab.h2, ALICE, BOB) as there:
                log = LogLines(agent)
                initiations(sent)
                what = fault(agent)
                if fault is starved:
                    initiations(sent)
                watch, began = Stopwatch(), time.monotonic()
                there.resumed(began)
                taken = watch.seconds()
                time.sleep(max(0, began + 1 - time.monotonic()))
                after, lines = initiations(sent), len(log.new())
            figure(f"{STRANGERS} strangers, {what}: frames pass after {1000 * taken:.0f} ms; {sum(after.values())} "
                   f"initiations in the first second, {max(after.values(), default=0)} for one peer at most; "
                   f"{lines} lines of the log")
            assert taken <= 1 and max(after.values(), default=0) <= 1
            assert after[lab.h2.address] <= 1 and lines <= 10, agent.stderr()
            agent.check_identity()
