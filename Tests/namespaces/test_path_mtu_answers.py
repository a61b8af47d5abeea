"""Senders are told what fits: ICMP 3/4 and ICMPv6 2/0 by the bytes and by the rate, and for each peer by its own path.

Row 36 of the fault table. The frames come from the TAP of h1 by hand, so that every answer is one of this file's.
"""

import ipaddress
import struct
import time

import pytest

from frames import BROADCAST, checksum, ethernet, ipv4, ipv6, mac, mac_text, udp
from host import wait_until
from lab import Lab
from packets import Packets
from shrinking import DOWN_SECONDS, KINDS, agents, overhead, path_mtu, set_route_mtu, shrunk

ANSWER = "(icmp[icmptype] == 3 and icmp[icmpcode] == 4) or (ip6[6] == 58 and ip6[40] == 2)"
SENDER, RECEIVER = mac(0xA), mac(0xB)
ETHERNET = 14
PER_SENDER, PER_SEGMENT = 10, 100


@pytest.fixture(params=[(family, kind) for family in ("v4", "v6") for kind in KINDS], ids="-".join)
def shrinking(request):
    """A lab, what carries its overlay, the first agent, its MTU and what fits."""
    family, kind = request.param
    yield from shrunk_lab(family, kind)


@pytest.fixture(params=KINDS)
def shrinking_v4(request):
    """The same over IPv4 alone, for what has nothing to do with the underlay's family."""
    yield from shrunk_lab("v4", request.param)


def shrunk_lab(family, kind):
    """A lab with the receiver of this file's frames known to be at h2."""
    with Lab(family=family) as lab:
        made = shrunk(lab, kind)
        introduce(made[0], lab.h2, RECEIVER)
        yield lab, *made


def introduce(agent, host, station):
    """Lets an agent learn that a station is at a host: what is flooded is judged otherwise."""
    with Packets(host, "vx42") as tap:
        tap.send(ethernet(station, length=60))
    wait_until(lambda: mac_text(station) in agent.fdb(), 5, f"the station of {host.name} is known")


def packet(inner, length, sender=1, receiver=2, flags=0x4000, frame_to=RECEIVER, **changes):
    """A frame with a UDP packet of `length` bytes from station number `sender` to number `receiver`."""
    if inner == "v4":
        ends = {"source": f"10.42.1.{sender}", "destination": f"10.42.2.{receiver}", "flags": flags, **changes}
        if sender > 255:
            ends["source"] = str(ipaddress.ip_address("10.42.4.0") + sender)
        return ethernet(SENDER, frame_to, ipv4(17, udp(40_000, 443, bytes(length - 28)), **ends), 0x0800)
    ends = {"source": f"fd42:1::{sender:x}", "destination": f"fd42:2::{receiver:x}", **changes}
    return ethernet(SENDER, frame_to, ipv6(17, udp(40_000, 443, bytes(length - 48)), **ends), 0x86DD)


def sent(lab, agent, frames):
    """Sends frames from the host of the TAP. Returns what the agent counted, once it has read them all."""
    before = agent.counters()
    with Packets(lab.h1, "vx42") as tap:
        for frame in frames:
            tap.send(frame)
    return agent.settled(before, overlay=len(frames))


def told(frame):
    """The MTU that an answer tells, after everything else of it was judged: to whom, from whom, about what."""
    def judge(asked):
        assert frame[:12] == asked[6:12] + asked[:6] and frame[12:14] == asked[12:14], "the MACs are swapped"
        if asked[12:14] == b"\x08\x00":
            header, message, quoted = frame[14:34], frame[34:], frame[42:]
            assert header[12:20] == asked[30:34] + asked[26:30], "the packet's destination answers its source"
            assert checksum(header) == 0 and checksum(message + bytes(len(message) % 2)) == 0
            assert message[:2] == b"\x03\x04" and len(frame) - ETHERNET == 576
            value = struct.unpack(">H", message[6:8])[0]
        else:
            header, message, quoted = frame[14:54], frame[54:], frame[62:]
            assert header[8:40] == asked[38:54] + asked[22:38], "the packet's destination answers its source"
            pseudo = header[8:40] + struct.pack(">II", len(message), 58)
            assert checksum(pseudo + message + bytes(len(message) % 2)) == 0
            assert message[:2] == b"\x02\x00" and len(frame) - ETHERNET == 1280
            value = struct.unpack(">I", message[4:8])[0]
        assert quoted == asked[14:14 + len(quoted)], "the packet is quoted as it was"
        return value
    return judge


