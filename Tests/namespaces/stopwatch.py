"""Time as a promise of seconds means it: on a machine that had a processor to give."""

import time

_PRESSURE = "/proc/pressure/cpu"


def _waited():
    """Seconds since the machine's start in which somebody waited for a processor; 0 where the kernel does not tell."""
    try:
        with open(_PRESSURE, encoding="ascii") as file:
            return int(file.readline().rsplit("total=", 1)[1]) / 1e6
    except (OSError, IndexError, ValueError):
        return 0.0


class Stopwatch:
    """Runs from now on, and stands still while anybody on the machine waits for a processor.

    So a promise is judged to the letter on an idle machine, and a busy one delays the verdict and not more. What waits
    for anything else, a lock or a timer, counts in full.
    """

    def __init__(self):
        self._began, self._waited = time.monotonic(), _waited()

    def seconds(self):
        """What has passed, at least a tenth of it by the clock on the wall."""
        passed = time.monotonic() - self._began
        return max(passed / 10, passed - (_waited() - self._waited))
