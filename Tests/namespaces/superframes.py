"""What passes a device, superframes included, with the kernel's own words on how they are to be cut."""

import socket
import struct

from frames import checksum, finished
from packets import Packets

_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_NEEDS_CHECKSUM, _TCP4, _TCP6, _UDP, _ECN = 1, 1, 4, 5, 0x80


class Superframes(Packets):
    """A socket on a device that takes superframes whole (PACKET_VNET_HDR)."""

    def __init__(self, host, device, expression=None):
        super().__init__(host, device, expression)
        self.socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)

    def next(self, seconds=5.0):
        """The next frame as (offload header, bytes); None after `seconds`."""
        both = super().next(seconds)
        return both and (both[:10], both[10:])


def segments(header, frame):
    """The frames that would be on a wire, cut slowly and plainly: what the kernel does after the TAP."""
    flags, kind, _, size, start, offset = struct.unpack("BBHHHH", header)
    if kind == 0:
        return [finished(frame, start, start + offset) if flags & _NEEDS_CHECKSUM else frame]
    kind &= ~_ECN
    assert kind in (_TCP4, _TCP6, _UDP) and flags & _NEEDS_CHECKSUM and size > 0, header.hex()
    end = start + (8 if kind == _UDP else (frame[start + 12] >> 4) * 4)
    assert offset == (6 if kind == _UDP else 16) and end < len(frame), header.hex()
    return [_segment(frame, number, kind, start, end, offset, size)
            for number in range(-(-(len(frame) - end) // size))]


def _segment(frame, number, kind, start, end, offset, size):
    payload = frame[end + number * size:end + (number + 1) * size]
    piece = bytearray(frame[:end] + payload)
    last = end + (number + 1) * size >= len(frame)
    if piece[14] >> 4 == 4:
        struct.pack_into(">H", piece, 16, len(piece) - 14)
        struct.pack_into(">H", piece, 18, (struct.unpack_from(">H", frame, 18)[0] + number) & 0xFFFF)
        struct.pack_into(">H", piece, 24, 0)
        struct.pack_into(">H", piece, 24, checksum(bytes(piece[14:start])))
    else:
        struct.pack_into(">H", piece, 18, len(piece) - 54)
    if kind == _UDP:
        struct.pack_into(">H", piece, start + 4, len(piece) - start)
    else:
        sequence = struct.unpack_from(">I", frame, start + 4)[0] + number * size
        struct.pack_into(">I", piece, start + 4, sequence & 0xFFFF_FFFF)
        # FIN and PSH are the last segment's, CWR the first's.
        piece[start + 13] &= 0xFF if last else ~0x09 & 0xFF
        piece[start + 13] &= 0xFF if number == 0 else ~0x80 & 0xFF
    return finished(bytes(piece), start, start + offset)
