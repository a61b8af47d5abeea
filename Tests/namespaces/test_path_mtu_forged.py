"""Row 34: ICMP "fragmentation needed" and "packet too big" that somebody makes up change nothing in the agent."""

import errno
import socket
import struct
import time

import pytest

from conftest import full
from frames import Outer, checksum, ipv4, ipv6, udp
from host import wait_until
from lab import Lab
from packets import Packets
from shrinking import KINDS, agents, overhead, path_mtu, segment_mtu
from transfer import blocks, tcp_hash

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _DO = 10, 23, 2


def forged(lab, ports, mtu):
    """What a router would send to h1 of a datagram to h2 that it had no way for."""
    ends = {"source": lab.h1.address, "destination": lab.h2.address}
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ("v4", "v6"))
def test_fault_row_34_a_forged_icmp_error_is_believed_by_the_kernel_and_not_by_the_agent(family, kind):
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
        with lab.h2.socket(socket.AF_INET6 if family == "v6" else socket.AF_INET, socket.SOCK_RAW, protocol) as router:
            end, believed = time.monotonic() + (60 if full() else 4), False
            while time.monotonic() < end:
                for value in (600, 100) if family == "v4" else (1280, 600):
                    router.sendto(forged(lab, ports, value), (lab.h1.address, 0))
                believed = believed or believes(lab.h1, lab.h2, family)
                # News of any link: the agent reads all routes again, the forged one among them.
                lab.h1.ip("link", "set", "lo", "mtu", 65_000 if int(time.monotonic()) % 2 else 65_536)
                lab.h1.ping("10.42.0.2", "-M", "do", "-s", mtu - 28)
                time.sleep(0.5)
                assert (path_mtu(first, lab.h2), segment_mtu(first)) == (1500, mtu)
        assert believed, "the control: the kernel took the forged value"
        data, expected = blocks(20_000_000)
        assert tcp_hash(lab.h1, lab.h2, "10.42.0.2", *data) == expected
        wait_until(lambda: lab.h1.link("vx42")["mtu"] == mtu, 1, "the TAP is as it was")
