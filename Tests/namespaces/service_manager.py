"""A service manager of the tests' own: takes what services tell, keeps their descriptors and hands them back.

As a program (`service_manager.py SOCKET COMMAND...`) it becomes COMMAND with the descriptors that come from SOCKET.
"""

import array
import os
import select
import socket
import sys
import threading

SCRIPT = os.path.abspath(__file__)
_DESCRIPTOR_COUNT_MAX = 253


def _take(connection, byte_count=65_536):
    """A message and its descriptors."""
    room = socket.CMSG_SPACE(_DESCRIPTOR_COUNT_MAX * 4)
    data, control, _, _ = connection.recvmsg(byte_count, room)
    numbers = array.array("i")
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(content[:len(content) // 4 * 4])
    return data, list(numbers)


class ServiceManager:
    """Listens at `$NOTIFY_SOCKET`. Use it in a `with`."""

    def __init__(self, lab):
        self.path, self._hand_path = f"{lab.directory}/notify.sock", f"{lab.directory}/hand.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._lock, self._ends = threading.Lock(), False
        self.kept, self.told = {}, []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ends = True
        self._thread.join(10)
        self._socket.close()
        for descriptor in self.kept.values():
            os.close(descriptor)
        self.kept.clear()

    def _listen(self):
        while not self._ends:
            if select.select([self._socket], [], [], 0.05)[0]:
                with self._lock:
                    self._hear(*_take(self._socket))

    def _hear(self, data, descriptors):
        fields = dict(line.split("=", 1) for line in data.decode().splitlines())
        self.told.append(fields)
        if fields.get("FDSTORE") == "1":
            assert fields["FDPOLL"] == "0" and len(descriptors) == 1, (fields, descriptors)
            self._forget(fields["FDNAME"])
            self.kept[fields["FDNAME"]] = descriptors.pop()
        elif fields.get("FDSTOREREMOVE") == "1":
            self._forget(fields["FDNAME"])
        for descriptor in descriptors:
            os.close(descriptor)

    def _forget(self, name):
        if name in self.kept:
            os.close(self.kept.pop(name))

    def names(self):
        """What is kept."""
        with self._lock:
            return set(self.kept)

    def heard(self, field, value=None):
        """Whether a field was told, with that value if one is given."""
        with self._lock:
            return any(field in each and value in (None, each[field]) for each in self.told)

    def environment(self):
        """What a service that is started with nothing gets."""
        return {"NOTIFY_SOCKET": self.path, "FDSTORE": "512"}

    def hand_back(self, more=()):
        """A prefix of the command of a service that gets what is kept, and pairs (name, descriptor) of `more`."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self._hand_path)
        listener.listen(1)
        with self._lock:
            handed = [(name, os.dup(descriptor)) for name, descriptor in self.kept.items()] + list(more)

        def hand():
            with listener, listener.accept()[0] as connection:
                os.unlink(self._hand_path)
                for name, descriptor in handed:
                    connection.sendmsg([name.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                                          array.array("i", [descriptor]))])
                    os.close(descriptor)
        threading.Thread(target=hand, daemon=True).start()
        return [sys.executable, SCRIPT, self._hand_path]


def _become(path, command):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(path)
        handed = []
        while (message := _take(connection))[0]:
            handed.append((message[0].decode(), message[1][0]))
    # First out of the way of what they are to become.
    high = [os.dup2(descriptor, 1000 + number) for number, (_, descriptor) in enumerate(handed)]
    os.closerange(3, 1000)
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, 3 + number)
        os.close(descriptor)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(handed)),
                      LISTEN_FDNAMES=":".join(name for name, _ in handed))
    os.execvp(command[0], command)


if __name__ == "__main__":
    _become(sys.argv[1], sys.argv[2:])
