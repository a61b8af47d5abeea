"""Rows 37, 38 and 40 of the fault table: an underlay that brings too much, takes too little, or is not there."""

import re
import signal
import statistics
import time

import pytest

from conftest import full
from frames import ethernet, mac, vxlan
from host import wait_until
from lab import Lab
from peer import RawPeer
from pulse import Pulse
from stopwatch import Stopwatch
from usage import LogLines, descriptors

pytestmark = pytest.mark.alone

ALICE, BOB = mac(0xA11CE), mac(0xB0B)
BURST_SECONDS = 10 if full() else 2
OUTAGE_SECONDS = 30 if full() else 1.5
PINGS = 1000 if full() else 200


# Row 37.

def dropped_by_sockets(host):
    """What the kernel has dropped at the sockets of port 4789 in this namespace (`drops` in /proc/net/udp)."""
    lines = host.run("cat", "/proc/net/udp").stdout.splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines if line.split()[1].endswith(f":{4789:04X}"))


def test_fault_row_37_what_overflows_the_receive_buffer_is_counted_exactly_and_over_in_a_tenth_of_a_second(
        lab, blaster, figure):
    """The agent stands still meanwhile, so that any rate is above its capacity: the buffer takes 8 MiB, twice as much
    and more comes.
    """
    agent, memory = lab.agent(), None
    datagram = vxlan(42, ethernet(BOB, length=512))
    with RawPeer(lab.h2, agent) as peer, Pulse(lab.h2, lab.h1, BOB, ALICE, sent_by=peer.send_frame) as pulse:
        memory, before = agent.memory(), agent.counters()
        agent.process.send_signal(signal.SIGSTOP)
        blaster.send(lab.h2, agent.host.address, (datagram for _ in range(20_000 * BURST_SECONDS)), rate=20_000,
                     source="192.0.2.2")
        watch, began = Stopwatch(), time.monotonic()
        agent.process.send_signal(signal.SIGCONT)
        pulse.resumed(began)
        recovered = watch.seconds()

        def agrees():
            counted = agent.counters().since(before)
            return counted.all["kernel-drops"] == dropped_by_sockets(lab.h1) and counted
        # The kernel tells of its losses with the next datagram that it delivers: the pulse brings one.
        counted = wait_until(agrees, 10, "kernel-drops are what the kernel says")
        grew = agent.memory() - memory
    figure(f"{20_000 * BURST_SECONDS} datagrams to an agent that stands: {counted.all['kernel-drops']} dropped by the "
           f"kernel, all counted; frames pass {1000 * recovered:.0f} ms after it goes on, {grew} KiB more")
    assert counted.all["kernel-drops"] > 1000, "the buffer took it all: nothing was tested"
    # A burst touches the worker's receive buffers, 4 MiB, for the first time.
    assert recovered <= 0.1 and grew < 8192, (recovered, grew)


# Row 38.

def p99(host, address):
    """Of the round trips of PINGS echo requests."""
    said = host.run("ping", "-n", "-c", PINGS, "-i", "0.005", "-W", 2, address, timeout=120).stdout
    taken = [float(each) for each in re.findall(r"time=([\d.]+) ms", said)]
    assert len(taken) >= 0.98 * PINGS, f"{len(taken)} of {PINGS} answered"
    return statistics.quantiles(taken, n=100)[98]


def test_fault_row_38_a_slow_way_to_one_peer_holds_up_nobody_else(numbered, figure):
    rate = 50_000 if full() else 20_000
    with Lab(hosts=3) as lab:
        for number in (2, 3):
            lab.hosts[f"h{number}"].kernel_vxlan(42, [lab.h1.address], addresses=[f"10.42.0.{number}/24"])
        agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}])
        lab.h1.ping("10.42.0.2")
        lab.h1.ping("10.42.0.3")
        free = p99(lab.h1, "10.42.0.3")
        # h2 is behind a link of its own with 10 Mbit/s and a queue of 4 MB.
        lab.cable(lab.h1, "u1", lab.h2, "u1")
        lab.h1.ip("route", "add", f"{lab.h2.address}/32", "dev", "u1", "src", lab.h1.address)
        lab.h1.run("tc", *"qdisc add dev u1 root tbf rate 10mbit burst 10kb limit 4mb".split())
        before = agent.counters()
        flow = numbered.flow(lab, 1, 2, rate * 3600, rate)
        time.sleep(1)
        beside = p99(lab.h1, "10.42.0.3")
        flow.stop()
        sent, arrived, repeated, _ = flow.finish()
        counted = agent.counters().since(before)
    figure(f"p99 of another peer's round trips {free:.2f} ms, {beside:.2f} ms beside {rate} frames/s to a "
           f"peer behind 10 Mbit/s, of which {arrived} of {sent} arrived; drops: {counted.dropped('overlay')}")
    assert repeated == 0 and 0 < arrived < sent
    # The flow has its share of the same processors: a millisecond of scheduling is no way that is held up.
    assert beside <= max(2 * free, free + 1)


# Row 40.

def refused(lab, agents):
    """Nobody listens at the peer: ICMP says so. Returns what mends it, and until when it is broken."""
    agents[1].kill()
    return agents[1].start


def link_down(lab, _):
    lab.h1.ip("link", "set", "u0", "down")
    return lambda: lab.h1.ip("link", "set", "u0", "up")


def link_deleted(lab, _):
    lab.h1.ip("link", "del", "u0")

    def mend():
        lab.cable(lab.h1, "u0", lab.h2, "u0")
        for host in (lab.h2, lab.h1):
            host.ip("addr", "add", f"{host.address}/24", "dev", "u0")
    return mend


def address_removed(lab, _):
    lab.h1.ip("addr", "del", f"{lab.h1.address}/24", "dev", "u0")
    return lambda: lab.h1.ip("addr", "add", f"{lab.h1.address}/24", "dev", "u0")


def routed_nowhere(kind):
    def broken(lab, _):
        route = (kind, f"{lab.h2.address}/32")
        lab.h1.ip("route", "add", *route)
        return lambda: lab.h1.ip("route", "del", *route)
    return broken


CASES = {"nobody-listens": refused, "link-down": link_down, "link-deleted": link_deleted,
         "address-removed": address_removed, "blackhole": routed_nowhere("blackhole"),
         "unreachable": routed_nowhere("unreachable")}


@pytest.mark.parametrize("case", CASES)
def test_fault_row_40_an_underlay_that_is_not_there_is_survived_and_used_again_at_once(lab, case, figure):
    agents = [lab.agent(name) for name in ("h1", "h2")]
    process, held = agents[0].process.pid, descriptors(agents[0].process)
    with Pulse(lab.h1, lab.h2, ALICE, BOB) as pulse:
        log, before = LogLines(agents[0]), agents[0].counters()
        mend = CASES[case](lab, agents)
        time.sleep(OUTAGE_SECONDS)
        pulse.arrived()
        counted = agents[0].counters().since(before)
        mend()
        if case == "nobody-listens":
            pulse.listen_again()
        watch, began = Stopwatch(), time.monotonic()
        pulse.resumed(began)
        taken = watch.seconds()
        lines = log.judge(OUTAGE_SECONDS)
    figure(f"{case}, {OUTAGE_SECONDS} s: frames pass {1000 * taken:.0f} ms after it is mended; {lines} lines; "
           f"drops: {counted.dropped('overlay')}")
    assert taken <= 1 and agents[0].process.pid == process and agents[0].process.poll() is None
    assert descriptors(agents[0].process) == held
