"""What a process uses: time of processors, descriptors, and lines of the log by what they say."""

import collections
import contextlib
import os
import re
import time


def processor_seconds(process, thread=None):
    """User and system time so far, of a process or of the one thread of it that has a number."""
    task = f"/task/{thread}" if thread else ""
    with open(f"/proc/{process.pid}{task}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(process, seconds):
    """What a process uses of one processor in the next `seconds`."""
    before, began = processor_seconds(process), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(process) - before) / (time.monotonic() - began)


def descriptors(process):
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class LogLines:
    """The lines that an agent writes from now on."""

    def __init__(self, agent):
        self._agent, self._start = agent, len(agent.stderr())

    def new(self):
        """They, so far."""
        return self._agent.stderr()[self._start:].splitlines()

    def judge(self, seconds):
        """At most one line in ten seconds says the same, and none is without a message."""
        said = collections.Counter()
        for line in self.new():
            with contextlib.suppress(TypeError):
                said[re.search(r'message=("[^"]*"|\S+)', line)[1]] += 1
        assert all(count <= 1 + seconds / 10 for count in said.values()), said
        return sum(said.values())
