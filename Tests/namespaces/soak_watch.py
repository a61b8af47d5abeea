"""What is watched during a soak: memory, descriptors and threads of each agent, and what leaves its host."""

import collections
import mmap
import os
import re
import statistics
import time

from background import Background
from capture import Capture
from verifying import Judgement, judging

_RESIDENT = re.compile(r"^VmRSS:\s+(\d+)", re.MULTILINE)
_POOL = "overcommit"
"""In the names of threads of libdispatch, which come when there is something to do, and go."""

Sample = collections.namedtuple("Sample", "seconds agent pid rss descriptors threads is_quiet")


def reading(pid):
    """KiB of resident memory, open descriptors and threads of a process; those of libdispatch's pool are left out."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        resident = int(_RESIDENT.search(file.read())[1])
    names = [_text(f"/proc/{pid}/task/{each}/comm") for each in os.listdir(f"/proc/{pid}/task")]
    return resident, len(os.listdir(f"/proc/{pid}/fd")), sum(_POOL not in each for each in names)


def _text(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return _POOL  # it has just ended


def slope(points):
    """MiB an hour that a line through (seconds, KiB) rises by: least squares."""
    if len(points) < 3:
        return 0.0
    return statistics.linear_regression(*zip(*points)).slope * 3600 / 1024


def growth(samples):
    """MiB that the median of the last fifth of the samples lies above that of the first."""
    part = max(1, len(samples) // 5)
    return (statistics.median(each.rss for each in samples[-part:]) -
            statistics.median(each.rss for each in samples[:part])) / 1024


def steady(pid):
    """The smaller of two readings: a client that asks at the moment has a descriptor too."""
    first = reading(pid)
    time.sleep(0.3)
    return tuple(map(min, first, reading(pid)))


def counts_of(samples, kind):
    """Which counts of `descriptors` or `threads` each process had, all processes with the same ones told once."""
    of = collections.defaultdict(set)
    for each in samples:
        of[each.pid].add(getattr(each, kind))
    return sorted(map(list, {tuple(sorted(counts)) for counts in of.values()}))


class Samples(Background):
    """Reads every agent each `period` seconds. `is_quiet` says that there is no fault at the moment."""

    def __init__(self, agents, period):
        super().__init__()
        self._agents, self._period, self._began = agents, period, time.monotonic()
        self.is_quiet, self.taken = False, []

    def work(self):
        while not self.ended.wait(self._period):
            quiet = self.is_quiet
            for agent in self._agents:
                pid = agent.process.pid
                try:
                    self.taken.append(Sample(time.monotonic() - self._began, agent.host.name, pid, *steady(pid), quiet))
                except (OSError, TypeError):
                    pass  # it has been killed

    def of(self, name, pid=None, after=0.0):
        """The quiet samples of an agent, or of one process of it."""
        return [each for each in self.taken if each.agent == name and each.is_quiet and each.seconds >= after and
                pid in (None, each.pid)]


class Underlay:
    """Everything that leaves the hosts, captured from one `look` to the next and judged then; the files go at once."""

    def __init__(self, lab, names, secrets):
        self._lab, self._names, self._secrets = lab, names, secrets
        self.datagrams = self.missed = self._number = 0
        self.findings, self.in_clear, self._captures = collections.Counter(), 0, []

    def __enter__(self):
        self._captures = self._begin()
        return self

    def __exit__(self, *_):
        for each in self._captures:
            each.end()

    def _begin(self):
        self._number += 1
        return [Capture(self._lab.hosts[name], "u0", f"{self._lab.directory}/soak-{name}-{self._number}.pcap",
                        "udp port 4789 or udp port 4790", "out", 2048, 64 << 10) for name in self._names]

    def look(self):
        """Judges what was captured since the last time. Returns what is wrong with it, in words."""
        ended, self._captures = self._captures, self._begin()
        return [wrong for each in ended for wrong in self._judge(each)]

    def _judge(self, capture):
        capture.end()
        self.missed += int(re.search(r"(\d+) packets? dropped by kernel", capture.said())[1])
        judged = Judgement(capture.path, *judging(self._lab))
        self.datagrams += judged.report["packets"] if judged.report else 0
        found = {rule: len(packets) for rule, packets in judged.findings().items()
                 if judged.severities()[rule] == "error"}
        self.findings.update(found)
        clear = self._count_of_secrets(capture.path)
        self.in_clear += clear
        os.remove(capture.path)
        if judged.report is None:
            yield f"vtep verify: {judged}"
        if found:
            yield f"vtep verify: {found}: {judged}"
        if clear:
            yield f"{clear} times what was sealed is in {capture.path} in clear"

    def _count_of_secrets(self, path):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return sum(data.find(secret) >= 0 for secret in self._secrets)
