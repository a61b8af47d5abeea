"""Captures in every format that is read, and files that are broken. All that can be read has one packet, the second,
with a reserved bit set."""

import struct

from frames import checksum, tagged
from pcap_file import LINUX_SLL, LINUX_SLL2, RAW, pcap, pcapng
from sealed_rules import SealedConversation
from underlay import Conversation, Trace, datagram, packet, udp, with_reserved_bit

READ = {"reserved-bits": [2]}


def captures():
    """Name, bytes, exit status of `vtep verify`, and what it finds: the packets of each rule, or None for either."""
    records = trace().records
    ethernet = pcap(records)
    yield "format-microseconds.big.pcap", pcap(records, order=">"), 1, READ
    yield "format-nanoseconds.little.pcap", pcap(records, nanoseconds=True), 1, READ
    yield "format-nanoseconds.big.pcap", pcap(records, order=">", nanoseconds=True), 1, READ
    yield "format-pcapng.little.pcapng", pcapng(records), 1, READ
    yield "format-pcapng.big.pcapng", pcapng(records, order=">"), 1, READ
    yield "format-pcapng.nanoseconds.pcapng", pcapng(records, nanoseconds=True), 1, READ
    yield "link-sll.pcap", pcap(relinked(records, sll), LINUX_SLL), 1, READ
    yield "link-sll2.pcap", pcap(relinked(records, sll2), LINUX_SLL2), 1, READ
    yield "link-raw.pcap", pcap(relinked(records, lambda frame: frame[14:]), RAW), 1, READ
    yield "link-raw-ipv6.pcap", pcap(relinked(trace(six=True).records, lambda frame: frame[14:]), RAW), 1, READ
    yield "outer-vlan.pcap", pcap(relinked(records, tagged)), 1, READ
    yield "outer-qinq.pcap", pcap(relinked(records, lambda frame: tagged(tagged(frame), 9, 0x88A8))), 1, READ
    yield "outer-ipv6-extensions.pcap", pcap(relinked(trace(six=True).records, extended)), 1, READ
    yield "snapped.pcap", pcap([(time, data[:90], length) for time, data, length in records]), 1, READ
    yield "truncated-record.pcap", ethernet[:-20], 1, READ
    yield "truncated-record.pcapng", pcapng(records)[:-20], 1, READ
    yield "truncated-record-header.pcap", ethernet[:-len(records[-1][1]) - 8], 1, READ
    yield "record-of-2-gibibytes.pcap", ethernet + struct.pack("<IIII", 0, 0, 1 << 31, 1 << 31), 1, READ
    yield "record-of-0-bytes.pcap", ethernet + struct.pack("<IIII", 0, 0, 0, 0), 1, READ
    yield "jumbo.pcap", pcap(records + [jumbo(records[-1][0])]), 1, READ
    yield "time-back.pcap", pcap(backward().records), 1, {"nonce-reused": [3]}
    yield "time-far-back.pcap", pcap(backward(seconds=361).records), 0, {}
    yield "truncated-whole.pcap", pcap(records[::2])[:-20], 2, {}
    yield "truncated-header.pcap", ethernet[:10], 2, None
    yield "zero-length.pcap", b"", 2, None
    yield "wrong-magic.pcap", b"\xde\xad\xbe\xef" + ethernet[4:], 2, None
    yield "block-of-13-bytes.pcapng", pcapng([])[:4] + struct.pack("<I", 13) + pcapng([])[8:], 2, None
    yield "unknown-link.pcap", pcap(records, link=147), 2, None


def trace(six=False):
    """Three datagrams, the second of them with a reserved bit set."""
    made, talk = Trace(), Conversation(six=six)
    made.add(talk.good())
    made.breaks(datagram(with_reserved_bit(talk.payload()), six=six))
    made.add(talk.answer())
    return made


def backward(seconds=0.002):
    """Sealed datagrams of which the third has the nonce of the second, and a time before it and the first."""
    made, seals = Trace(), SealedConversation()
    made.add(seals.there(), seals.there(counter=7))
    made.wait(-seconds)
    made.add(seals.there(counter=7))
    return made


def relinked(records, link):
    """The records with each Ethernet frame changed by `link`."""
    return [(time, link(data), len(link(data))) for time, data, _ in records]


def sll(frame):
    """An Ethernet frame as `tcpdump -i any` kept it: LINKTYPE_LINUX_SLL."""
    return struct.pack(">HHH", 0, 1, 6) + frame[6:12] + bytes(2) + frame[12:]


def sll2(frame):
    """The same since libpcap 1.10: LINKTYPE_LINUX_SLL2."""
    return frame[12:14] + struct.pack(">HIHBB", 0, 3, 1, 0, 6) + frame[6:12] + bytes(2) + frame[14:]


def extended(frame):
    """The IPv6 packet with hop-by-hop and destination options before UDP (RFC 8200, section 4)."""
    options = bytes([60, 0, 1, 4, 0, 0, 0, 0]) + bytes([17, 0, 1, 4, 0, 0, 0, 0])
    length = struct.unpack_from(">H", frame, 18)[0] + len(options)
    return frame[:18] + struct.pack(">H", length) + b"\0" + frame[21:54] + options + frame[54:]


def jumbo(time):
    """A record of 80,000 bytes as BIG TCP leaves it to a card: lengths of IP and UDP are zero."""
    frame = packet(17, udp(50_000, 4789, Conversation().payload()), identification=0)
    head = bytearray(frame[:42])
    head[16:18], head[24:26], head[38:40] = b"\0\0", b"\0\0", b"\0\0"
    head[24:26] = struct.pack(">H", checksum(bytes(head[14:34])))
    made = bytes(head) + frame[42:]
    made += bytes(80_000 - len(made))
    return time, made, len(made)
