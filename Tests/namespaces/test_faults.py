"""Rows 1 to 7 and 60 of the fault table: datagrams that are no good VXLAN, by exact counts."""

import random
import struct
import time

import pytest

from conftest import full
from frames import MARK, RESERVED_BITS, ethernet, ipv4, mac, udp, vxlan, with_bit
from lab import Lab
from packets import Packets
from peer import RawPeer
from stopwatch import Stopwatch

GUEST = mac(0xB0B)
GOOD = vxlan(42, ethernet(GUEST, length=100))
MARKED = f"ether proto {MARK}"


def blasted(agent, blaster, datagrams, **options):
    """Sends many datagrams from h2. Returns what was counted; every one is counted or was lost by the kernel."""
    before, on_the_cable = agent.counters(), lost_on_the_cable(agent.lab)
    sent = blaster.send(agent.lab.h2, agent.host.address, datagrams, **options)
    return settled_after(agent, before, on_the_cable, sent)


def lost_on_the_cable(lab):
    """Datagrams from h2 that a busy machine had no room for between the two devices."""
    return lab.h2.link("u0")["stats64"]["tx"]["dropped"] + lab.h1.link("u0")["stats64"]["rx"]["dropped"]


def settled_after(agent, before, on_the_cable, sent):
    """Waits until every datagram sent is counted as read or as lost by the kernel, none twice. `lost` says how many."""
    watch = Stopwatch()
    with RawPeer(agent.lab.h2, agent) as peer:
        while True:
            # The kernel tells of its losses with the next datagram that it delivers: perhaps not this one.
            peer.send(GOOD)
            sent += 1
            missing = lost_on_the_cable(agent.lab) - on_the_cable
            try:
                counted = agent.settled(before, underlay=sent - missing, seconds=3)
                break
            except AssertionError:
                if watch.seconds() > 30:
                    raise
    counted.lost = counted.all["kernel-drops"] + lost_on_the_cable(agent.lab) - on_the_cable
    assert counted.underlay["frames-in"] + counted.lost == sent, counted
    return counted


def test_fault_row_01_short_datagrams_of_every_length_are_counted_by_name(lab, figure):
    agent = lab.agent()
    whole = vxlan(42, ethernet(GUEST, length=52))
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        counted = agent.counters()
        for length in range(61):
            peer.send(whole[:length])
            counted = agent.settled(counted.reading, underlay=1)
            expected = {"short-header": 1} if length < 8 else {"short-frame": 1} if length < 22 else {}
            assert counted.dropped("underlay") == expected, length
            assert tap.rest(0) == ([] if length < 22 else [whole[8:length]]), length
    figure("of lengths 0 to 60 each below 22 was dropped by name, each from 22 on delivered byte for byte")


def test_fault_row_01_a_million_random_lengths_cost_no_memory(lab, blaster, figure):
    agent = lab.agent()
    whole, chance = vxlan(42, ethernet(GUEST, length=52)), random.Random(1)
    lengths = [chance.randrange(61) for _ in range(1_000_000)]
    blasted(agent, blaster, (whole[:length] for length in lengths[:50_000]))  # what is reserved once is reserved now
    memory, delivered = agent.memory(), lab.h1.received("vx42")
    counted = blasted(agent, blaster, (whole[:length] for length in lengths))
    assert agent.memory() - memory < 1024
    drops, lost = counted.dropped("underlay"), counted.lost
    assert set(drops) == {"short-header", "short-frame"}
    for reason, low, high in (("short-header", 0, 8), ("short-frame", 8, 22)):
        exact = sum(low <= length < high for length in lengths)
        assert exact - lost <= drops[reason] <= exact
    assert lab.h1.received("vx42") - delivered == counted.underlay["frames-out"]
    figure(f"{len(lengths)} of random lengths: RSS +{agent.memory() - memory} KiB, {drops}, {lost} lost by kernels")


def test_fault_row_02_ten_thousand_without_the_vni_flag_are_dropped(lab, blaster, figure):
    agent = lab.agent()
    clear = vxlan(42, ethernet(GUEST, length=100), flags=0)
    counted = blasted(agent, blaster, (clear for _ in range(10_000)), rate=20_000)
    assert counted.lost == 0
    assert counted.dropped("underlay") == {"no-vni-flag": 10_000}
    closing = counted.underlay["frames-in"] - 10_000
    assert lab.h1.received("vx42") == closing, "the good ones that close the series, and nothing else"
    figure("10,000 sent, 0 delivered, 10,000 under no-vni-flag")


