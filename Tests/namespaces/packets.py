"""AF_PACKET sockets on devices of the lab, with filters that the kernel runs."""

import ctypes
import errno
import functools
import select
import socket
import struct
import subprocess

from arrivals import Arrivals

_SOL_PACKET, _PACKET_AUXDATA, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 8, 6, 23
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_TP_STATUS_VLAN_VALID, _TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40


@functools.lru_cache(maxsize=None)
def _program(expression):
    """A tcpdump expression as the bytes of a classic BPF program, and its number of instructions."""
    text = subprocess.run(["tcpdump", "-y", "EN10MB", "-s", "65535", "-ddd", expression], check=True,
                          capture_output=True, text=True).stdout.split("\n")
    lines = [tuple(map(int, line.split())) for line in text[1:] if line]
    return b"".join(struct.pack("HBBI", *line) for line in lines), len(lines)


class Packets(Arrivals):
    """What passes a device. Sends raw frames too. `incoming` leaves out what the host itself sends."""

    def __init__(self, host, device, expression=None, incoming=True):
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        if incoming:
            self.socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        if expression:
            program, count = _program(expression)
            kept = ctypes.create_string_buffer(program, len(program))
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER,
                                   struct.pack("HxxxxxxP", count, ctypes.addressof(kept)))
        # Bound last: nothing gets in before the filter is there.
        self.socket.bind((device, 3))
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the socket."""
        self.socket.close()

    def send(self, frame):
        """Sends a frame out of the device. On a TAP the agent reads it."""
        self.socket.setblocking(True)
        self.socket.send(frame)
        self.socket.setblocking(False)

    def next(self, seconds=5.0):
        """The next frame, with its VLAN tag put back where the kernel took it out; None after `seconds`, and once when
        the device went down.
        """
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        try:
            frame, notes, _, _ = self.socket.recvmsg(1 << 17, 256)
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise
            return None
        for level, kind, data in notes:
            if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
                status, _, _, _, _, tag, protocol = struct.unpack("IIIHHHH", data[:20])
                if status & _TP_STATUS_VLAN_VALID:
                    protocol = protocol if status & _TP_STATUS_VLAN_TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack(">HH", protocol, tag) + frame[12:]
        return frame

    def lost(self):
        """How many frames the kernel dropped before this socket since the last call."""
        return struct.unpack("II", self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1]
