"""`vtep demo`: what it shows, and that it leaves nothing behind however it ends."""

import os
import re
import signal
import time

import pytest

import remains
from host import wait_until
from remains import a_kill_leaves_one_folder, as_nobody, children, finish, nothing_remains, processes

pytestmark = pytest.mark.alone

MOMENTS = (0.1, 0.3, 0.7, 1.5, 3.0)


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """A folder for temporary files, which must be empty in the end, and the machine as it was."""
    with nothing_remains(tmp_path_factory, monkeypatch) as directory:
        yield directory


def start(**options):
    """The demo in a session of its own, as a terminal gives it one."""
    return remains.start("demo", **options)


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
    a_kill_leaves_one_folder(temporary, start, "vtep-demo-")


def test_another_user_is_told_that_root_is_needed(tmp_path_factory):
    done = as_nobody(tmp_path_factory, "demo")
    assert done.returncode == 1 and ("root" in done.stderr or "CAP_" in done.stderr), done
