"""Captures of a running agent: what they have, and that they cost no frame: row 49 of the fault
table.
"""

import contextlib
import multiprocessing
import os
import statistics
import time

import pytest

from agent_capture import INNER, OUTER, AgentCapture
from conftest import full
from frames import ethernet, mac, tagged, vxlan
from host import wait_until
from packets import Packets
from peer import RawPeer
from transfer import random_bytes, tcp_hash

GUEST, ALICE = mac(0xB0B), mac(0xA1)
ADDRESSES = "10.42.0.1", "10.42.0.2"


def gathered(capture, enough, what):
    """The records of a capture, once there are enough."""
    records = []
    wait_until(lambda: records.extend(capture.records()) or enough(records), 5, what)
    return records


@pytest.mark.parametrize("workers", (1, 2))
def test_frames_and_datagrams_are_captured_with_their_reasons(lab, workers):
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42"}])
    frame = ethernet(GUEST, length=60)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, \
            AgentCapture(agent) as inner, AgentCapture(agent, wantsOuter=True) as outer:
        sent = [b"short", vxlan(77, frame), vxlan(42, tagged(frame)), vxlan(42, frame)]
        for payload in sent:
            peer.send(payload)
        wanted = ["short-header", "unknown-vni", "vlan-tag", None]
        datagrams = gathered(outer, lambda all: len(all) >= 4, "four datagrams")
        mine = [each for each in datagrams if each.direction == 1]
        assert sorted((each.bytes, str(each.reason)) for each in mine) == sorted(zip(sent, map(str, wanted)))
        frames = [each for each in gathered(inner, lambda all: sum(each.direction for each in all) >= 4, "all ended")
                  if each.direction == 1]
        assert sorted(str(each.reason) for each in frames) == sorted(map(str, wanted))
        whole = next(each for each in frames if each.reason is None)
        assert whole.kind == INNER and whole.bytes == frame and whole.vni == 42 and inner.peers[whole.peer] == "b"
        assert next(each for each in frames if each.reason == "unknown-vni").kind == OUTER
        tap.send(tagged(ethernet(ALICE, length=60)))
        gathered(inner, lambda all: any(each.reason == "vlan-tag" and each.direction == 0 for each in all),
                 "a frame from the TAP that ends")


def test_a_capture_ends_with_the_agent_and_more_than_four_are_refused(lab):
    agent = lab.agent()
    captures = [AgentCapture(agent) for _ in range(4)]
    assert "4 captures" in AgentCapture(agent).refused
    captures.pop().__exit__()
    wait_until(lambda: "no peer" in AgentCapture(agent, peer="nobody").refused, 5, "the place is free again")
    agent.stop()
    assert all(each.ending() == "the agent has ended" for each in captures)


def test_segments_and_peers_may_come_and_go(lab):
    agent = lab.agent()
    with AgentCapture(agent, vni=43) as capture, RawPeer(lab.h2, agent) as peer:
        agent.ask("segment", "add", "--vni", "43", "--tap", "vx43")
        peer.send_frame(ethernet(GUEST, length=60), vni=43)
        peer.send_frame(ethernet(GUEST, length=60), vni=42)
        records = gathered(capture, lambda all: any(each.direction == 1 for each in all), "the new segment's frame")
        assert {each.vni for each in records} == {43}
        agent.ask("segment", "del", "--vni", "43")
        peer.send_frame(ethernet(GUEST, length=60), vni=43)
        gathered(capture, lambda all: any(each.reason == "unknown-vni" for each in all), "the former segment's")


@pytest.fixture(name="pair")
def _pair(lab):
    agents = [lab.agent(host, segments=[{"vni": 42, "tap": "vx42", "address": [f"{address}/24"]}])
              for host, address in zip(("h1", "h2"), ADDRESSES)]
    lab.h1.ping(ADDRESSES[1])
    return agents


@pytest.mark.parametrize("position", (None, 1 << 63, 64), ids=("still", "above", "below"))
def test_fault_row_49_a_reader_that_stands_still_or_lies_costs_no_frame(lab, pair, position, figure):
    before = pair[1].counters()
    with AgentCapture(pair[1]) as capture:
        if position:
            for ring in capture.rings:
                ring.claim(position)
        data = random_bytes(32 << 20)
        tcp_hash(lab.h1, lab.h2, ADDRESSES[1], data)
        missed = capture.missed()
    counted = pair[1].counters().since(before)
    assert missed > 0 and not counted.dropped("underlay"), counted
    figure(f"{counted.underlay['frames-in']} frames carried, 0 dropped; the capture missed {missed}")


def _drain(agent, request, begun, answers, done):
    """A reader in a process of its own, at the lowest priority, as that of `vtep capture` is."""
    os.nice(19)
    with AgentCapture(agent, **request) as capture:
        begun.set()
        count = 0
        while not done.is_set():
            count += len(capture.records())
            time.sleep(0.001)
        answers.put((count, capture.missed()))


@contextlib.contextmanager
def reader(agent, request, answers):
    """A capture that is read meanwhile. What came of it goes to `answers`."""
    processes = multiprocessing.get_context("fork")
    begun, done = processes.Event(), processes.Event()
    process = processes.Process(target=_drain, args=(agent, request, begun, answers, done))
    process.start()
    assert begun.wait(10)
    try:
        yield
    finally:
        done.set()
        process.join(10)


def worker_seconds(agent):
    """Processor time of the agent's workers so far."""
    ticks, tasks = 0, f"/proc/{agent.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="utf-8") as text:
            name, _, rest = text.read().partition("(")[2].rpartition(") ")
        if name.startswith("vtep-worker"):
            ticks += sum(map(int, rest.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.alone
def test_what_a_capture_of_full_rate_costs(lab, pair, figure):
    data = random_bytes(8 << 20)
    count, rounds = (200, 7) if full() else (40, 3)
    answers = multiprocessing.get_context("fork").Queue()

    def run():
        """MB/s, and the receiver's workers' time in microseconds per MB."""
        began, spent = time.monotonic(), worker_seconds(pair[1])
        tcp_hash(lab.h1, lab.h2, ADDRESSES[1], *[data] * count)
        megabytes = len(data) * count / 1e6
        return megabytes / (time.monotonic() - began), (worker_seconds(pair[1]) - spent) * 1e6 / megabytes

    ways = {"whole frames": {}, "128 bytes of each frame": {"snapByteCount": 128}, "datagrams": {"wantsOuter": True}}
    # Each with the one before it, which nothing captured: what else the machine does changes more slowly.
    pairs, kept = {name: [] for name in ways}, {}
    for _ in range(rounds):
        for name, request in ways.items():
            plain = run()
            with reader(pair[1], request, answers):
                pairs[name].append((plain, run()))
            kept[name] = answers.get(timeout=10)
    for name, both in pairs.items():
        rate = statistics.median(captured[0] / plain[0] for plain, captured in both)
        spent = statistics.median(captured[1] / plain[1] for plain, captured in both)
        figure(f"{name} captured at full rate: {rate:.3f} of the {statistics.median(each[0][0] for each in both):.0f} "
               f"MB/s without, {spent:.3f} of the workers' time a byte; {kept[name][0]} records read, "
               f"{kept[name][1]} missed")
        assert kept[name][0] > 0
