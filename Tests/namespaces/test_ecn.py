"""Congestion marks cross the tunnel by RFC 6040, and DSCP as the segment says."""

import pytest

from frames import Outer, ethernet, ipv4, ipv6, mac
from lab import Lab
from packets import Packets
from peer import RawPeer

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3
NAMES = {NOT_ECT: "not-ect", ECT0: "ect0", ECT1: "ect1", CE: "ce"}
DROP = "drop"

DECAPSULATED = {
    # RFC 6040, figure 4: (inner, outer) -> the inner mark that is delivered
    (NOT_ECT, NOT_ECT): NOT_ECT, (NOT_ECT, ECT0): NOT_ECT, (NOT_ECT, ECT1): NOT_ECT, (NOT_ECT, CE): DROP,
    (ECT0, NOT_ECT): ECT0, (ECT0, ECT0): ECT0, (ECT0, ECT1): ECT1, (ECT0, CE): CE,
    (ECT1, NOT_ECT): ECT1, (ECT1, ECT0): ECT1, (ECT1, ECT1): ECT1, (ECT1, CE): CE,
    (CE, NOT_ECT): CE, (CE, ECT0): CE, (CE, ECT1): CE, (CE, CE): CE,
}


def inner_packet(version, traffic_class, source=mac(0xB0B)):
    """A frame with an IP packet of protocol 253 (experiments, RFC 3692) and nothing of interest in it."""
    build, ethertype = {4: (ipv4, 0x0800), 6: (ipv6, 0x86DD)}[version]
    return ethernet(source, mac(0x99), build(253, bytes(40), traffic_class), ethertype)


@pytest.fixture(scope="module", params=("v4", "v6"))
def tunnel(request):
    """An agent, a raw peer, a socket on the TAP, and one that sees the outer headers: (agent, peer, tap, wire)."""
    with Lab(family=request.param) as lab:
        agent = lab.agent()
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, \
                Packets(lab.h2, "u0", "udp dst port 4789") as wire:
            yield agent, peer, tap, wire


@pytest.mark.parametrize("version", (4, 6), ids=("inner-ipv4", "inner-ipv6"))
@pytest.mark.parametrize("inner, outer", DECAPSULATED, ids=lambda mark: NAMES[mark])
def test_an_outer_mark_is_folded_into_the_inner_one(tunnel, version, inner, outer):
    agent, peer, tap, _ = tunnel
    expected = DECAPSULATED[inner, outer]
    dscp = 10 << 2
    before = agent.counters()
    peer.set_traffic_class(outer)
    peer.send_frame(inner_packet(version, dscp | inner))
    counted = agent.settled(before, underlay=1)
    if expected == DROP:
        assert counted.dropped("underlay") == {"ecn": 1}
        assert tap.rest(0.05) == []
    else:
        assert counted.dropped("underlay") == {}
        # The whole frame, so the IPv4 checksum follows the mark and DSCP stays.
        assert tap.next() == inner_packet(version, dscp | expected)


def test_a_frame_that_is_not_ip_is_delivered_unchanged_under_every_outer_mark_even_ce(tunnel):
    # As the kernel does: RFC 6040 speaks of IP in IP, and ARP has no place for a mark nor a sender that heeds one.
    agent, peer, tap, _ = tunnel
    frame = ethernet(mac(0xB0B), length=80)
    before = agent.counters()
    for outer in NAMES:
        peer.set_traffic_class(outer)
        peer.send_frame(frame)
        assert tap.next() == frame, NAMES[outer]
    assert agent.settled(before, underlay=4).dropped("underlay") == {}


@pytest.mark.parametrize("version", (4, 6), ids=("inner-ipv4", "inner-ipv6"))
@pytest.mark.parametrize("inner", NAMES, ids=lambda mark: NAMES[mark])
def test_the_inner_mark_and_dscp_are_copied_to_the_outer_header(tunnel, version, inner):
    _, _, tap, wire = tunnel
    wire.rest(0)
    for dscp in (0, 10, 46):
        frame = inner_packet(version, dscp << 2 | inner, source=mac(0xA1))
        tap.send(frame)
        outer = Outer(wire.next())
        assert outer.inner == frame
        assert outer.traffic_class == dscp << 2 | inner, f"DSCP {dscp}"


def test_a_frame_that_is_not_ip_has_a_zero_outer_traffic_class(tunnel):
    _, _, tap, wire = tunnel
    wire.rest(0)
    tap.send(ethernet(mac(0xA1), length=80))
    assert Outer(wire.next()).traffic_class == 0


@pytest.mark.parametrize("inner", NAMES, ids=lambda mark: NAMES[mark])
def test_a_fixed_dscp_replaces_the_inner_one_and_leaves_the_mark(lab, inner):
    lab.agent(segments=[{"vni": 42, "tap": "vx42", "dscp": 34}])
    with Packets(lab.h1, "vx42") as tap, Packets(lab.h2, "u0", "udp dst port 4789") as wire:
        tap.send(inner_packet(4, 10 << 2 | inner, source=mac(0xA1)))
        assert Outer(wire.next()).traffic_class == 34 << 2 | inner
