"""A terminal of the tests' own (a pty), with a command in it, and what stands on its screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

_SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
ENTERED, LEFT, SHOWN = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


class Terminal:
    """Runs a command in a pty of some size. `output` is every byte that it wrote so far."""

    def __init__(self, *command, columns=100, rows=30):
        self._ours, theirs = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(theirs)
        self.output = b""
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self._theirs = theirs

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def resize(self, columns, rows):
        """Gives the terminal another size, and its processes SIGWINCH."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        """What somebody types."""
        os.write(self._ours, keys)

    def read(self, seconds=0.1):
        """Takes what was written meanwhile."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0 and select.select([self._ours], [], [], rest)[0]:
            self.output += os.read(self._ours, 1 << 16)

    def screen(self):
        """The lines that were drawn last."""
        self.read()
        frames = self.output.split(b"\x1b[H")
        whole = [each for each in frames if each.endswith(b"\x1b[J")] or [b""]
        return [_SEQUENCE.sub(b"", line).decode() for line in re.split(rb"\r+\n", whole[-1])]

    def end(self, seconds=10):
        """Waits for the end of the command. Returns its status; the terminal must be as it was before."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read()
        self.read()
        assert self.process.poll() is not None, f"the command did not end: {self.output[-500:]}"
        self.is_given_back()
        return self.process.returncode

    def is_given_back(self):
        """The terminal is as it was before the command."""
        if ENTERED in self.output:
            assert self.output.rindex(LEFT) > self.output.rindex(ENTERED), "the other screen is left"
            assert self.output.rindex(SHOWN) > self.output.rindex(ENTERED), "the cursor is shown again"
        assert termios.tcgetattr(self._theirs) == self.before, "the terminal's settings are back"
