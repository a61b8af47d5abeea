"""`vtep demo`: what it shows, and that it leaves nothing behind however it ends."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from agent import binary
from host import wait_until

MOMENTS = (0.1, 0.3, 0.7, 1.5, 3.0)


def processes():
    """The processes whose program is the vtep under test, by number."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            program = os.readlink(f"/proc/{name}/exe").removesuffix(" (deleted)")
        except OSError:
            continue  # it ended meanwhile, or is of the kernel
        if program == binary() or binary().encode() in words:
            found.add(int(name))
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
    """What a demo could leave: namespaces, network devices, processes, mounts, temporary files."""
    named = inodes(f"/run/netns/{each}" for each in names_of_namespaces())
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        mounted = frozenset(line.split()[1] for line in mounts)
    return {
        "namespaces": {each for each in names_of_namespaces() if not each.startswith("vtn-")},
        "namespaces without a name": inodes(glob.glob("/proc/[0-9]*/ns/net")) - named,
        "devices": set(os.listdir("/sys/class/net")),
        "processes": processes(),
        "mounts": {each for each in mounted if "vtn-" not in each},
        "temporary files": {each for base in ("/tmp", "/run") for each in os.listdir(base) if "vtep-demo" in each},
    }


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """A folder for temporary files that only the demos of one test know. It must be empty in the end."""
    directory = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(directory))
    before = machine()
    yield directory
    assert os.listdir(directory) == []

    # Others may be at work on the machine: what they have open meanwhile goes away by itself. What a demo leaves stays.
    def left():
        return {kind: sorted(now - before[kind]) for kind, now in machine().items() if now - before[kind]}
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left(), 15, "nothing of the demo is left")
    assert left() == {}, f"left behind: {left()}"


def start(**options):
    """The demo in a session of its own, as a terminal gives it one."""
    return subprocess.Popen([binary(), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True, **options)


def finish(process, seconds):
    """Waits for the end. Returns what was printed on both streams."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise AssertionError(f"the demo did not end within {seconds} s") from None


def test_it_pings_both_ways_moves_data_and_shows_tables_and_mtu():
    process = start()
    shown, complaint = finish(process, 120)
    assert process.returncode == 0, complaint
    lowered = shown.lower()
    assert len(re.findall(r"(?<![0-9.])0% packet loss", lowered)) >= 2, shown
    assert lowered.count("packet loss") == len(re.findall(r"(?<![0-9.])0% packet loss", lowered)), shown
    assert re.search(r"\b[0-9a-f]{64}\b", lowered), "no hash of the transfer is shown"
    assert re.search(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", lowered), "no table of MAC addresses is shown"
    assert "mtu" in lowered and "1450" in shown
    assert "\x1b" not in shown, "colour is for terminals only"


def test_it_runs_in_a_temporary_folder_with_odd_characters(tmp_path):
    folder = tmp_path / "it's a: \"#x\" {y}"
    folder.mkdir()
    process = start(env={**os.environ, "TMPDIR": str(folder)})
    _, complaint = finish(process, 120)
    assert process.returncode == 0, complaint
    assert list(folder.iterdir()) == []


def test_twice_at_once_do_not_disturb_each_other():
    both = [start(), start()]
    for process in both:
        _, complaint = finish(process, 180)
        assert process.returncode == 0, complaint


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("whole_group", (True, False), ids=("group", "process"))
def test_ctrl_c_at_any_moment_cleans_up(moment, whole_group):
    process = start()
    time.sleep(moment)
    if process.poll() is None:
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    finish(process, 20)


@pytest.mark.parametrize("moment", MOMENTS[1::2])
def test_sigterm_cleans_up(moment):
    process = start()
    time.sleep(moment)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    finish(process, 20)


def test_without_any_tool_on_the_path_it_succeeds_or_says_what_is_missing(tmp_path):
    process = start(env={**os.environ, "PATH": str(tmp_path)})
    _, complaint = finish(process, 120)
    assert process.returncode == 0 or (process.returncode == 1 and len(complaint) > 10), complaint


def test_an_agent_that_dies_makes_it_fail_and_clean_up():
    before = processes()
    process = start()
    agents = wait_until(lambda: process.poll() is not None or children(process.pid, before), 30, "agents start")
    assert process.poll() is None
    os.kill(min(agents), signal.SIGKILL)
    _, complaint = finish(process, 120)
    assert process.returncode == 1 and complaint.strip(), complaint


def test_a_kill_leaves_the_folder_of_the_configurations_and_nothing_else(temporary):
    before = processes()
    process = start()
    wait_until(lambda: process.poll() is not None or len(children(process.pid, before)) == 2, 30, "agents start")
    process.kill()
    finish(process, 20)
    # The agents end because the demo did, a moment later; until then they may still make their control sockets.
    wait_until(lambda: processes() <= before, 20, "none of the demo's agents is left")
    left = os.listdir(temporary)
    assert len(left) == 1 and left[0].startswith("vtep-demo-"), left
    shutil.rmtree(temporary / left[0])


def children(parent, before):
    """The vtep processes that the demo itself started and that run `run`."""
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


def test_another_user_is_told_that_root_is_needed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("program")
    for each in (directory, directory.parent, directory.parent.parent):
        os.chmod(each, 0o755)
    program = shutil.copy(binary(), directory / "demo-of-nobody")
    os.chmod(program, 0o755)
    done = subprocess.run([program, "demo"], user=65534, group=65534, extra_groups=[], capture_output=True, text=True,
                          timeout=60, cwd="/")
    assert done.returncode == 1 and ("root" in done.stderr or "CAP_" in done.stderr), done
