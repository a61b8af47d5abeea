"""The reader of an agent's capture, written from docs/capture-agent.md alone."""

import json
import mmap
import socket
import struct

_PAGE, _HEADER = 4096, struct.Struct("=IBBBBIIQIiHHHHHHB3x16s")
INNER, OUTER, _PADDING = 0, 1, 2


class Record:
    """One frame or datagram: `kind`, `direction`, `reason` (None: it went on), `bytes` and what else is known."""

    def __init__(self, header, data, reasons):
        (_, self.kind, self.direction, reason, self.marks, self.length, _, self.time, self.vni, self.peer,
         self.frames, self.gso, *_) = header
        self.reason = None if reason == 255 else reasons[reason]
        self.bytes = data


class _Ring:
    def __init__(self, descriptors, size):
        self._memory = mmap.mmap(descriptors[0], _PAGE + size, mmap.MAP_SHARED, mmap.PROT_READ)
        self._position = mmap.mmap(descriptors[1], _PAGE)
        self._size, self._taken = size, 0
        assert self._number(0) == 0x3152455450567654 and self._number(8) == size

    def _number(self, offset):
        return struct.unpack_from("=Q", self._memory, offset)[0]

    def missed(self):
        """What found no place."""
        return self._number(128)

    def records(self, reasons):
        """Takes all that is there."""
        end = self._number(64)
        while self._taken < end:
            place = _PAGE + self._taken % self._size
            header = _HEADER.unpack_from(self._memory, place)
            if header[1] != _PADDING:
                yield Record(header, self._memory[place + 64:place + 64 + header[6]], reasons)
            self._taken += header[0]
            struct.pack_into("=Q", self._position, 0, self._taken)

    def claim(self, position):
        """Writes anything into the page of the reader."""
        struct.pack_into("=Q", self._position, 0, position)


class AgentCapture:
    """A capture of a running agent. `request` is as the page says."""

    def __init__(self, agent, **request):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(10)
        self._socket.connect(agent.socket_path + ".capture")
        self._socket.send(json.dumps({"version": 1, "wantsOuter": False, "snapByteCount": 262144, **request}).encode())
        self.rings, self.peers, self.refused, self._reasons = [], {}, None, []
        while self._take():
            pass

    def _take(self):
        data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 64)
        message = json.loads(data)
        self.refused = message.get("refused")
        if "accepted" in message:
            size, self._reasons = message["accepted"]["ringByteCount"], message["accepted"]["reasons"]
            self.rings = [_Ring(descriptors[first:first + 2], size) for first in range(0, len(descriptors), 2)]
        for each in message.get("peers", []):
            self.peers[each["slot"]] = each.get("name")
        return not message.get("isComplete") and not self.refused

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def records(self):
        """Takes what is there of all workers."""
        return [record for ring in self.rings for record in ring.records(self._reasons)]

    def missed(self):
        """What found no place in any ring."""
        return sum(ring.missed() for ring in self.rings)

    def ending(self):
        """Why the agent ended the capture."""
        return json.loads(self._socket.recv(65536)).get("ended")