@pytest.mark.parametrize("reserved", ("strict", "ignore"))
def test_fault_row_03_each_of_the_39_reserved_bits_counts(lab, reserved, figure):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "reserved": reserved}])
    assert len(RESERVED_BITS) == 39
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42", MARKED) as tap:
        counted = agent.counters()
        for bit in RESERVED_BITS:
            peer.send(with_bit(GOOD, bit))
            counted = agent.settled(counted.reading, underlay=1)
            assert counted.dropped("underlay") == ({"reserved-bits": 1} if reserved == "strict" else {}), bit
        assert tap.rest() == ([] if reserved == "strict" else [GOOD[8:]] * 39)
    figure(f"39 of 39 {'counted' if reserved == 'strict' else 'delivered'}")


def test_fault_row_04_only_the_exact_vni_delivers_at_every_edge(lab, figure):
    edges = (0, 0xFF, 0x100, 0xFFFFFF)
    agent = lab.agent(segments=[{"vni": vni, "tap": f"vx{vni}"} for vni in edges])
    taps = {vni: Packets(lab.h1, f"vx{vni}", MARKED) for vni in edges}
    with RawPeer(lab.h2, agent) as peer:
        counted = agent.counters()
        for vni in sorted({(edge + step) % 2**24 for edge in edges for step in (-1, 0, 1)}):
            frame = ethernet(GUEST, payload=struct.pack(">I", vni), length=60)
            peer.send_frame(frame, vni=vni)
            counted = agent.settled(counted.reading, underlay=1)
            assert counted.dropped("underlay") == ({} if vni in edges else {"unknown-vni": 1}), vni
            for own, tap in taps.items():
                assert tap.rest(0.02) == ([frame] if own == vni else []), (own, vni)
    for tap in taps.values():
        tap.close()
    figure("four VNIs at the edges of their bytes deliver, the neighbours of each do not")


def test_fault_row_04_65536_sampled_vnis_leave_no_state(lab, blaster, figure):
    agent = lab.agent()
    frame = ethernet(GUEST, length=60)
    sample = [vni for vni in random.Random(4).sample(range(2**24), 2**16 + 1) if vni != 42][:2**16]
    blasted(agent, blaster, (vxlan(vni, frame) for vni in sample[:4096]))
    memory, delivered = agent.memory(), lab.h1.received("vx42")
    counted = blasted(agent, blaster, (vxlan(vni, frame) for vni in sample))
    closing = lab.h1.received("vx42") - delivered
    unknown = counted.underlay["frames-in"] - closing
    assert counted.dropped("underlay") == {"unknown-vni": unknown} and 2**16 - counted.lost <= unknown <= 2**16
    assert closing == counted.underlay["frames-out"], "the good ones that close the series"
    assert agent.memory() - memory < 1024
    figure(f"{unknown} datagrams of as many VNIs: 0 delivered, RSS +{agent.memory() - memory} KiB")


def nested():
    """VXLAN in VXLAN in VXLAN; the innermost frame carries the mark, the outer ones plain IPv4 and UDP."""
    datagram = vxlan(42, ethernet(mac(3), payload=b"innermost", length=60))
    for station in (2, 1):
        packet = ipv4(17, udp(50_000, 4789, datagram), source="203.0.113.9", destination="203.0.113.7")
        datagram = vxlan(42, ethernet(mac(station), mac(0x77), packet, 0x0800))
    return datagram


def test_fault_row_05_of_nested_vxlan_only_the_outermost_layer_is_opened(lab, figure):
    agent = lab.agent()
    datagram = nested()
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        before = agent.counters()
        peer.send(datagram)
        counted = agent.settled(before, underlay=1)
        assert counted.dropped("underlay") == {} and counted.underlay["frames-out"] == 1
        assert tap.rest() == [datagram[8:]]
        assert set(agent.fdb()) == {mac(1).hex(":")}
    figure("three deep: the outermost frame is delivered as it is, and one address learned")


@pytest.mark.parametrize("header", (
    bytes.fromhex("0c000003") + b"\0\0\x2a\0", bytes.fromhex("0c000004") + b"\0\0\x2a\0",
    bytes.fromhex("8c000003") + b"\0\0\x2a\0", bytes.fromhex("88000001") + b"\0\0\x2a\0",
    bytes.fromhex("0c000000") + b"\0\0\x2a\0", bytes.fromhex("8c000000") + b"\0\0\x2a\0",
), ids=("gpe-ethernet", "gpe-nsh", "gpe-and-gbp", "gbp", "flags-0c", "flags-8c"))
def test_fault_row_05_packets_of_the_vxlan_extensions_are_dropped(lab, header, figure):
    agent = lab.agent()
    nsh = bytes.fromhex("0fc60103000001ff") + bytes(16)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        before = agent.counters()
        for body in (ethernet(GUEST, length=80), nsh + ethernet(GUEST, length=80)):
            peer.send(header + body, times=50)
        assert agent.settled(before, underlay=100).dropped("underlay") == {"reserved-bits": 100}
        assert tap.rest() == []
    figure("100 sent, 0 delivered, 100 under reserved-bits")


