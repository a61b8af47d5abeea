"""A memory cgroup, of version 1 or 2, whichever the machine has."""

import contextlib
import os
import re

from host import wait_until

_ROOT = "/sys/fs/cgroup"


class MemoryLimit:
    """Processes that are started `within` are killed by the kernel when they, with what it keeps for them, need more
    than `byte_count`. All of them must have ended when it is left.
    """

    def __init__(self, byte_count):
        self._unified = os.path.exists(f"{_ROOT}/cgroup.controllers")
        self._root = _ROOT if self._unified else f"{_ROOT}/memory"
        if self._unified:
            _write(f"{self._root}/cgroup.subtree_control", "+memory")
        self._path = f"{self._root}/vtn-{os.getpid()}"
        os.mkdir(self._path)
        _write(f"{self._path}/{'memory.max' if self._unified else 'memory.limit_in_bytes'}", byte_count)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        def is_removed():
            try:
                os.rmdir(self._path)
            except OSError:
                return False
            return True
        wait_until(is_removed, 20, "the cgroup is empty")

    @contextlib.contextmanager
    def within(self):
        """The tests' own process is in the cgroup meanwhile: what it starts stays there."""
        with open("/proc/self/cgroup", encoding="ascii") as file:
            own = re.search(r"^0::(.*)$" if self._unified else r":memory:(.*)$", file.read(), re.MULTILINE)[1]
        _write(f"{self._path}/cgroup.procs", os.getpid())
        try:
            yield
        finally:
            _write(f"{self._root}{own}/cgroup.procs", os.getpid())

    def kills(self):
        """How many processes the kernel has killed."""
        text = self._read("memory.events" if self._unified else "memory.oom_control")
        return int(re.search(r"^oom_kill (\d+)", text, re.MULTILINE)[1])

    def peak(self):
        """The most bytes that were in use."""
        return int(self._read("memory.peak" if self._unified else "memory.max_usage_in_bytes"))

    def _read(self, name):
        with open(f"{self._path}/{name}", encoding="ascii") as file:
            return file.read()


def _write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
