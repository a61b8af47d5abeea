"""Drop reasons that no row of the fault table names, each by its own counter, from both sides."""

import signal

import pytest

from frames import BROADCAST, ethernet, mac, mac_bytes, mac_text, tagged
from host import wait_until
from packets import Packets
from peer import RawPeer

GUEST, ALICE = mac(0xB0B), mac(0xA1)
both = pytest.mark.parametrize("workers", (1, 2))


def from_peer(agent, peer, frame, vni=42):
    """Reasons counted for ten copies of a frame that a peer sends."""
    before = agent.counters()
    peer.send_frame(frame, vni=vni, times=10)
    return agent.settled(before, underlay=10).dropped("underlay")


def from_tap(agent, tap, frame):
    """Reasons counted for ten copies of a frame that the host sends into the TAP."""
    before = agent.counters()
    for _ in range(10):
        tap.send(frame)
    return agent.settled(before, overlay=10).dropped("overlay")


@both
def test_a_frame_of_the_mtu_is_delivered_and_one_byte_more_is_oversize(lab, workers):
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42", "mtu": 1400}])
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        assert from_peer(agent, peer, ethernet(GUEST, length=1414)) == {}
        assert tap.rest() == [ethernet(GUEST, length=1414)] * 10
        assert from_peer(agent, peer, ethernet(GUEST, length=1415)) == {"oversize": 10}
        assert tap.rest() == []


@both
@pytest.mark.parametrize("ethertype", (0x8100, 0x88A8), ids=hex)
def test_vlan_tags_are_dropped_by_default_from_both_sides(lab, ethertype, workers):
    agent = lab.agent(workers=workers)
    frame = tagged(ethernet(GUEST, length=100), ethertype=ethertype)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        assert from_peer(agent, peer, frame) == {"vlan-tag": 10}
        assert from_tap(agent, tap, tagged(ethernet(ALICE, length=100), ethertype=ethertype)) == {"vlan-tag": 10}
        assert tap.rest() == [] and peer.rest() == []
    assert agent.fdb() == {}


@both
def test_vlan_tags_pass_where_the_segment_says_so_with_four_bytes_more(lab, workers):
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42", "mtu": 1400, "vlan": "pass"}])
    largest, larger = tagged(ethernet(GUEST, length=1414)), tagged(ethernet(GUEST, length=1415))
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        assert from_peer(agent, peer, largest) == {}
        assert tap.rest() == [largest] * 10
        assert from_peer(agent, peer, larger) == {"oversize": 10}
        outgoing = tagged(ethernet(ALICE, length=100))
        assert from_tap(agent, tap, outgoing) == {}
        assert [payload[8:] for payload in peer.take(10)] == [outgoing] * 10 and peer.rest() == []


@both
def test_the_automatic_mtu_leaves_room_for_the_tag_where_tags_pass(lab, workers):
    lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42", "vlan": "pass"}])
    assert lab.h1.link("vx42")["mtu"] == 1446


@both
def test_a_peer_without_the_segment_is_not_permitted_and_gets_no_copy(lab, workers):
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}],
                      peers=[{"name": "b", "address": lab.h2.address, "segments": [43]}])
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, Packets(lab.h1, "vx43") as other:
        assert from_peer(agent, peer, ethernet(GUEST, length=100), vni=42) == {"not-permitted": 10}
        assert from_peer(agent, peer, ethernet(GUEST, length=100), vni=43) == {}
        assert tap.rest() == [] and len(other.rest()) == 10
        assert from_tap(agent, tap, ethernet(ALICE, length=100)) == {"no-peer": 10}
        assert peer.rest() == []
    assert agent.fdb(42).get(mac_text(GUEST)) is None


@both
def test_an_unknown_vni_is_counted_after_an_unknown_peer(lab, workers):
    lab.h2.ip("addr", "add", "192.0.2.77/24", "dev", "u0")
    agent = lab.agent(workers=workers)
    with RawPeer(lab.h2, agent) as peer, RawPeer(lab.h2, agent, "192.0.2.77") as stranger:
        assert from_peer(agent, peer, ethernet(GUEST), vni=7) == {"unknown-vni": 10}
        assert from_peer(agent, stranger, ethernet(GUEST), vni=7) == {"unknown-peer": 10}


