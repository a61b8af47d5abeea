"""ARP and neighbour discovery by hand: RFC 826, RFC 4861."""

import ipaddress
import struct

from frames import BROADCAST, ethernet, checksum

ARP, IPV6 = 0x0806, 0x86DD
ALL_NODES = "ff02::1"


def arp(source, sender, target, operation=1, to=BROADCAST, target_mac=bytes(6)):
    """An ARP message from the station `source` that has the address `sender`."""
    packed = [ipaddress.ip_address(each).packed for each in (sender, target)]
    return ethernet(source, to, struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + source + packed[0] + target_mac
                    + packed[1], ARP)


def announcement(source, address):
    """What a station says that has taken an address, in the address's family."""
    if ":" in address:
        return _discovery(source, address, ALL_NODES, 136, 0x20, address, 2)
    return arp(source, address, address)


def request(source, sender, target):
    """What a station asks all others for an address, in the address's family."""
    if ":" in target:
        return _discovery(source, sender, _solicited_node(target), 135, 0, target, 1)
    return arp(source, sender, target)


def reply(source, sender, to, target):
    """The answer of the station `source` to the station `to`, in the address's family."""
    if ":" in sender:
        return _discovery(source, sender, target, 136, 0x60, sender, 2, to)
    return arp(source, sender, target, 2, to, to)


def probe(source, target):
    """What a station asks before it takes an address: duplicate address detection, in the address's family."""
    if ":" in target:
        return _discovery(source, "::", _solicited_node(target), 135, 0, target, None)
    return arp(source, "0.0.0.0", target)


def answered(frame):
    """The address, the station and the flags (R, S and O; 0 in ARP) of an answer; None for any other frame."""
    if frame[12:14] == b"\x08\x06" and frame[21] == 2:
        return str(ipaddress.ip_address(frame[28:32])), frame[22:28], 0
    if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 136:
        return str(ipaddress.ip_address(frame[62:78])), frame[80:86], frame[58]
    return None


def _solicited_node(target):
    return str(ipaddress.IPv6Address(b"\xff\x02" + bytes(9) + b"\x01\xff" + ipaddress.ip_address(target).packed[13:]))


def _discovery(source, sender, to, kind, flags, target, option, station=None):
    sender, to, target = (ipaddress.ip_address(each).packed for each in (sender, to, target))
    body = struct.pack(">BBHB3x", kind, 0, 0, flags) + target
    if option is not None:
        body += struct.pack(">BB", option, 1) + source
    pseudo = sender + to + struct.pack(">IHBB", len(body), 0, 0, 58)
    body = body[:2] + struct.pack(">H", checksum(pseudo + body)) + body[4:]
    header = struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + sender + to
    return ethernet(source, station or b"\x33\x33" + to[12:], header + body, IPV6)