@pytest.mark.parametrize("inner", ("v4", "v6"))
def test_fault_row_36_the_answer_is_right_to_the_byte(shrinking, inner, figure):
    lab, agent, mtu, fits = shrinking
    with Packets(lab.h1, "vx42") as answers:
        for number, length in enumerate((fits + 1, mtu), 1):
            frame = packet(inner, length, sender=number)
            counted = sent(lab, agent, [frame])
            assert counted.dropped("overlay") == {"too-big": 1}, counted
            assert told(answers.next())(frame) == fits
        counted = sent(lab, agent, [packet(inner, fits, sender=3)])
        assert counted.dropped("overlay") == {}, counted
        assert answers.rest() == []
    figure(f"one byte over {fits} and all of {mtu} are answered with {fits}, {fits} is not")


@pytest.mark.parametrize("inner", ("v4", "v6"))
def test_fault_row_36_a_pair_of_addresses_is_told_once_a_second(shrinking_v4, inner, figure):
    lab, agent, mtu, _ = shrinking_v4
    frame, began = packet(inner, mtu), time.monotonic()
    with lab.capture(device="vx42", expression=ANSWER, direction="in", silent=True) as capture, \
            Packets(lab.h1, "vx42") as tap:
        before, count = agent.counters(), 0
        while time.monotonic() - began < 2.3:
            tap.send(frame)
            count += 1
            time.sleep(0.02)
        taken = time.monotonic() - began
        counted = agent.settled(before, overlay=count)
        time.sleep(0.2)
    assert counted.dropped("overlay") == {"too-big": count}, counted
    times = [float(time) for time, in capture.fields("frame.time_epoch")]
    assert 2 <= len(times) <= 1 + int(taken), times
    # The agent reads the clock once for a batch, a moment before its answer is written.
    assert all(later - earlier > 0.95 for earlier, later in zip(times, times[1:])), times
    figure(f"{count} too large in {taken:.1f} s: {len(times)} answers")


@pytest.mark.parametrize("inner", ("v4", "v6"))
@pytest.mark.parametrize("what, most", (("sender", PER_SENDER), ("segment", PER_SEGMENT)), ids=("sender", "segment"))
def test_fault_row_36_ten_answers_a_second_for_a_sender_and_a_hundred_for_a_segment(
        shrinking_v4, inner, what, most, figure):
    lab, agent, mtu, _ = shrinking_v4
    numbers = range(1, 41) if what == "sender" else range(1, 301)
    frames = [packet(inner, mtu, **{"receiver" if what == "sender" else "sender": number}) for number in numbers]
    with lab.capture(device="vx42", expression=ANSWER, direction="in", silent=True) as capture:
        for _ in range(2):
            counted = sent(lab, agent, frames)
            assert counted.dropped("overlay") == {"too-big": len(frames)}, counted
            time.sleep(2.1)
    times = [float(time) for time, in capture.fields("frame.time_epoch")]
    assert len(times) == 2 * most, times
    assert times[most] - times[most - 1] > 1, "two bursts"
    figure(f"{len(frames)} too large at once, twice: {len(times)} answers")


def test_nobody_is_told_about_what_must_not_be_answered(shrinking):
    lab, agent, mtu, _ = shrinking
    error4 = ethernet(SENDER, RECEIVER, ipv4(1, b"\x03\x01" + bytes(mtu - 22), source="10.42.1.20"), 0x0800)
    error6 = ethernet(SENDER, RECEIVER, ipv6(58, b"\x01\x00" + bytes(mtu - 42), source="fd42:1::20"), 0x86DD)
    later = ethernet(SENDER, RECEIVER, ipv4(17, bytes(mtu - 20), source="10.42.1.21", flags=0x4001), 0x0800)
    frames = [
        error4, error6, later,
        packet("v4", mtu, sender=22, destination="224.0.0.9"), packet("v6", mtu, sender=22, destination="ff02::9"),
        packet("v4", mtu, sender=23, frame_to=BROADCAST), packet("v6", mtu, sender=23, frame_to=BROADCAST),
        packet("v4", mtu, source="0.0.0.0"), packet("v6", mtu, source="::"),
        packet("v4", mtu, source="127.0.0.1"), packet("v6", mtu, source="::1"),
        packet("v4", mtu, source="224.0.0.1"), packet("v6", mtu, source="ff02::1"),
        ethernet(SENDER, RECEIVER, length=mtu + ETHERNET),
    ]
    with Packets(lab.h1, "vx42") as answers:
        counted = sent(lab, agent, frames)
        assert counted.dropped("overlay") == {"too-big": len(frames)}, counted
        assert answers.rest() == []
        # That is no rate limit: both families are still told.
        for inner in ("v4", "v6"):
            sent(lab, agent, [packet(inner, mtu, sender=30)])
            assert answers.next() is not None


