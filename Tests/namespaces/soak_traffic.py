"""What people do across the overlay of a soak, all of it at once: datagrams of all sizes each way over both segments,
broadcasts, questions for addresses that nobody has, and TCP. Every datagram says in which phase it was sent, so that
what was lost or doubled in a phase is known exactly.
"""

import collections
import itertools
import os
import random
import selectors
import socket
import struct
import threading
import time

from background import Background
from sealed import overlay
from transfer import tcp_hash

MARKER = bytes.fromhex("c1ea12a9f00dfeedfacec0dea5a55a5a")
"""In everything that is sent in the sealed segment, and in nothing else."""
PORT, LARGEST, RATE = 7000, 1300, 40
STREAM_BYTES = 1 << 20
_STAMP = struct.Struct(">IHI")

Flow = collections.namedtuple("Flow", "sender address is_sealed")


def sealed_six(number):
    """The IPv6 address of host `number` in the sealed segment."""
    return f"fd42::{number}"


def plain(number):
    """The address of host `number` in the plain segment."""
    return f"10.43.0.{number}"


class Tally:
    """What was sent and arrived in one phase."""

    def __init__(self):
        self.sent, self.arrived = collections.Counter(), collections.defaultdict(set)
        self.repeated = self.streams = 0
        self.broken = []

    def lost(self):
        """How many datagrams to one host did not arrive."""
        return sum(self.sent.values()) - sum(map(len, self.arrived.values()))


class Datagrams(Background):
    """RATE datagrams a second for each of the flows, from one thread; another one takes what arrives."""

    def __init__(self, lab, numbers, seed):
        super().__init__()
        self._chance = random.Random(seed)
        self.flows, self._hosts = [], {number: lab.hosts[f"h{number}"] for number in numbers}
        for one, other in itertools.permutations(numbers, 2):
            self.flows += [Flow(one, overlay(other), True), Flow(one, plain(other), False)]
            if other == one % len(numbers) + 1:
                self.flows.append(Flow(one, sealed_six(other), True))
        self._sockets = {(number, family): self._socket(host, family) for number, host in self._hosts.items()
                         for family in (socket.AF_INET, socket.AF_INET6)}
        self._noise = self._chance.randbytes(2 * LARGEST)
        self._tallies, self._phase, self._lock = {0: Tally()}, 0, threading.Lock()
        self._taker = threading.Thread(target=self._take)
        self._last = {}

    def _socket(self, host, family):
        made = host.socket(family, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        made.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(("", PORT))
        made.setblocking(False)
        return made

    def __enter__(self):
        self._taker.start()
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__(*_)
        self._taker.join()
        for each in self._sockets.values():
            each.close()

    def next_phase(self):
        """Begins another phase. Returns the number of the one that ended."""
        with self._lock:
            self._phase += 1
            self._tallies[self._phase] = Tally()
            return self._phase - 1

    @property
    def tally(self):
        """Of the phase that is."""
        return self._tallies[self._phase]

    def take(self, phase):
        """The tally of a phase that ended a while ago."""
        with self._lock:
            return self._tallies.pop(phase)

    def all_arrive(self, since):
        """Whether something of every flow arrived that was sent after a moment."""
        return all(self._last.get(number, 0) > since for number in range(len(self.flows)))

    def late(self, since):
        """The flows of which nothing arrived since."""
        return [flow for number, flow in enumerate(self.flows) if self._last.get(number, 0) <= since]

    def work(self):
        counts = itertools.count()
        while not self.ended.wait(1 / RATE):
            with self._lock:
                phase = self._phase
            for number, flow in enumerate(self.flows):
                self._send(flow, phase, number, next(counts))
            if self._chance.random() < 0.1:
                self._to_everybody()

    def _send(self, flow, phase, number, count):
        length = self._chance.choice((0, 20, self._chance.randrange(LARGEST)))
        body = (MARKER if flow.is_sealed else bytes(16)) + _STAMP.pack(phase, number, count)
        family = socket.AF_INET6 if ":" in flow.address else socket.AF_INET
        tally = self._tallies[phase]
        try:
            self._sockets[flow.sender, family].sendto(body + self._noise[:length], (flow.address, PORT))
        except OSError:
            return  # its device is away, or full
        tally.sent[number] += 1

    def _to_everybody(self):
        """Broadcasts, and addresses that nobody has."""
        number = self._chance.choice(list(self._hosts))
        for address in ("10.42.0.255", overlay(99), "10.43.0.255", plain(99), "fd42::99"):
            body = MARKER if address[:5] != "10.43" else bytes(16)
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                self._sockets[number, family].sendto(body, (address, PORT + 1))
            except OSError:
                pass

    def _take(self):
        with selectors.DefaultSelector() as waiting:
            for each in self._sockets.values():
                waiting.register(each, selectors.EVENT_READ)
            while not self.ended.is_set():
                for key, _ in waiting.select(0.1):
                    self._empty(key.fileobj)

    def _empty(self, made):
        while True:
            try:
                body = made.recv(2048)
            except OSError:
                return
            phase, number, count = _STAMP.unpack_from(body, 16)
            with self._lock:
                tally = self._tallies.get(phase)
                if tally and count in tally.arrived[number]:
                    tally.repeated += 1
                if tally:
                    tally.arrived[number].add(count)
            if phase == self._phase:
                self._last[number] = time.monotonic()


class Streams(Background):
    """One TCP transfer after the other, each between another two, of random bytes that are compared by their hash."""

    def __init__(self, lab, numbers, datagrams):
        super().__init__()
        self._ways = itertools.cycle([(lab.hosts[f"h{one}"], lab.hosts[f"h{other}"], address(other))
                                      for address in (overlay, plain) for one, other in
                                      itertools.permutations(numbers, 2)])
        self._datagrams = datagrams

    def work(self):
        block = (os.urandom(1008) + MARKER) * (STREAM_BYTES // 1024)
        # What a fault has broken holds on to its port for a while.
        ports = itertools.cycle(range(20_000, 30_000))
        while not self.ended.wait(0.5):
            sender, receiver, address = next(self._ways)
            tally = self._datagrams.tally
            sent = block if address != plain(int(address[-1])) else os.urandom(STREAM_BYTES)
            try:
                tcp_hash(sender, receiver, address, sent, timeout=20, port=next(ports))
                tally.streams += 1
            except (OSError, AssertionError) as error:
                if self._datagrams.tally is tally:
                    tally.broken.append(f"{sender.name} to {address}: {error}")
