"""What arrives one by one."""

import time


class Arrivals:
    """For those that have `next`: what arrives next, or None after so many seconds."""

    def take(self, count, seconds=10.0):
        """Up to `count` of what arrives, fewer after `seconds`."""
        taken, end = [], time.monotonic() + seconds
        while len(taken) < count:
            each = self.next(max(0.0, end - time.monotonic()))
            if each is None:
                break
            taken.append(each)
        return taken

    def rest(self, quiet=0.15):
        """All that arrives until nothing came for `quiet` seconds."""
        taken = []
        while (each := self.next(quiet)) is not None:
            taken.append(each)
        return taken
