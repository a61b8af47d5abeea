"""Capture files, in the formats that libpcap reads. A record is a time in nanoseconds, the bytes kept, and how many
there were."""

import struct

ETHERNET, RAW, LINUX_SLL, LINUX_SLL2 = 1, 101, 113, 276
"""Link types: https://www.tcpdump.org/linktypes.html."""

SNAPLEN = 262_144


def pcap(records, link=ETHERNET, order="<", nanoseconds=False):
    """A classic file: draft-ietf-opsawg-pcap."""
    unit = 1 if nanoseconds else 1000
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, SNAPLEN, link)]
    for time, data, length in records:
        parts.append(struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit, len(data), length) + data)
    return b"".join(parts)


def pcapng(records, link=ETHERNET, order="<", nanoseconds=False, unit=None):
    """A file of one section and one interface, draft-ietf-opsawg-pcapng; `unit`, the negative power of ten that times
    count, is that of `nanoseconds` unless given, and then times are ticks."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))

    said = 9 if nanoseconds else unit
    resolution = b"" if said is None else struct.pack(order + "HHB3xHH", 9, 1, said, 0, 0)
    parts = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
             block(1, struct.pack(order + "HHI", link, 0, SNAPLEN) + resolution)]
    for time, data, length in records:
        ticks = time // 1000 if said is None else time
        parts.append(block(6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)
                           + data))
    return b"".join(parts)