@pytest.mark.parametrize("inner", ("v4", "v6"))
def test_unknown_unicast_that_fits_no_peer_is_answered_like_any_other(shrinking, inner):
    lab, agent, mtu, fits = shrinking
    frame = packet(inner, mtu, frame_to=mac(0x99))
    with Packets(lab.h1, "vx42") as answers:
        counted = sent(lab, agent, [frame])
        assert counted.dropped("overlay") == {"too-big": 1} and counted.overlay["flood-copy-drops"] == 1, counted
        assert told(answers.next())(frame) == fits
        if inner == "v4":
            counted = sent(lab, agent, [packet(inner, mtu, flags=0, frame_to=mac(0x99))])
            assert counted.dropped("overlay") == {} and counted.overlay["frames-out"] == 1, counted
        assert answers.rest() == []


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_told_less_than_every_host_must_take(kind):
    with Lab() as lab:
        agent, mtu, fits = shrunk(lab, kind, link=1300)
        introduce(agent, lab.h2, RECEIVER)
        assert fits < 1280
        with Packets(lab.h1, "vx42") as answers:
            counted = sent(lab, agent, [packet("v6", mtu), packet("v4", mtu)])
            assert counted.dropped("overlay") == {"too-big": 2}, counted
            answer, = answers.rest()
            assert told(answer)(packet("v4", mtu)) == fits


@pytest.fixture(params=[(family, kind) for family in ("v4", "v6") for kind in KINDS], ids="-".join)
def two_peers(request):
    """h1 with two peers, of which h3 has the smaller path: lab, agent, its MTU, what fits to h3, TAPs of both."""
    family, kind = request.param
    with Lab(hosts=3, family=family) as lab:
        mtu = 1500 - overhead(lab, kind)
        first, *_ = agents(lab, kind, {name: {"mtu": mtu} for name in ("h1", "h2", "h3")})
        set_route_mtu(lab, lab.h3, 1380)
        wait_until(lambda: path_mtu(first, lab.h3) == 1380, DOWN_SECONDS, "the path to h3 is its route's")
        assert path_mtu(first, lab.h2) == 1500
        for number, host in ((2, lab.h2), (3, lab.h3)):
            introduce(first, host, mac(number))
        ours = f"ether src {mac_text(SENDER)}"
        with Packets(lab.h2, "vx42", ours) as near, Packets(lab.h3, "vx42", ours) as far:
            yield lab, first, mtu, 1380 - overhead(lab, kind), near, far


@pytest.mark.parametrize("inner", ("v4", "v6"))
def test_unicast_is_judged_by_the_path_of_its_own_peer(two_peers, inner):
    lab, agent, mtu, fits, near, far = two_peers
    with Packets(lab.h1, "vx42") as answers:
        large = packet(inner, mtu, sender=1, frame_to=mac(2))
        assert sent(lab, agent, [large]).dropped("overlay") == {}
        assert near.next() == large
        assert answers.rest() == []
        asked = packet(inner, mtu, sender=2, frame_to=mac(3))
        assert sent(lab, agent, [asked]).dropped("overlay") == {"too-big": 1}
        assert told(answers.next())(asked) == fits
        passing = packet(inner, fits, sender=3, frame_to=mac(3))
        assert sent(lab, agent, [passing]).dropped("overlay") == {}
        assert far.next() == passing
        assert (near.rest(), far.rest(), answers.rest()) == ([], [], [])


def test_without_df_a_packet_is_cut_for_the_peer_that_needs_it_and_for_no_other(two_peers):
    lab, agent, mtu, fits, near, far = two_peers
    for number in (2, 3):
        frame = packet("v4", mtu, flags=0, frame_to=mac(number))
        assert sent(lab, agent, [frame]).dropped("overlay") == {}
    assert near.next() == packet("v4", mtu, flags=0, frame_to=mac(2)) and near.rest() == []
    pieces = far.rest()
    assert len(pieces) == 2 and max(map(len, pieces)) <= fits + ETHERNET, [len(piece) for piece in pieces]
    assert b"".join(piece[34:] for piece in pieces) == packet("v4", mtu)[34:]


def test_of_a_flooded_frame_each_copy_is_judged_by_its_own_path(two_peers):
    lab, agent, mtu, fits, near, far = two_peers
    small = ethernet(SENDER, length=fits + ETHERNET)
    counted = sent(lab, agent, [small])
    assert (near.next(), far.next()) == (small, small) and counted.overlay["flood-copy-drops"] == 0, counted
    large = ethernet(SENDER, length=mtu + ETHERNET)
    counted = sent(lab, agent, [large])
    assert near.next() == large and far.rest() == []
    assert counted.dropped("overlay") == {} and counted.overlay["flood-copy-drops"] == 1, counted
    set_route_mtu(lab, lab.h2, 1380)
    wait_until(lambda: path_mtu(agent, lab.h2) == 1380, DOWN_SECONDS, "the path to h2 is its route's")
    counted = sent(lab, agent, [large])
    assert counted.dropped("overlay") == {"too-big": 1} and counted.overlay["flood-copy-drops"] == 2, counted
    assert sent(lab, agent, [small]).dropped("overlay") == {}
    assert (near.next(), far.next()) == (small, small) and (near.rest(), far.rest()) == ([], [])