@pytest.mark.parametrize("length", (8000, 65_507))
def test_fault_row_06_oversized_datagrams_never_reach_the_tap_and_the_next_frame_does_at_once(blaster, length, figure):
    with Lab(mtu=65_535) as lab:
        agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "mtu": 1450}])
        big, small = vxlan(42, ethernet(GUEST, length=length - 8)), ethernet(GUEST, length=200)
        delays, plain = [], []
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
            before = agent.counters()
            for _ in range(20):
                plain.append(delay(peer, tap, small))
                peer.send(big)
                delays.append(delay(peer, tap, small))
            assert agent.settled(before, underlay=60).dropped("underlay") == {"oversize": 20}
            assert tap.rest() == []
        # What the machine takes without a large datagram, which is a fraction of a millisecond unless it is busy.
        allowed = 0.010 + sorted(plain)[18]
        assert sorted(delays)[18] <= allowed, f"more than one frame of 20 took {allowed * 1000} ms: {sorted(delays)}"
    figure(f"20 of 20 dropped; the next frame after {1000 * sorted(delays)[18]:.2f} ms, "
           f"{1000 * sorted(plain)[18]:.2f} without")


def delay(peer, tap, frame):
    """Seconds until a frame of the peer's has come out of the TAP."""
    begin = time.monotonic()
    peer.send_frame(frame)
    assert tap.next() == frame
    return time.monotonic() - begin


def test_fault_row_06_each_datagram_of_a_gso_buffer_is_judged_by_itself(figure):
    # A veth hands the buffer over whole, and a receiver with UDP_GRO reads it whole.
    with Lab(mtu=9000, wire=False) as lab:
        agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "mtu": 1450}])
        good, large = ethernet(GUEST, length=1464), ethernet(GUEST, length=1465)
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
            before = agent.counters()
            peer.send_segments(vxlan(42, good) * 40, 8 + len(good))
            peer.send_segments(vxlan(42, large) * 40, 8 + len(large))
            counted = agent.settled(before, underlay=80)
            assert counted.underlay["frames-in"] == 80, "a buffer of 40 datagrams is 40 frames"
            assert counted.dropped("underlay") == {"oversize": 40}
            frames = tap.rest()
            # The agent may join frames again, but it may not lose or lengthen one.
            assert frames == [good] * 40
    figure("of two buffers 40 segments that fit are delivered, 40 that are a byte longer dropped")


def random_datagrams(count, seed):
    """Half noise of any length, half good datagrams with up to eight bytes changed and the end cut."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.5:
            yield chance.randbytes(chance.randrange(1400))
            continue
        changed = bytearray(GOOD)
        for _ in range(chance.randrange(9)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        yield bytes(changed[:chance.randrange(len(changed) + 1)])


def test_fault_row_07_random_datagrams_through_the_live_socket_change_nothing(lab, blaster, figure):
    agent = lab.agent()
    count = 10_000_000 if full() else 100_000
    delivered = lab.h1.received("vx42")
    counted = blasted(agent, blaster, random_datagrams(count, seed=7))
    assert lab.h1.received("vx42") - delivered == counted.underlay["frames-out"]
    assert agent.process.poll() is None
    frames = counted.underlay["frames-in"]
    figure(f"{frames} read from the socket, {counted.underlay['frames-out']} of them frames; the process goes on")


@pytest.mark.parametrize("family", ("v4", "v6"))
def test_fault_row_60_a_fragmented_datagram_is_dropped_and_counted(family, figure):
    with Lab(family=family) as lab:
        agent = lab.agent()
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
            peer.allow_fragments()
            before = agent.counters()
            peer.send_frame(ethernet(GUEST, length=4000 - 8), times=10)
            peer.send_frame(ethernet(GUEST, length=1500), times=10)
            peer.send(GOOD)
            assert agent.settled(before, underlay=21).dropped("underlay") == {"fragment": 20}
            assert tap.rest() == [GOOD[8:]]
    figure("20 of 20 dropped under fragment; the next whole one is delivered")


@pytest.mark.parametrize("family, setting, delivered", (("v4", None, True), ("v6", None, False), ("v6", "drop", False),
                                                        ("v6", "accept", True)))
def test_fault_row_60_a_zero_udp_checksum_is_taken_on_ipv4_and_on_ipv6_only_when_told(
        family, setting, delivered, figure):
    with Lab(family=family) as lab:
        agent = lab.agent(local={"udp6-zero-checksum": setting} if setting else {})
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
            before = agent.counters()
            peer.omit_checksum()
            peer.send(GOOD, times=5)
            assert tap.take(5, seconds=10 if delivered else 0.3) == [GOOD[8:]] * (5 if delivered else 0)
            counted = agent.counters().since(before)
            # What the kernel refuses is no frame of the agent's.
            assert counted.underlay["frames-in"] == (5 if delivered else 0)
            assert counted.dropped("underlay") == {}
    figure(f"{5 if delivered else 0} of 5 delivered")
