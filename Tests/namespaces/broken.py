"""The vtep under test with a libsodium that is as a test says: `broken.c`, loaded in front of the true one."""

import subprocess

import pytest

from agent import binary
from compiled import compiled

KINDS = ("no-aes", "aes", "chacha", "in-clear", "shifted", "low-order", "repeats")


def carries_its_own_libsodium():
    """Whether nothing can be loaded in front of the program's libsodium, because that is linked into it."""
    listed = subprocess.run(["ldd", binary()], capture_output=True, text=True)
    return "libsodium" not in listed.stdout


def environments(directory):
    """By what is broken, the environment of a process for which it is. Skips, and says why, where that cannot be."""
    if carries_its_own_libsodium():
        pytest.skip(f"NOT JUDGED: {binary()} has its libsodium linked in, so nothing can break it from outside; "
                    "build it with the libsodium of the system for this test")
    library = compiled(directory, "broken", library=True)
    return {what: {"LD_PRELOAD": library, "BROKEN": what} for what in KINDS}
