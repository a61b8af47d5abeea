"""Joining and cutting change nothing: what comes out is what went in, in its order, wrong checksums included.

Datagrams are sent by hand in buffers that the agent receives joined; what it writes into its TAP is read as it is, a
superframe with the kernel's words on it, and cut here by the book.
"""

import random

import pytest

from frames import InnerFlow, vxlan
from lab import Lab
from packets import Packets
from peer import RawPeer
from superframes import Superframes, segments

PAYLOAD, COUNT = 1000, 40
KINDS = [(version, udp) for version in (4, 6) for udp in (False, True)]


@pytest.fixture(scope="module")
def tunnel():
    """An agent, a raw peer, and a socket on the TAP that sees superframes: (agent, peer, tap)."""
    with Lab(wire=False) as lab:
        agent = lab.agent()
        assert set(agent.json("status")["offload"].values()) == {"on"}, agent.json("status")
        with RawPeer(lab.h2, agent) as peer, Superframes(lab.h1, "vx42") as tap:
            yield agent, peer, tap


def flow_of(version, udp, chance, count=COUNT, flags=0):
    """Frames of one flow, of one length."""
    flow = InnerFlow(version, udp, flags=flags)
    return [flow.frame(chance.randbytes(PAYLOAD)) for _ in range(count)]


def corrupt(frame, offset=-1):
    """The frame with one bit turned that its transport checksum covers."""
    changed = bytearray(frame)
    changed[offset] ^= 0x10
    return bytes(changed)


def delivered(tunnel, frames):
    """Sends frames of one length as one buffer. Returns what came out of the TAP: in frames, and in how many writes."""
    agent, peer, tap = tunnel
    assert len({len(frame) for frame in frames}) == 1
    before = agent.counters()
    peer.send_segments(b"".join(vxlan(42, frame) for frame in frames), 8 + len(frames[0]))
    counted = agent.settled(before, underlay=len(frames))
    assert counted.dropped("underlay") == {} and counted.underlay["frames-out"] == len(frames), counted
    came, writes = [], 0
    while len(came) < len(frames) and (both := tap.next(5)):
        came += segments(*both)
        writes += 1
    assert tap.next(0) is None, "more came out than went in"
    return came, writes


@pytest.mark.parametrize("version, udp", KINDS)
def test_a_flow_in_order_is_joined_and_delivered_as_it_came(tunnel, version, udp):
    frames = flow_of(version, udp, random.Random(1))
    came, writes = delivered(tunnel, frames)
    assert came == frames
    # Else nothing below would say anything.
    assert writes <= 2, f"{len(frames)} frames came in {writes} writes"


@pytest.mark.parametrize("version, udp", KINDS)
@pytest.mark.parametrize("place", (0, 1, COUNT // 2, COUNT - 1))
def test_a_segment_with_a_wrong_inner_checksum_stays_wrong_and_in_its_place(tunnel, version, udp, place):
    frames = flow_of(version, udp, random.Random(place))
    frames[place] = corrupt(frames[place])
    came, writes = delivered(tunnel, frames)
    assert came == frames
    assert writes <= 6, "the others are still joined"


@pytest.mark.parametrize("version, udp", KINDS)
def test_a_checksum_that_is_wrong_by_itself_stays_wrong(tunnel, version, udp):
    frames = flow_of(version, udp, random.Random(2))
    transport = 34 if version == 4 else 54
    frames[7] = corrupt(frames[7], transport + (6 if udp else 16))
    if version == 4:
        frames[11] = corrupt(frames[11], 24)  # of the IP header
    assert delivered(tunnel, frames)[0] == frames


@pytest.mark.parametrize("version, udp", KINDS)
def test_segments_that_arrive_in_another_order_are_delivered_in_that_order(tunnel, version, udp):
    frames = flow_of(version, udp, random.Random(3))
    frames[10], frames[11] = frames[11], frames[10]
    frames[30:33] = reversed(frames[30:33])
    assert delivered(tunnel, frames)[0] == frames


@pytest.mark.parametrize("version, udp", KINDS)
def test_any_order_with_repetitions_and_corruption_is_delivered_exactly_as_it_came(tunnel, version, udp):
    chance = random.Random(f"{version} {udp}")
    for _ in range(12):
        frames = in_disorder(flow_of(version, udp, chance, count=30), chance)
        assert delivered(tunnel, frames)[0] == frames


@pytest.mark.parametrize("udp", (False, True))
def test_with_dont_fragment_at_most_the_identification_is_another(tunnel, udp):
    # Of a packet that is never cut it says nothing (RFC 6864), and a superframe cannot say that it stays.
    def unnumbered(frame):
        return frame[:18] + frame[20:24] + frame[26:]
    chance = random.Random(f"{udp}")
    for _ in range(12):
        frames = in_disorder(flow_of(4, udp, chance, count=30, flags=0x4000), chance)
        came, _ = delivered(tunnel, frames)
        assert [unnumbered(frame) for frame in came] == [unnumbered(frame) for frame in frames]


def in_disorder(frames, chance):
    """The frames with some in each other's place, some repeated and some corrupt."""
    def place():
        return chance.randrange(len(frames))
    for _ in range(chance.randrange(4)):
        one, other = place(), place()
        frames[one], frames[other] = frames[other], frames[one]
    for _ in range(chance.randrange(3)):
        frames[place()] = frames[place()]
    for _ in range(chance.randrange(4)):
        at = place()
        frames[at] = corrupt(frames[at], -1 - chance.randrange(PAYLOAD))
    return frames


@pytest.mark.parametrize("version, udp", KINDS)
def test_two_flows_in_turns_keep_their_common_order(tunnel, version, udp):
    chance = random.Random(5)
    one, other = InnerFlow(version, udp), InnerFlow(version, udp, port=40_001)
    frames = [chance.choice((one, one, one, other)).frame(chance.randbytes(PAYLOAD)) for _ in range(COUNT)]
    assert delivered(tunnel, frames)[0] == frames


@pytest.mark.parametrize("version, udp", KINDS)
def test_wrong_checksums_from_the_tap_leave_as_they_came(tunnel, version, udp):
    agent, peer, _ = tunnel
    frames = flow_of(version, udp, random.Random(6), count=20)
    frames[3], frames[19] = corrupt(frames[3]), corrupt(frames[19])
    frames[8], frames[9] = frames[9], frames[8]
    with Packets(agent.host, "vx42") as tap:
        for frame in frames:
            tap.send(frame)
    assert [peer.receive(5) for _ in frames] == [vxlan(42, frame) for frame in frames]
