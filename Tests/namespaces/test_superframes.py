"""Superframes from end to end between two vtep: every byte arrives, and every segment is counted as a frame."""

import collections
import hashlib
import random
import socket
import struct
import threading

import pytest

from conftest import full
from lab import Lab
from transfer import random_bytes, tcp_hash

V4, V6 = ("10.42.0.1", "10.42.0.2"), ("fd42::1", "fd42::2")
TRANSFERS = 8
"""Of TCP in this file at length: two underlays, two inner families, two directions."""
BLOCK = 25_000_000
SOL_UDP, UDP_SEGMENT, SO_RCVBUFFORCE = 17, 103, 33
BURST = 100
"""UDP has no flow control: so many datagrams are under way at once, and all must arrive before the next leave."""


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


def blocks(count):
    """Blocks of random data of `count` bytes in all, each different from the one before, and their SHA-256."""
    pool, made, whole = random_bytes(BLOCK), [], hashlib.sha256()
    while count > 0:
        begin = 8191 * len(made) % (BLOCK // 2)
        made.append(pool[begin:min(BLOCK, begin + count)])
        whole.update(made[-1])
        count -= len(made[-1])
    return made, whole.hexdigest()


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


def datagrams_of(chance, count, limit):
    """`count` datagrams of random sizes in one list per call: alone, or as many of one size and a shorter last one."""
    calls = []
    while count > 0:
        size, number = chance.randrange(1, limit + 1), min(count, chance.choice((1, 1, 1, 2, 5, 20, 40)))
        number = min(number, 60_000 // size)
        last = chance.randrange(1, size + 1)
        calls.append([chance.randbytes(size) for _ in range(number - 1)] + [chance.randbytes(last)])
        count -= number
    return calls


def send(outgoing, call, destination):
    """Sends the datagrams of one call as one buffer, which the kernel takes for a superframe."""
    notes = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", len(call[0])))] if len(call) > 1 else []
    outgoing.sendmsg([b"".join(call)], notes, 0, destination)


@pytest.mark.parametrize("addresses", (V4, V6), ids=("inner-ipv4", "inner-ipv6"))
def test_udp_of_random_sizes_arrives_as_the_same_multiset_of_datagrams(pair, addresses):
    chance, limit = random.Random(f"{addresses}"), 1450 - (28 if addresses is V4 else 48)
    count = 1_000_000 if full() else 100_000
    family = socket.AF_INET if addresses is V4 else socket.AF_INET6
    for sender, receiver, address in pair.both_ways(addresses):
        sending = pair.agents[pair.hosts.index(sender)]
        before = sending.counters()
        with receiver.bound(socket.SOCK_DGRAM, address, 5300) as incoming, \
                sender.socket(family, socket.SOCK_DGRAM) as outgoing:
            incoming.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            incoming.settimeout(2)
            done = 0
            while done < count // 2:
                burst = datagrams_of(chance, BURST, limit)
                for call in burst:
                    send(outgoing, call, (address, 5300))
                expected = collections.Counter(each for call in burst for each in call)
                try:
                    arrived = collections.Counter(incoming.recv(2048) for _ in range(expected.total()))
                except TimeoutError:
                    raise AssertionError(f"lost after {done}: {[each.counters() for each in pair.agents]}") from None
                assert arrived == expected, f"after {done} datagrams"
                done += expected.total()
            incoming.settimeout(0.1)
            with pytest.raises(TimeoutError):
                incoming.recv(2048)
        # Neighbour discovery adds a few of its own.
        assert done <= sending.counters().since(before).overlay["frames-in"] <= done + 200


def echo_hashes(listener, count):
    """Answers each of `count` connections with the SHA-256 of what it sent."""
    def answer(connection):
        with connection:
            connection.settimeout(60)
            whole = hashlib.sha256()
            while block := connection.recv(1 << 16):
                whole.update(block)
            connection.sendall(whole.digest())
    threads = []
    for _ in range(count):
        connection, _ = listener.accept()
        threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(60)


def short_connection(sender, address, data, results):
    """Sends `data` and compares the answer with its SHA-256; adds whether they were equal to `results`."""
    with sender.socket(socket.AF_INET, socket.SOCK_STREAM) as outgoing:
        outgoing.settimeout(60)
        outgoing.connect((address, 5400))
        outgoing.sendall(data)
        outgoing.shutdown(socket.SHUT_WR)
        results.append(outgoing.recv(32, socket.MSG_WAITALL) == hashlib.sha256(data).digest())


def test_a_bulk_and_a_hundred_short_connections_at_once_are_all_byte_exact(pair):
    sender, receiver, address = pair.both_ways(V4)[0]
    data, expected = blocks(1_000_000_000 if full() else 100_000_000)
    chance, results, bulk = random.Random(100), [], []
    with receiver.bound(socket.SOCK_STREAM, address, 5400) as listener:
        listener.listen(128)
        listener.settimeout(60)
        threads = [threading.Thread(target=echo_hashes, args=(listener, 100)), threading.Thread(
            target=lambda: bulk.append(tcp_hash(sender, receiver, address, *data, timeout=120)))]
        threads += [threading.Thread(target=short_connection, args=(
            sender, address, chance.randbytes(chance.randrange(1, 200_000)), results)) for _ in range(100)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join(120)
    assert bulk == [expected]
    assert results == [True] * 100


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
