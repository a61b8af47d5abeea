"""Packets of the underlay, in order, and which of them break a rule."""

import struct

from frames import InnerFlow, checksum, ethernet, finished, ipv4, ipv6, mac, vxlan, with_bit

BEGINNING = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
PLAIN, SEALED = 4789, 4790
WRONG, ZERO, PARTIAL = "wrong", "zero", "partial"
"""UDP checksums: false, none, and the bare pseudo-header sum of a datagram whose card computes the rest."""

STATION_A, STATION_B, STATION_C = mac(0xA1), mac(0xB1), mac(0xC1)


class Trace:
    """Packets with times in nanoseconds, one millisecond apart. `broken` numbers from 1 those that break the rule."""

    def __init__(self):
        self.records, self.broken, self.time = [], [], BEGINNING

    def add(self, *packets):
        """Packets that break nothing."""
        for each in packets:
            self.records.append((self.time, each, len(each)))
            self.time += MILLISECOND

    def breaks(self, *packets):
        """Packets that break the rule."""
        for each in packets:
            self.add(each)
            self.broken.append(len(self.records))

    def wait(self, seconds):
        """Lets that time pass before the next packet."""
        self.time += round(seconds * 1000) * MILLISECOND


def address(host, six):
    """The underlay's address of host 1, 2 or 3."""
    return f"2001:db8::{host}" if six else f"192.0.2.{host}"


def udp(source_port, port, payload, said=None):
    """A UDP header without a checksum, which may say another length, and its payload."""
    return struct.pack(">HHHH", source_port, port, 8 + len(payload) if said is None else said, 0) + payload


def packet(number, body, hosts=(1, 2), six=False, **fields):
    """An IP packet of the underlay in its Ethernet frame."""
    build, ethertype = (ipv6, 0x86DD) if six else (ipv4, 0x0800)
    fields = {"source": address(hosts[0], six), "destination": address(hosts[1], six), **fields}
    return ethernet(mac(hosts[0]), mac(hosts[1]), build(number, body, **fields), ethertype)


def partial_sum(frame):
    """The pseudo-header sum of a UDP datagram, not complemented, as a kernel leaves it to the card."""
    addresses, transport = (frame[22:54], 54) if frame[12:14] == b"\x86\xdd" else (frame[26:34], 34)
    return ~checksum(addresses + struct.pack(">HH", 17, len(frame) - transport)) & 0xFFFF


def datagram(payload, source_port=50_000, port=PLAIN, hosts=(1, 2), six=False, check=None, said=None, **fields):
    """A UDP datagram from one host to another, right unless asked otherwise."""
    frame = packet(17, udp(source_port, port, payload, said), hosts, six, **fields)
    at = 60 if six else 40
    right = struct.unpack_from(">H", finished(frame, at - 6, at), at)[0]
    value = {None: right, WRONG: right ^ 0x0101, ZERO: 0, PARTIAL: partial_sum(frame)}[check]
    return frame[:at] + struct.pack(">H", value) + frame[at + 2:]


def reheadered(frame, options=b"", **octets):
    """The frame with IPv4 options and with octets of the IPv4 header changed (`o8=63`), its checksum right."""
    header = bytearray(frame[14:34]) + options
    header[0] = 0x40 | len(header) // 4
    for name, value in octets.items():
        header[int(name[1:])] = value
    header[2:4] = struct.pack(">H", len(header) + len(frame) - 34)
    header[10:12] = b"\0\0"
    header[10:12] = struct.pack(">H", checksum(bytes(header)))
    return frame[:14] + bytes(header) + frame[34:]


class Conversation:
    """Two flows of plain VXLAN, there and back, none of whose datagrams equals another."""

    def __init__(self, vni=42, six=False, source=STATION_A):
        self.vni, self.six = vni, six
        self.there = InnerFlow(udp=True, source=source, destination=STATION_B, port=40_001)
        self.back = InnerFlow(udp=True, source=STATION_B, destination=source, port=40_002)

    def frame(self, size=100):
        """The next inner frame there, of `size` bytes in all."""
        return self.there.frame(bytes(i & 0xFF for i in range(size - 42)))

    def payload(self, size=100, flags=0x08):
        """The next UDP payload there."""
        return vxlan(self.vni, self.frame(size), flags)

    def good(self, size=100, **options):
        """The next datagram there, good unless `options` spoil it."""
        return datagram(self.payload(size), **{"six": self.six, **options})

    def answer(self, **options):
        """The next datagram back."""
        return datagram(vxlan(self.vni, self.back.frame(b"answer" * 3)),
                        **{"source_port": 50_007, "hosts": (2, 1), "six": self.six, **options})


def with_reserved_bit(payload):
    """The payload with the lowest reserved bit of its VXLAN header turned."""
    return with_bit(payload, 63)