@both
def test_the_first_reason_in_the_order_of_the_contract_wins(lab, workers):
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42", "mtu": 1400}])
    invalid, own = b"\x01" * 6, mac_bytes(lab.h1.mac("vx42"))
    with RawPeer(lab.h2, agent) as peer:
        assert from_peer(agent, peer, tagged(ethernet(invalid, length=1411))) == {"oversize": 10}
        assert from_peer(agent, peer, tagged(ethernet(invalid, length=100))) == {"vlan-tag": 10}
        assert from_peer(agent, peer, tagged(ethernet(own, length=100))) == {"vlan-tag": 10}


@both
def test_invalid_sources_from_the_tap_are_dropped(lab, workers):
    agent = lab.agent(workers=workers)
    with Packets(lab.h1, "vx42") as tap, RawPeer(lab.h2, agent) as peer:
        for source in (BROADCAST, bytes(6), bytes.fromhex("01005e000001")):
            assert from_tap(agent, tap, ethernet(source, mac(9), length=100)) == {"invalid-source-mac": 10}
        assert peer.rest() == []
    assert agent.fdb() == {}


@both
def test_without_peers_a_frame_has_nowhere_to_go(lab, workers):
    agent = lab.agent(workers=workers, peers=[])
    with Packets(lab.h1, "vx42") as tap:
        assert from_tap(agent, tap, ethernet(ALICE, length=100)) == {"no-peer": 10}


@both
def test_a_frame_for_a_tap_that_is_down_is_counted_and_the_tap_comes_back(lab, workers):
    agent = lab.agent(workers=workers)
    frame = ethernet(GUEST, length=100)
    with RawPeer(lab.h2, agent) as peer:
        lab.h1.ip("link", "set", "vx42", "down")
        assert from_peer(agent, peer, frame) == {"tap-down": 10}
        lab.h1.ip("link", "set", "vx42", "up")
        with Packets(lab.h1, "vx42") as tap:
            def arrives():
                peer.send_frame(frame)
                return tap.next(0.05) == frame
            wait_until(arrives, 5, "frames are delivered again")


@both
def test_the_shortest_frames_pass_unchanged_in_both_directions(lab, workers):
    agent = lab.agent(workers=workers)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        for length in range(14, 64):
            frame = ethernet(GUEST, length=length)
            peer.send_frame(frame)
            assert tap.next() == frame
            outgoing = ethernet(ALICE, length=length)
            tap.send(outgoing)
            assert peer.receive()[8:] == outgoing


@pytest.mark.parametrize("workers", (1, 2, 4, "auto"))
def test_every_frame_is_counted_once_whatever_the_number_of_workers(lab, workers):
    agent = lab.agent(workers=workers)
    before = agent.counters()
    delivered = lab.h1.received("vx42")
    with Packets(lab.h1, "vx42") as tap:
        for number in range(32):
            # Each pair of stations is a flow of its own: the kernel spreads flows over the workers.
            with RawPeer(lab.h2, agent, port=20_000 + number) as peer:
                peer.send_frame(ethernet(mac(number + 1), length=100), times=10)
                peer.send_frame(ethernet(BROADCAST, length=100), times=5)
            for _ in range(10):
                tap.send(ethernet(mac(0x1000 + number), length=100))
    counted = agent.settled(before, underlay=480, overlay=320)
    assert counted.dropped("underlay") == {"invalid-source-mac": 160}
    assert (counted.underlay["frames-out"], counted.overlay["frames-out"]) == (320, 320)
    assert lab.h1.received("vx42") - delivered == 320
    assert len(agent.fdb()) == 64


def test_what_the_kernel_dropped_before_a_tap_stays_counted_when_its_segment_has_gone(lab):
    agent = lab.agent(segments=[{"vni": number, "tap": f"vx{number}"} for number in (42, 43)])

    def dropped():
        return agent.counters().overlay["kernel-drops"]
    lab.h1.ip("link", "set", "vx43", "txqueuelen", 100)
    with Packets(lab.h1, "vx43") as tap:
        agent.process.send_signal(signal.SIGSTOP)
        try:
            for number in range(500):
                tap.send(ethernet(mac(number), length=60))
        finally:
            agent.process.send_signal(signal.SIGCONT)
    before = wait_until(dropped, 10, "the queue of the TAP was full")
    for change in (("del", "--vni", 43), ("add", "--vni", 43, "--tap", "vx43"), ("del", "--vni", 43)):
        done = agent.ask("segment", *change)
        assert done.returncode == 0, done.stderr
        assert dropped() == before, change
    agent.config["segments"].pop()
    agent.stop()
