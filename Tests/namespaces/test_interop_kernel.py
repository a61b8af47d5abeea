"""vtep on h1 and the Linux kernel's vxlan device on h2 are one Ethernet."""

import os
import random

import pytest

from conftest import full
from datagrams import Losses, exchange
from lab import Lab
from transfer import blocks, bulk_and_short, tcp_hash, udp_bytes

FAMILIES = ("v4", "v6")
VNIS = (1, 4242, 16777215)
TRANSFERS = len(FAMILIES) * len(VNIS) * 4
"""Of TCP in this file at length, and of series of UDP: two directions and two inner families for each overlay."""
V4, V6 = ("10.42.0.1", "10.42.0.2"), ("fd42::1", "fd42::2")


@pytest.fixture(scope="module", params=[(family, vni) for family in FAMILIES for vni in VNIS], ids=str)
def overlay(request):
    """A lab with the two VTEPs of one VNI over one underlay family."""
    family, vni = request.param
    with Lab(family=family, quiet=False) as lab:
        lab.vni, lab.overlay_mtu = vni, lab.mtu - lab.overhead
        lab.h2.kernel_vxlan(vni, [lab.h1.address], addresses=[f"{V4[1]}/24", f"{V6[1]}/64"], mtu=lab.overlay_mtu)
        lab.agent(segments=[{"vni": vni, "tap": "vx0", "address": [f"{V4[0]}/24", f"{V6[0]}/64"]}])
        yield lab


def both_ways(lab):
    """(from, to, the IPv4 address of to, its IPv6 address) in both directions."""
    return (lab.h1, lab.h2, V4[1], V6[1]), (lab.h2, lab.h1, V4[0], V6[0])


def test_the_tap_takes_the_mtu_that_the_kernel_device_has(overlay):
    assert overlay.h1.link("vx0")["mtu"] == overlay.overlay_mtu


def test_arp_and_neighbour_discovery_resolve_through_the_overlay(overlay):
    for asking, asked, v4, v6 in both_ways(overlay):
        for address in (v4, v6):
            for host in (overlay.h1, overlay.h2):
                host.ip("neigh", "flush", "all")
            asking.ping(address)
            known = asking.ip("neigh", "show", address, "dev", "vx0").stdout
            assert asked.mac("vx0") in known, f"{asking.name} knows {address} as: {known}"


def test_ping_of_every_size_up_to_the_mtu_passes_whole(overlay):
    mtu = overlay.overlay_mtu
    for asking, _, v4, v6 in both_ways(overlay):
        for size in (56, 57, 255, 256, 511, 1000, 1372, mtu - 30, mtu - 29, mtu - 28):
            asking.ping(v4, "-M", "do", "-s", size)
        for size in (56, 57, 1000, 1352, mtu - 49, mtu - 48):
            asking.ping(v6, "-M", "do", "-s", size)


def test_udp_of_60000_bytes_arrives_whole_in_inner_fragments(overlay):
    for sender, receiver, v4, v6 in both_ways(overlay):
        for address in (v4, v6):
            for _ in range(3):
                payload = os.urandom(60_000)
                assert udp_bytes(sender, receiver, address, payload) == payload, f"{sender.name} to {address}"


@pytest.mark.parametrize("way", (0, 1), ids=("from-vtep", "to-vtep"))
def test_a_tcp_transfer_is_byte_exact(overlay, way):
    sender, receiver, v4, v6 = both_ways(overlay)[way]
    for address in (v4, v6):
        data, expected = blocks(-(-(10_000_000_000 if full() else 2_400_000_000) // TRANSFERS))
        assert tcp_hash(sender, receiver, address, *data, timeout=300) == expected, f"{sender.name} to {address}"


@pytest.mark.parametrize("way", (0, 1), ids=("from-vtep", "to-vtep"))
def test_udp_of_random_sizes_arrives_as_the_same_multiset_of_datagrams(overlay, way):
    sender, receiver, v4, v6 = both_ways(overlay)[way]
    for address, headers in ((v4, 28), (v6, 48)):
        losses = Losses((overlay.h1, overlay.h2), overlay.agents)
        count = -(-(1_000_000 if full() else 120_000) // TRANSFERS)
        sent, lost, without_room = exchange(sender, receiver, address, count, overlay.overlay_mtu - headers,
                                            random.Random(f"{overlay.vni} {address}"))
        named = losses.by_name()
        # At most: the kernel's VTEP may count one loss on two devices, the tunnel and the one below it.
        assert sent == count and lost <= without_room + sum(named.values()), f"{lost} vanished unseen: {named}"


@pytest.mark.parametrize("way", (0, 1), ids=("from-vtep", "to-vtep"))
def test_a_bulk_and_a_hundred_short_connections_at_once_are_all_byte_exact(overlay, way):
    sender, receiver, v4, v6 = both_ways(overlay)[way]
    address = v4 if overlay.family == "v4" else v6
    count = (1_000_000_000 if full() else 100_000_000) // len(VNIS)
    assert bulk_and_short(sender, receiver, address, count) == (True, [True] * 100)


def test_frames_were_counted_and_none_was_refused(overlay):
    agent = overlay.agents[0]
    counters = agent.counters()
    assert counters.all["frames-in"] > 1000
    assert counters.dropped("underlay") == {}
    assert set(counters.dropped("overlay")) <= {"no-peer"}
