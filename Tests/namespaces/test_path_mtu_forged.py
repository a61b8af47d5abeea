"""Row 34: ICMP "fragmentation needed" and "packet too big" that somebody makes up change nothing in the agent."""

import errno
import itertools
import math
import socket
import statistics
import struct
import threading
import time

import pytest

from conftest import full
from frames import Outer, checksum, ipv4, ipv6, udp
from host import wait_until
from lab import Lab
from packets import Packets
from shrinking import KINDS, agents, overhead, path_mtu, segment_mtu
from transfer import blocks, tcp_hash

pytestmark = pytest.mark.alone

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _DO = 10, 23, 2


def forged(lab, ports, mtu, destination):
    """What a router would send to h1 of a datagram to `destination` that it had no way for."""
    ends = {"source": lab.h1.address, "destination": destination}
    if lab.family == "v6":
        return struct.pack(">BBHI", 2, 0, 0, mtu) + ipv6(17, udp(*ports, b""), **ends)  # the kernel writes the checksum
    message = struct.pack(">BBHHH", 3, 4, 0, 0, mtu) + ipv4(17, udp(*ports, b""), **ends)
    return message[:2] + struct.pack(">H", checksum(message)) + message[4:]


def believes(host, other, family):
    """Whether a program of the host that asks the kernel for the path's MTU is refused 1400 bytes."""
    with host.socket(socket.AF_INET6 if family == "v6" else socket.AF_INET, socket.SOCK_DGRAM) as control:
        level, option = (socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER) if family == "v6" else (0, _IP_MTU_DISCOVER)
        control.setsockopt(level, option, _DO)
        try:
            control.sendto(bytes(1400), (other.address, 9))
            return False
        except OSError as error:
            assert error.errno == errno.EMSGSIZE, error
            return True


class Forger:
    """A router that lies to h1 twice a second while the `with` lasts, and news of any link beside each lie: the agent
    reads all routes again, the forged one among them. Without `lies` it is the control, which takes as much of the
    machine: its messages are about a host that nobody talks to.
    """

    def __init__(self, lab, router, ports, lies):
        self.lab, self.router, self.ports, self.believed = lab, router, ports, False
        self.about = lab.h2.address if lies else lab.address(99)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.count, self._failure, self._began = 0, None, time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(10)
        assert self._failure is None and not self._thread.is_alive(), f"the forger has ended early: {self._failure}"
        lasted = time.monotonic() - self._began
        assert self.count >= lasted / 2, f"{self.count} rounds of forged messages in {lasted:.1f} s"

    def _run(self):
        try:
            self._forge()
        except Exception as error:
            self._failure = error

    def _forge(self):
        number = 0
        while not self._ended.wait(0.5 if number else 0):
            for value in (600, 100) if self.lab.family == "v4" else (1280, 600):
                self.router.sendto(forged(self.lab, self.ports, value, self.about), (self.lab.h1.address, 0))
            self.believed = self.believed or believes(self.lab.h1, self.lab.h2, self.lab.family)
            number += 1
            self.lab.h1.ip("link", "set", "lo", "mtu", 65_000 + number % 2)
            self.count = number


def bounds(values):
    """The median, and between what it is with 95 % certainty, by the order of the values and nothing else."""
    ordered, half = sorted(values), 0.98 * math.sqrt(len(values))
    first, last = math.floor(len(values) / 2 - half), math.ceil(len(values) / 2 + half)
    return statistics.median(ordered), ordered[max(first, 0)], ordered[min(last, len(values) - 1)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ("v4", "v6"))
def test_fault_row_34_a_forged_icmp_error_is_believed_by_the_kernel_and_not_by_the_agent(family, kind, figure):
    with Lab(family=family) as lab:
        first, _ = agents(lab, kind, {
            name: {"address": [f"10.42.0.{number}/24"]} for number, name in enumerate(("h1", "h2"), 1)})
        mtu = 1500 - overhead(lab, kind)
        with Packets(lab.h2, "u0", f"udp and src host {lab.h1.address} and greater 1400") as seen:
            lab.h1.ping("10.42.0.2", "-M", "do", "-s", mtu - 28)
            datagram = Outer(seen.next())
        ports = datagram.source_port, datagram.destination_port
        protocol = socket.IPPROTO_ICMPV6 if family == "v6" else socket.IPPROTO_ICMP
        assert not believes(lab.h1, lab.h2, family)
        data, expected = blocks(25_000_000)

        def seconds(lies):
            lab.h1.ip("-6" if family == "v6" else "-4", "route", "flush", "cache")
            assert not believes(lab.h1, lab.h2, family)
            with Forger(lab, router, ports, lies) as forger:
                began = time.monotonic()
                assert tcp_hash(lab.h1, lab.h2, "10.42.0.2", *data) == expected
                taken = time.monotonic() - began
                lab.h1.ping("10.42.0.2", "-M", "do", "-s", mtu - 28)
            assert forger.believed == lies, "the kernel takes the forged value, and only that"
            assert (path_mtu(first, lab.h2), segment_mtu(first)) == (1500, mtu)
            return taken

        ratios, spent = [], 0.0
        with lab.h2.socket(socket.AF_INET6 if family == "v6" else socket.AF_INET, socket.SOCK_RAW, protocol) as router:
            # In pairs of turns, so that a machine that becomes slower, or has a busy moment, is no difference.
            for order in itertools.cycle(((False, True), (True, False))):
                taken = {lies: seconds(lies) for lies in order}
                ratios.append(100 * taken[False] / taken[True])
                spent += taken[True]
                if spent >= (60 if full() else 1) and len(ratios) >= 6:
                    break
        median, low, high = bounds(ratios)
        figure(f"goodput {median:.1f} % of that without forged errors, 95 % certainly {low:.1f} to {high:.1f}, "
               f"of {len(ratios)} pairs")
        assert high >= 99, "forged errors cost more than one percent"
        wait_until(lambda: lab.h1.link("vx42")["mtu"] == mtu, 1, "the TAP is as it was")
