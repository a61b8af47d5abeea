"""Bytes that the tests send and expect: Ethernet frames, VXLAN headers, and outer datagrams taken apart."""

import ipaddress
import struct

MARK = 0x88B5
"""IEEE's first ethertype for local experiments: no kernel answers it and nothing else in the lab sends it."""

BROADCAST = b"\xff" * 6


def mac(number):
    """The unicast, locally administered address 02:00:xx:xx:xx:xx of a number below 2^32."""
    return struct.pack(">HI", 0x0200, number)


def mac_text(address):
    """Six bytes in the colon form."""
    return address.hex(":")


def mac_bytes(text):
    """The colon form as six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def ethernet(source, destination=BROADCAST, payload=b"", ethertype=MARK, length=None):
    """A frame; `length` pads it with a counting pattern to that many bytes."""
    frame = destination + source + struct.pack(">H", ethertype) + payload
    if length is not None:
        frame += bytes(i & 0xFF for i in range(len(frame), length))
    return frame


def tagged(frame, identifier=5, ethertype=0x8100):
    """The frame with a VLAN tag."""
    return frame[:12] + struct.pack(">HH", ethertype, identifier) + frame[12:]


def vxlan(vni, frame, flags=0x08):
    """A UDP payload of plain VXLAN: RFC 7348, section 5."""
    return struct.pack(">B3xI", flags, vni << 8) + frame


def with_bit(datagram, bit):
    """The datagram with one bit of its VXLAN header turned; bit 0 is the highest of byte 0."""
    changed = bytearray(datagram)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


def checksum(header):
    """The Internet checksum of RFC 1071."""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, body, traffic_class=0, source="10.42.0.1", destination="10.42.0.2",
         identification=1, flags=0x4000):
    """An IPv4 packet, with DF unless `flags` are others, and a correct header checksum."""
    header = struct.pack(">BBHHHBBH", 0x45, traffic_class, 20 + len(body), identification, flags, 64, protocol, 0)
    header += ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + body


def ipv6(next_header, body, traffic_class=0, source="fd42::1", destination="fd42::2"):
    """An IPv6 packet."""
    header = struct.pack(">IHBB", 6 << 28 | traffic_class << 20, len(body), next_header, 64)
    return header + ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed + body


def udp(source_port, destination_port, body):
    """A UDP header without a checksum, and its payload."""
    return struct.pack(">HHHH", source_port, destination_port, 8 + len(body), 0) + body


def _transport_checksum(frame, transport, field):
    """The checksum of the TCP or UDP header at `transport`, whose own field at `field` counts as zero."""
    six = frame[14] >> 4 == 6
    addresses = frame[22:54] if six else frame[26:34]
    body = frame[transport:field] + b"\0\0" + frame[field + 2:]
    pseudo = addresses + struct.pack(">HH", frame[20 if six else 23], len(body))
    return checksum(pseudo + body + b"\0" * (len(body) % 2))


def finished(frame, transport, field):
    """The frame with the right checksum at `field`."""
    value = _transport_checksum(frame, transport, field)
    if field == transport + 6 and value == 0:
        value = 0xFFFF  # UDP: zero means none
    return frame[:field] + struct.pack(">H", value) + frame[field + 2:]


class InnerFlow:
    """Frames of one TCP or UDP flow from one station to another, in order, checksums right. TTL and windows stay.

    IPv4 is without DF unless `flags` say otherwise, so that its identification means something (RFC 6864).
    """

    def __init__(self, version=4, udp=False, source=mac(0xB0B), destination=mac(0x99), port=40_000, flags=0):
        self.version, self.udp, self.port, self.flags = version, udp, port, flags
        self.stations = destination + source
        self.identification, self.sequence = 0xFFF8, 0xFFFF_F000  # both pass over their end

    def frame(self, payload):
        """The next frame."""
        if self.udp:
            body = struct.pack(">HHHH", self.port, 443, 8 + len(payload), 0) + payload
        else:
            body = struct.pack(">HHIIBBHHH", self.port, 443, self.sequence, 77, 0x50, 0x10, 500, 0, 0) + payload
            self.sequence = (self.sequence + len(payload)) & 0xFFFF_FFFF
        number = 17 if self.udp else 6
        if self.version == 6:
            packet, transport, ethertype = ipv6(number, body), 54, 0x86DD
        else:
            packet = ipv4(number, body, identification=self.identification, flags=self.flags)
            transport, ethertype = 34, 0x0800
            self.identification = (self.identification + 1) & 0xFFFF
        frame = self.stations + struct.pack(">H", ethertype) + packet
        return finished(frame, transport, transport + (6 if self.udp else 16))


RESERVED_BITS = [bit for bit in range(64) if bit != 4 and not 32 <= bit < 56]
"""The 39 bits of the VXLAN header that are neither the I flag nor the VNI."""


class Outer:
    """An Ethernet frame of the underlay that carries VXLAN, taken apart. Raises ValueError for anything else."""

    def __init__(self, frame):
        self.frame = frame
        ethertype = struct.unpack_from(">H", frame, 12)[0]
        if ethertype == 0x0800:
            header = (frame[14] & 15) * 4
            self.traffic_class, self.ttl, protocol = frame[15], frame[22], frame[23]
            self.dont_fragment = bool(frame[20] & 0x40)
            addresses = frame[26:30], frame[30:34]
        elif ethertype == 0x86DD:
            header = 40
            self.traffic_class = struct.unpack_from(">H", frame, 14)[0] >> 4 & 0xFF
            protocol, self.ttl = frame[20], frame[21]
            self.dont_fragment = True
            addresses = frame[22:38], frame[38:54]
        else:
            raise ValueError(f"ethertype {ethertype:#06x} is not IP")
        if protocol != 17:
            raise ValueError(f"protocol {protocol} is not UDP")
        self.source, self.destination = (str(ipaddress.ip_address(each)) for each in addresses)
        udp = 14 + header
        self.source_port, self.destination_port, length = struct.unpack_from(">HHH", frame, udp)
        self.payload = frame[udp + 8:udp + length]
        self.vni = int.from_bytes(self.payload[4:7], "big")
        self.inner = self.payload[8:]
