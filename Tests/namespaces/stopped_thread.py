"""One thread of another process, held by ptrace(2) while the others go on."""

import contextlib
import ctypes
import glob
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_LIBC.ptrace.restype = ctypes.c_long
_SEIZE, _INTERRUPT, _DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000


def _ptrace(request, thread):
    if _LIBC.ptrace(request, thread, None, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace({request:#x}, {thread}): {os.strerror(number)}")


def thread_named(process, name):
    """The number of a thread of the process by its name."""
    for path in glob.glob(f"/proc/{process}/task/*/comm"):
        with open(path, encoding="ascii") as file:
            if file.read().strip() == name:
                return int(path.split("/")[4])
    raise AssertionError(f"process {process} has no thread {name}")


@contextlib.contextmanager
def stopped(thread):
    """Holds the thread within."""
    _ptrace(_SEIZE, thread)
    _ptrace(_INTERRUPT, thread)
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        _ptrace(_DETACH, thread)
