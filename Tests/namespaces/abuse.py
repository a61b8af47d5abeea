"""Clients of the control socket that mean ill."""

import contextlib
import socket
import threading

HALF_OPEN = 1000
LINE = 1 << 30


class Abuse:
    """Many clients at once that hold what they get: half a request, a line without an end, a byte now and then, answers
    that nobody reads. A thread each, for as long as it is entered.
    """

    def __init__(self, agent):
        self._path, self._ending = agent.socket_path, threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True)
                         for each in (self._endless_line, self._slow_writer, self._slow_reader, self._half_open)]
        self.opened = self.line_bytes = self.lines = self.dribbled = self.unread = 0

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for each in self._threads:
            each.join(timeout=20)

    def _connect(self):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(0.5)
        made.connect(self._path)
        return made

    @contextlib.contextmanager
    def _connection(self):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(0.5)
        try:
            made.connect(self._path)
            yield made
        except OSError:
            # Closed in the face, as most are.
            self._ending.wait(0.01)
        finally:
            made.close()

    def _half_open(self):
        # The others find a place first.
        self._ending.wait(0.1)
        held = []
        while not self._ending.is_set():
            try:
                held.append(self._connect())
                held[-1].send(b"GET /v1/status HTTP/1.1\r\nx-")
                self.opened += 1
            except OSError:
                pass
            if len(held) > HALF_OPEN:
                held.pop(0).close()
            self._ending.wait(0.0005)
        for each in held:
            each.close()

    def _endless_line(self):
        block = b"A" * (1 << 16)
        while not self._ending.is_set():
            with self._connection() as made:
                made.send(b"GET /")
                self.lines += 1
                for _ in range(LINE // len(block)):
                    made.sendall(block)
                    self.line_bytes += len(block)

    def _slow_writer(self):
        while not self._ending.is_set():
            with self._connection() as made:
                for byte in b"GET /v1/status HTTP/1.1\r\n" + b"x" * 1000:
                    made.send(bytes([byte]))
                    self.dribbled += 1
                    if self._ending.wait(0.05):
                        return

    def _slow_reader(self):
        while not self._ending.is_set():
            with self._connection() as made:
                for _ in range(16):
                    made.send(b"GET /v1/fdb?after= HTTP/1.1\r\nhost: x\r\n\r\n")
                    self.unread += 1
                made.recv(1)
                self._ending.wait(2)
