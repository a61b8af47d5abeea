"""UDP datagrams of random sizes from one host of the lab to another: what arrives is held against what was sent."""

import collections
import socket
import struct

_SOL_UDP, _UDP_SEGMENT, _SO_RCVBUFFORCE, _SO_MEMINFO, _DROPS = 17, 103, 33, 55, 8
_PORT = 5300
BURST = 100
"""UDP has no flow control: so many datagrams are under way at once, and the next leave when they have arrived."""


class Ledger:
    """Datagrams under way. Each arrives at most once and with the bytes that were sent."""

    def __init__(self):
        self.missing = collections.Counter()
        self.sent = 0

    def send(self, datagrams):
        """Notes datagrams that leave now."""
        self.missing.update(datagrams)
        self.sent += len(datagrams)

    def arrive(self, datagram):
        """Notes one that arrived. Fails for one that was not sent so, or more often than it was sent."""
        left = self.missing.get(datagram, 0)
        assert left > 0, (f"{len(datagram)} bytes arrived that nobody is waiting for, altered, cut or twice, after "
                          f"{self.sent} datagrams: {datagram[:32].hex()}")
        if left == 1:
            del self.missing[datagram]
        else:
            self.missing[datagram] = left - 1


def calls_of(chance, count, limit):
    """`count` datagrams of random sizes in one list per call: alone, or as many of one size and a shorter last one."""
    calls = []
    while count > 0:
        size, number = chance.randrange(limit + 1), min(count, chance.choice((1, 1, 1, 2, 5, 20, 40)))
        number = min(number, 60_000 // size if size else 1)
        last = chance.randrange(1, size + 1) if number > 1 else size
        calls.append([chance.randbytes(size) for _ in range(number - 1)] + [chance.randbytes(last)])
        count -= number
    return calls


def _send(outgoing, call, destination):
    """Sends the datagrams of one call as one buffer, which the kernel takes for a superframe."""
    notes = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("H", len(call[0])))] if len(call) > 1 else []
    outgoing.sendmsg([b"".join(call)], notes, 0, destination)


def exchange(sender, receiver, address, count, limit, chance, quiet=5):
    """Sends `count` datagrams of 0 to `limit` bytes to `address` of the receiver, each with bytes of its own.

    Fails when one arrives altered, cut or twice. Returns how many were sent, how many never came within `quiet`
    seconds, and how many of these the receiving socket itself had no room for.
    """
    ledger, lost = Ledger(), 0
    with receiver.bound(socket.SOCK_DGRAM, address, _PORT) as incoming, \
            sender.socket(incoming.family, socket.SOCK_DGRAM) as outgoing:
        incoming.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        while ledger.sent < count:
            calls = calls_of(chance, min(BURST, count - ledger.sent), limit)
            for call in calls:
                ledger.send(call)
                _send(outgoing, call, (address, _PORT))
            _arrivals(incoming, ledger, lost, quiet)
            lost = ledger.missing.total()
        # One that comes twice comes late.
        _arrivals(incoming, ledger, -1, 0.2)
        room = struct.unpack_from("I", incoming.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36), 4 * _DROPS)[0]
    return ledger.sent, ledger.missing.total(), room


def _arrivals(incoming, ledger, until, quiet):
    """Takes what arrives until only `until` are missing, or nothing came for `quiet` seconds."""
    incoming.settimeout(quiet)
    while ledger.missing.total() > until:
        try:
            ledger.arrive(incoming.recv(1 << 16))
        except TimeoutError:
            return


class Losses:
    """What agents, and the devices of hosts, count as dropped from now on, each frame once, under its name."""

    def __init__(self, hosts, agents):
        self._hosts, self._agents = hosts, agents
        self._before = self._now()

    def by_name(self):
        """What was counted since, without zeros."""
        return {name: count - self._before.get(name, 0) for name, count in self._now().items()
                if count != self._before.get(name, 0)}

    def _now(self):
        named = {}
        for agent in self._agents:
            counters = agent.counters()
            # Those of the overlay are the TAP's own, which is among the devices.
            named[f"{agent.host.name} underlay kernel-drops"] = counters.underlay["kernel-drops"]
            for side in ("overlay", "underlay"):
                for reason, count in counters.dropped(side).items():
                    named[f"{agent.host.name} {side} {reason}"] = count
        for host in self._hosts:
            for device in host.links():
                for way, counts in device["stats64"].items():
                    named[f"{host.name} {device['ifname']} {way}"] = counts["dropped"] + counts["errors"]
        return named
