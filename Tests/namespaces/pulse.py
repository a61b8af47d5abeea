"""A frame every few milliseconds through the overlay, each with its time: how long nothing arrives."""

import contextlib
import struct
import time

from background import Background
from frames import MARK, ethernet
from packets import Packets

PERIOD = 0.01
_LATER = 20


class Pulse(Background):
    """Frames from the TAP of one host to that of another, from `station` to `destination`, while it is entered.
    `sent_by` sends them otherwise.
    """

    def __init__(self, sender, receiver, station, destination, device="vx42", sent_by=None):
        super().__init__()
        self._frame = lambda: ethernet(station, destination, struct.pack(">Q", time.monotonic_ns()), length=100)
        self._sender, self._receiver, self._device, self._sent_by = sender, receiver, device, sent_by
        self._filter = f"ether proto {MARK} and ether src {station.hex(':')}"
        self._seen = Packets(receiver, device, self._filter)

    def __enter__(self):
        super().__enter__()
        try:
            self.resumed(time.monotonic(), 5)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        self._seen.close()

    def resumed(self, since, seconds=_LATER):
        """How many seconds after the moment `since` a frame arrived that was sent later; fails after `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            frame = self._seen.next(left)
            if frame and struct.unpack(">Q", frame[14:22])[0] / 1e9 >= since:
                return time.monotonic() - since
        raise AssertionError(f"no frame arrived within {seconds} s")

    def listen_again(self):
        """The receiving TAP is another one now."""
        self._seen.close()
        self._seen = Packets(self._receiver, self._device, self._filter)

    def arrived(self):
        """How many frames arrived that were not looked at yet."""
        return len(self._seen.rest(quiet=0))

    def work(self):
        while not self.ended.is_set():
            # The device may be down or gone: that is what is tried. One that comes back is another one.
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                send = self._sent_by or stack.enter_context(Packets(self._sender, self._device, "less 1")).send
                while not self.ended.wait(PERIOD):
                    send(self._frame())
            time.sleep(PERIOD)
