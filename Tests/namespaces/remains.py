"""What a run of one of our commands could leave on the machine, and that it does not."""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess

from agent import binary
from host import wait_until


def processes():
    """The processes whose program is the vtep under test, by number; but for those of labs, which are others' tests."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if any(b"/vtn-" in word for word in words):
                continue
            program = os.readlink(f"/proc/{name}/exe").removesuffix(" (deleted)")
        except OSError:
            continue  # it ended meanwhile, or is of the kernel
        if program == binary() or binary().encode() in words:
            found.add(int(name))
    return found


def children(parent, before):
    """The vtep processes that `parent` itself started since `before` and that run `run`."""
    found = set()
    for number in processes() - before - {parent}:
        try:
            with open(f"/proc/{number}/stat", encoding="ascii") as file:
                above = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{number}/cmdline", "rb") as file:
                runs = b"run" in file.read().split(b"\0")
        except OSError:
            continue
        if above == parent and runs:
            found.add(number)
    return found


def names_of_namespaces():
    """What `ip netns list` shows."""
    listed = subprocess.run(["ip", "-j", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {each["name"] for each in json.loads(listed or "[]")}


def inodes(paths):
    """The inodes of the files that are there."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):  # it went meanwhile
            found.add(os.stat(path).st_ino)
    return found


def machine():
    """What a command could leave: namespaces, network devices, processes, mounts, temporary files."""
    named = inodes(f"/run/netns/{each}" for each in names_of_namespaces())
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        mounted = frozenset(line.split()[1] for line in mounts)
    return {
        "namespaces": {each for each in names_of_namespaces() if not each.startswith("vtn-")},
        "namespaces without a name": inodes(glob.glob("/proc/[0-9]*/ns/net")) - named,
        "devices": set(os.listdir("/sys/class/net")),
        "processes": processes(),
        "mounts": {each for each in mounted if "vtn-" not in each},
        "temporary files": {each for base in ("/tmp", "/run") for each in os.listdir(base)
                            if each.startswith(("vtep-demo", "vtep-bench"))},
    }


@contextlib.contextmanager
def nothing_remains(tmp_path_factory, monkeypatch):
    """A folder for temporary files of what runs within; afterwards it is empty, and the machine as it was."""
    directory = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(directory))
    before = machine()
    yield directory
    assert os.listdir(directory) == []

    # Others may be at work on the machine: what they have open meanwhile goes away by itself. What we leave stays.
    def left():
        return {kind: sorted(now - before[kind]) for kind, now in machine().items() if now - before[kind]}
    seen = []

    def is_clean():
        seen.append(left())
        return not seen[-1]
    with contextlib.suppress(AssertionError):
        wait_until(is_clean, 15, "nothing is left")
    assert seen[-1] == {}, f"left behind: {seen[-1]}"


def start(*arguments, **options):
    """The vtep under test in a session of its own, as a terminal gives it one."""
    return subprocess.Popen([binary(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True, **options)


def as_nobody(tmp_path_factory, *arguments):
    """Runs a copy of the vtep under test as a user without any right to its end."""
    directory = tmp_path_factory.mktemp("program")
    for each in (directory, directory.parent, directory.parent.parent):
        os.chmod(each, 0o755)
    program = shutil.copy(binary(), directory / f"{arguments[0]}-of-nobody")
    os.chmod(program, 0o755)
    return subprocess.run([program, *arguments], user=65534, group=65534, extra_groups=[], capture_output=True,
                          text=True, timeout=60, cwd="/")


def finish(process, seconds):
    """Waits for the end. Returns what was printed on both streams."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise AssertionError(f"the command did not end within {seconds} s") from None


def a_kill_leaves_one_folder(temporary, begin, name):
    """Kills what `begin` starts once its two agents run: of it a folder in `temporary` is left, and no agent."""
    before = processes()
    process = begin()
    wait_until(lambda: process.poll() is not None or len(children(process.pid, before)) == 2, 30, "agents start")
    process.kill()
    finish(process, 20)
    # The agents end because it did, a moment later; until then they may still make their control sockets.
    wait_until(lambda: processes() <= before, 20, "no agent is left")
    left = os.listdir(temporary)
    assert len(left) == 1 and left[0].startswith(name), left
    shutil.rmtree(temporary / left[0])
