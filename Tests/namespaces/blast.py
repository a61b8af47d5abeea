"""Large numbers of datagrams, by a small C program that the tests compile."""

import struct
import subprocess

from compiled import compiled

_RECORD = struct.Struct("<H")


class Blaster:
    """`blast.c`, compiled. RATE is in datagrams a second."""

    def __init__(self, directory):
        self.path = compiled(directory, "blast")

    def send(self, host, destination, datagrams, rate=60_000, source=None, port=4789):
        """Sends every datagram of an iterable from a host's address to a port. Returns how many were sent."""
        line = host.command(self.path, source or host.address, destination, port, rate)
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        host.processes.append(process)
        block, size = [], 0
        for datagram in datagrams:
            block.append(_RECORD.pack(len(datagram)))
            block.append(datagram)
            size += len(datagram)
            if size >= 1 << 18:
                process.stdin.write(b"".join(block))
                block, size = [], 0
        process.stdin.write(b"".join(block))
        said, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, f"blast: {complaint.decode()}"
        return int(said)
