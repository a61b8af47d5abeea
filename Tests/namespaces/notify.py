"""A service manager's socket in the tests' hands: what a service tells, and when."""

import os
import select
import socket
import time


class NotifySocket:
    """What is sent to `$NOTIFY_SOCKET`. Use it in a `with`."""

    def __init__(self, lab, name="notify"):
        self.path = f"{lab.directory}/{name}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        # Services of any user.
        os.chmod(self.path, 0o666)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.unlink(self.path)

    def environment(self, watchdog=None, process=None):
        """What a service manager puts into the environment; `watchdog` in seconds, for `process` alone."""
        made = {"NOTIFY_SOCKET": self.path}
        if watchdog is not None:
            made["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
        if process is not None:
            made["WATCHDOG_PID"] = str(process)
        return made

    def heard(self, seconds):
        """What comes within so many seconds, each with its time."""
        messages, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                messages.append((time.monotonic(), self._socket.recv(4096).decode()))
        return messages

    def next(self, message, seconds):
        """Waits for a message that begins so. Returns what came, up to it."""
        messages, end = [], time.monotonic() + seconds
        while not messages or not messages[-1].startswith(message):
            left = end - time.monotonic()
            assert left > 0 and select.select([self._socket], [], [], left)[0], f"no {message} but {messages}"
            messages.append(self._socket.recv(4096).decode())
        return messages

    def forget(self):
        """Takes away what waits."""
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(4096)
