"""Superframes from end to end between two vtep: every byte arrives, and every segment is counted as a frame."""

import random

import pytest

from conftest import full
from datagrams import Losses, exchange
from lab import Lab
from transfer import blocks, bulk_and_short, tcp_hash

V4, V6 = ("10.42.0.1", "10.42.0.2"), ("fd42::1", "fd42::2")
TRANSFERS = 8
"""Of TCP in this file at length: two underlays, two inner families, two directions."""


class Pair:
    """Two hosts with an agent each, and their overlay addresses by inner family."""

    def __init__(self, lab, **local):
        self.lab = lab
        self.hosts = lab.h1, lab.h2
        self.agents = [
            lab.agent(host.name, local=local, segments=[
                {"vni": 42, "tap": "vx42", "address": [f"{V4[number]}/24", f"{V6[number]}/64"]}])
            for number, host in enumerate(self.hosts)]
        for address in (V4[1], V6[1]):
            lab.h1.ping(address)

    def both_ways(self, addresses):
        """(from, to, the address of to) in both directions."""
        return (*self.hosts, addresses[1]), (*self.hosts[::-1], addresses[0])

    def offloads(self):
        """The states of the offloads of both agents, one after the other."""
        return [state for agent in self.agents for state in agent.json("status")["offload"].values()]


@pytest.fixture(scope="module", params=("passing", "segmenting"))
def pair(request):
    """Two vtep on an underlay that passes superframes, or on one that cuts and joins them."""
    with Lab(wire=False, cuts=request.param == "segmenting", quiet=False) as lab:
        yield Pair(lab)


def test_every_offload_is_on_where_the_kernel_has_it(pair):
    assert set(pair.offloads()) == {"on"}, [agent.json("status")["offload"] for agent in pair.agents]


@pytest.mark.parametrize("way", (0, 1), ids=("one-way", "other-way"))
@pytest.mark.parametrize("addresses", (V4, V6), ids=("inner-ipv4", "inner-ipv6"))
def test_tcp_at_length_is_byte_exact_and_each_segment_is_counted(pair, addresses, way):
    sender, receiver, address = pair.both_ways(addresses)[way]
    sending, receiving = pair.agents if way == 0 else pair.agents[::-1]
    count = (10_000_000_000 if full() else 1_000_000_000) // TRANSFERS
    data, expected = blocks(count)
    before = sending.counters(), receiving.counters()
    writes = receiver.received("vx42")
    assert tcp_hash(sender, receiver, address, *data, timeout=300) == expected
    writes = receiver.received("vx42") - writes
    # MTU 1450 less the IP header, the TCP header and its time stamps.
    segments = count / (1450 - (20 if addresses is V4 else 40) - 32)
    sent = sending.counters().since(before[0]).overlay["frames-in"]
    arrived = receiving.counters().since(before[1]).underlay["frames-in"]
    # More are retransmissions, fewer would be superframes counted as one.
    assert segments <= sent <= 1.1 * segments + 1000, f"{sent} frames for {segments:.0f} segments"
    assert segments <= arrived <= sent + 1000, f"{arrived} datagrams for {sent} frames"
    assert writes < arrived / 4, f"{arrived} datagrams were written to the TAP in {writes} frames: not joined"


@pytest.mark.parametrize("addresses", (V4, V6), ids=("inner-ipv4", "inner-ipv6"))
def test_udp_of_random_sizes_arrives_as_the_same_multiset_of_datagrams(pair, addresses):
    chance, limit = random.Random(f"{addresses}"), 1450 - (28 if addresses is V4 else 48)
    count = 1_000_000 if full() else 100_000
    for sender, receiver, address in pair.both_ways(addresses):
        sending = pair.agents[pair.hosts.index(sender)]
        before, losses = sending.counters(), Losses(pair.hosts, pair.agents)
        sent, lost, without_room = exchange(sender, receiver, address, count // 2, limit, chance)
        named = losses.by_name()
        # Every loss has a name, and every name a loss: nothing else is under way that could be dropped.
        assert lost == without_room + sum(named.values()), f"{lost} of {sent} vanished: {without_room}, {named}"
        # Neighbour discovery adds a few of its own.
        assert sent - lost <= sending.counters().since(before).overlay["frames-in"] <= sent + 200


def test_a_bulk_and_a_hundred_short_connections_at_once_are_all_byte_exact(pair):
    for sender, receiver, address in pair.both_ways(V4):
        count = 1_000_000_000 if full() else 100_000_000
        assert bulk_and_short(sender, receiver, address, count) == (True, [True] * 100)


def test_offload_off_says_so_and_still_passes_everything():
    with Lab(wire=False, quiet=False) as lab:
        pair = Pair(lab, offload="off")
        assert set(pair.offloads()) == {"off"}
        data, expected = blocks(10_000_000)
        for addresses in (V4, V6):
            for number, (sender, receiver, address) in enumerate(pair.both_ways(addresses)):
                before = pair.agents[number].counters()
                assert tcp_hash(sender, receiver, address, *data) == expected
                assert pair.agents[number].counters().since(before).overlay["frames-in"] >= 10_000_000 / 1398


@pytest.mark.parametrize("feature", ("rx-gro-list", "rx-udp-gro-forwarding"))
def test_a_card_that_joins_in_another_way_changes_nothing(feature):
    with Lab(wire=False, cuts=True, quiet=False) as lab:
        for host in (lab.h1, lab.h2):
            host.run("ethtool", "-K", "u0", feature, "on")
        pair = Pair(lab)
        data, expected = blocks(10_000_000)
        for addresses in (V4, V6):
            for sender, receiver, address in pair.both_ways(addresses):
                assert tcp_hash(sender, receiver, address, *data) == expected
                sent, lost, _ = exchange(sender, receiver, address, 2_000, 1400, random.Random(feature))
                assert (sent, lost) == (2_000, 0), [agent.counters() for agent in pair.agents]


def test_a_card_without_checksums_is_never_silent_and_everything_passes():
    # Older kernels refuse UDP_SEGMENT there with EIO; the batch that finds out must not be lost.
    with Lab(wire=True, quiet=False) as lab:
        pair = Pair(lab)
        data, expected = blocks(10_000_000)
        for sender, receiver, address in pair.both_ways(V4):
            assert tcp_hash(sender, receiver, address, *data) == expected
        for agent in pair.agents:
            state = agent.json("status")["offload"]["udp-segmentation"]
            assert state == "on" or state.startswith("refused: "), state
            assert agent.counters().dropped("overlay").keys() <= {"no-peer"}
