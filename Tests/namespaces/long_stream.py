"""A TCP connection that carries data both ways for as long as a test wants, and must never break."""

import hashlib
import random
import socket
import threading
import time

_PORT = 5501
_PAUSE = 0.002


class LongStream:
    """Both hosts send to each other on one connection until `finish`, which judges. Use it in a `with`."""

    def __init__(self, client, server, address, port=_PORT):
        self.bytes, self._stops, self._errors = 0, threading.Event(), []
        listener = server.bound(socket.SOCK_STREAM, address, port)
        listener.listen(1)
        self._client = client.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._client.settimeout(30)
        self._client.connect((address, port))
        self._server, _ = listener.accept()
        self._server.settimeout(30)
        listener.close()
        self._sums = {}
        self._threads = [threading.Thread(target=self._run, args=arguments, daemon=True)
                         for end, seed in ((self._client, 1), (self._server, 2))
                         for arguments in ((self._send, end, seed), (self._receive, end, 3 - seed))]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stops.set()
        self._client.close()
        self._server.close()

    def _run(self, body, end, seed):
        try:
            body(end, seed)
        except OSError as error:
            self._errors.append(error)

    def _send(self, end, seed):
        chance, whole = random.Random(seed), hashlib.sha256()
        while not self._stops.is_set():
            block = chance.randbytes(chance.randrange(1, 20_000))
            end.sendall(block)
            whole.update(block)
            time.sleep(_PAUSE)
        end.shutdown(socket.SHUT_WR)
        self._sums["sent", seed] = whole.digest()

    def _receive(self, end, seed):
        whole = hashlib.sha256()
        while block := end.recv(1 << 16):
            whole.update(block)
            self.bytes += len(block)
        self._sums["received", seed] = whole.digest()

    def carried(self):
        """The bytes that arrived so far, both ways."""
        assert self._errors == [], self._errors
        return self.bytes

    def finish(self):
        """Ends it. Nothing broke, and what arrived is what was sent. Returns the number of bytes."""
        self._stops.set()
        for thread in self._threads:
            thread.join(60)
        assert self._errors == [], self._errors
        for seed in (1, 2):
            assert self._sums["sent", seed] == self._sums["received", seed]
        return self.bytes
