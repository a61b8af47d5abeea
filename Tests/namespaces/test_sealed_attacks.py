"""Rows 17 to 22 of the fault table: datagrams that are changed, repeated, late or elsewhere, over real sockets. What is
delivered is compared by bytes, what is dropped by exact counts.
"""

import os
import random

import pytest

from conftest import full
from frames import ethernet
from packets import Packets
from sealed import identities, sealed_agent, sealed_segment, session_up, sessions
from sealed_end import ALICE, GUEST, MARKED, End, number_of, numbered
from sealed_peer import SealedPeer, is_kind

WINDOW = 8192


def test_fault_row_17_every_changed_bit_is_refused_by_name_and_the_window_stays(end, figure):
    frame = numbered(1, length=142 - 32)
    datagram = end.peer.session.seal(frame, counter=5)
    assert len(datagram) == 142
    before = end.agent.counters()
    for bit in range(8 * len(datagram)):
        changed = bytearray(datagram)
        changed[bit // 8] ^= 0x80 >> bit % 8
        end.peer.send(bytes(changed))
        if bit % 64 == 63:
            end.agent.settled(before, underlay=bit + 1)
    counted = end.counted(before, 1136)
    # Flags, reserved bytes and next protocol; VNI; index; the rest is what the tag is over.
    assert counted.dropped("underlay") \
        == {"framing": 40, "unknown-vni": 24, "unknown-session": 20, "authentication": 44 + 8 * 126}, counted
    assert end.tap.rest() == []
    end.peer.send(datagram)
    assert end.tap.take(1) == [frame]
    figure(f"1136 bits of 142 bytes, one at a time: 0 delivered, {counted.dropped('underlay')}; then the original is")


def test_fault_row_17_datagrams_of_every_length_under_a_frame_are_refused(end):
    whole = end.peer.session.seal(numbered(1), counter=9)
    before = end.agent.counters()
    for length in range(47):
        end.peer.send(whole[:length])
    counted = end.counted(before, 47)
    assert counted.underlay["drops"] == 47 and counted.underlay["frames-out"] == 0, counted
    assert counted.dropped("underlay") == {"short-header": 8, "framing": 25, "authentication": 14}, counted
    # An authentic frame may still be too short, or have a source that no station has.
    before = end.agent.counters()
    end.peer.send_frame(bytes(13))
    end.peer.send_frame(ethernet(b"\x01" + bytes(5), ALICE, b"multicast source"))
    assert end.counted(before, 2).dropped("underlay") == {"short-frame": 1, "invalid-source-mac": 1}
    assert end.tap.rest() == []


def test_fault_row_18_a_recording_played_three_times_delivers_nothing_twice(end, blaster, figure):
    count = 100_000 if full() else 4000
    # As many as the window remembers are repeated as such; what is older is refused as older.
    recording = [end.peer.session.seal(numbered(number)) for number in range(count)]
    counted = end.blast(blaster, recording)
    assert counted.underlay["frames-out"] == count and counted.dropped("underlay") == {}, counted
    assert [number_of(frame) for frame in end.tap.take(count)] == list(range(count))
    counted = end.blast(blaster, recording * 3)
    assert counted.dropped("underlay") == {"replay": 3 * count}, counted
    assert end.tap.rest() == []
    end.works()
    figure(f"{count} datagrams, three times more at once: 0 doubled, {3 * count} under replay")


def test_fault_row_20_datagrams_that_the_underlay_doubles_are_delivered_once(end, blaster, figure):
    chance, datagrams = random.Random(20), []
    for number in range(5000):
        datagrams += [end.peer.session.seal(numbered(number))] * (2 if chance.random() < 0.1 else 1)
    counted = end.blast(blaster, datagrams)
    assert counted.dropped("underlay") == {"replay": len(datagrams) - 5000}, counted
    assert [number_of(frame) for frame in end.tap.take(5001, seconds=1)] == list(range(5000))
    figure(f"{len(datagrams) - 5000} of 5000 doubled: 0 inner duplicates, 0 lost")


def shuffled(count, depth, chance):
    """The numbers below `count`, in any order within blocks of `depth`."""
    order = []
    for begin in range(0, count, depth):
        block = list(range(begin, min(count, begin + depth)))
        chance.shuffle(block)
        order += block
    return order


def too_late(order):
    """Which of them stand so far behind the highest before them that a window of 8,192 does not reach them."""
    late, highest = [], -1
    for number in order:
        if number <= highest - WINDOW:
            late.append(number)
        highest = max(highest, number)
    return late


@pytest.mark.parametrize("depth", (64, 1024, 8000, 9000))
def test_fault_row_19_what_comes_late_is_delivered_as_far_back_as_the_window_reaches(end, blaster, depth, figure):
    count = 3 * depth
    order = shuffled(count, depth, random.Random(depth))
    datagrams = [end.peer.session.seal(numbered(number)) for number in range(count)]
    counted = end.blast(blaster, (datagrams[number] for number in order))
    late = too_late(order)
    assert bool(late) == (depth > WINDOW)
    assert counted.dropped("underlay") == ({"replay": len(late)} if late else {}), counted
    expected = [number for number in order if number not in set(late)]
    assert [number_of(frame) for frame in end.tap.take(count, seconds=2)] == expected
    figure(f"{count} in blocks of {depth} shuffled: {len(late)} too late and dropped, all others delivered")


def test_fault_row_21_what_the_agent_sent_is_nothing_when_it_comes_back(lab, figure):
    end = End(lab, answered=False)
    try:
        # The same index in both directions: only the key tells them apart.
        end.peer.answer(index=lambda agents: agents)
        frames = [ethernet(ALICE, GUEST, os.urandom(80)) for _ in range(50)]
        end.peer.rest()
        for frame in frames:
            end.tap.send(frame)
        seen = [each for each in end.peer.rest() if is_kind(each, "frame")]
        assert [end.peer.session.open(each) for each in seen] == frames
        before = end.agent.counters()
        end.peer.send(*seen)
        counted = end.counted(before, 50)
        # Counters that the peer has used itself are refused for that already.
        assert set(counted.dropped("underlay")) <= {"authentication", "replay"}, counted
        assert counted.underlay["drops"] == 50 and end.tap.rest() == []
        end.works()
    finally:
        end.close()
    figure(f"50 sent back: 0 delivered, {counted.dropped('underlay')}")


def test_fault_row_21_a_frame_for_one_peer_or_segment_is_nothing_for_another(lab3, figure):
    known = identities(lab3)
    more = [{"vni": vni, "tap": f"vx{vni}", "sealed": True} for vni in (43, 44)]
    agents = {name: sealed_agent(lab3, name, known, [sealed_segment(int(name[1])), *more]) for name in ("h1", "h3")}
    for agent in agents.values():
        for peer in agent.config["peers"]:
            peer["segments"] = [42, 43]
    peers = {name: SealedPeer(lab3.h2, agents[name], known["h2"], known[name].public, port=port)
             for name, port in (("h1", 4790), ("h3", 4791))}
    agents["h3"].config["peers"][1]["sealed-port"] = 4791
    assert agents["h3"].config["peers"][1]["name"] == "h2"
    for name, agent in agents.items():
        agent.start()
        peers[name].answer()
    for agent in agents.values():
        session_up(agent)
    sessions_of = {name: peer.session for name, peer in peers.items()}
    datagrams = [sessions_of["h1"].seal(numbered(number)) for number in range(20)]
    taps = {vni: Packets(lab3.h1, f"vx{vni}", MARKED) for vni in (42, 43, 44)}
    other = Packets(lab3.h3, "vx42", MARKED)
    try:
        # To the other agent: as it is, and with the index that this agent has given.
        index = sessions_of["h3"].remote_index
        moved = [each[:8] + ((int.from_bytes(each[8:16], "big") & ~(0xFFFFF << 40)) | index << 40).to_bytes(8, "big")
                 + each[16:] for each in datagrams]
        before = agents["h3"].counters()
        peers["h3"].send(*datagrams, *moved)
        counted = agents["h3"].settled(before, underlay=40).dropped("underlay")
        if index == sessions_of["h1"].remote_index:
            assert counted == {"authentication": 40}
        else:
            assert counted == {"unknown-session": 20, "authentication": 20}, counted
        # To another segment, by the number alone: then by right, where the peer belongs and where it does not.
        before = agents["h1"].counters()
        peers["h1"].send(*(each[:4] + (43).to_bytes(3, "big") + each[7:] for each in datagrams))
        assert agents["h1"].settled(before, underlay=20).dropped("underlay") == {"authentication": 20}
        assert [tap.rest() for tap in (*taps.values(), other)] == [[], [], [], []]
        before = agents["h1"].counters()
        peers["h1"].send_frame(numbered(1), vni=43)
        peers["h1"].send_frame(numbered(2), vni=44)
        assert agents["h1"].settled(before, underlay=2).dropped("underlay") == {"not-permitted": 1}
        assert [tap.rest() for tap in taps.values()] == [[], [numbered(1)], []]
        # What was tampered with has not used up its counter.
        peers["h1"].send(*datagrams)
        assert taps[42].take(20) == [numbered(number) for number in range(20)]
    finally:
        for each in (*taps.values(), other):
            each.close()
        for peer in peers.values():
            peer.socket.close()
    figure("20 to another host, as they are and with its index, 20 with another VNI: 0 delivered")


def test_fault_row_22_a_recording_says_nothing_to_a_process_that_has_started_again(end, blaster, figure):
    count = 100_000 if full() else 4000
    recording = [end.peer.session.seal(numbered(number)) for number in range(count)]
    initiations = [end.peer.initiation().initiation for _ in range(5)]
    assert end.blast(blaster, recording).underlay["frames-out"] == count
    end.tap.close()
    end.agent.kill()
    end.agent.start()
    end.tap = Packets(end.lab.h1, "vx42", MARKED)
    counted = end.blast(blaster, recording)
    assert counted.dropped("underlay") == {"unknown-session": count}, counted
    # Old initiations may be answered by a process that has not seen them. They lead to nothing without their secrets.
    before = end.agent.counters()
    end.peer.send(*initiations)
    end.counted(before, len(initiations))
    assert end.blast(blaster, recording).dropped("underlay") == {"unknown-session": count}
    assert end.tap.rest() == [] and sessions(end.agent) == {"h2": "handshake"}
    end.peer.rest()
    end.peer.connect()
    end.works()
    figure(f"{count} recorded, played twice to the next process: 0 delivered")
