"""`vtep bench`: what it measures and says, and that it leaves nothing behind however it ends. Never how fast."""

import json
import math
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

import remains
from agent import binary
from host import wait_until
from remains import a_kill_leaves_one_folder, as_nobody, children, finish, nothing_remains, processes

pytestmark = pytest.mark.alone

SHORT = ("--rounds", "1", "--seconds", "0.2")
CANDIDATES = ["underlay", "kernel", "vtep", "vtep-sealed"]
CIPHERS = ("aes256gcm", "chacha20poly1305", "aegis128l")


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """A folder for temporary files, which must be empty in the end, and the machine as it was."""
    with nothing_remains(tmp_path_factory, monkeypatch) as directory:
        yield directory


def start(*arguments, **options):
    """A bench in a session of its own, as a terminal gives it one."""
    return remains.start("bench", *arguments, **options)


def measure(*arguments, seconds=120):
    """A bench to its end, which must be a good one. Returns its report and what it said meanwhile."""
    process = start(*arguments, "-j")
    shown, said = finish(process, seconds)
    assert process.returncode == 0, said
    return json.loads(shown), said


def test_every_candidate_is_measured_in_every_workload():
    report, said = measure("--rounds", "1", "--seconds", "0.3", "--underlay", "transparent")
    assert set(report) == {"version", "started", "machine", "generator", "rounds", "seconds", "results"}
    assert set(report["machine"]) == {"kernel", "cpu-model", "cores", "memory-bytes"}
    assert report["machine"]["kernel"] == os.uname().release and report["machine"]["cores"] >= 1
    assert report["generator"] == "own" and report["rounds"] == 1 and report["seconds"] == 0.3
    units = {"tcp-1": "bit/s", "tcp-4": "bit/s", "tcp-1-reverse": "bit/s", "udp-64": "frame/s", "udp-512": "frame/s",
             "udp-1400": "frame/s", "rtt": "ns"}
    assert [(each["workload"], each["candidate"]) for each in report["results"]] == [
        (workload, candidate) for workload in units for candidate in CANDIDATES]
    for result in report["results"]:
        name = f"{result['candidate']} {result['workload']}"
        assert "note" not in result, f"{name}: {result.get('note')}"
        assert result["underlay"] == "transparent" and result["unit"] == units[result["workload"]]
        assert result["rounds"] == [1] and len(result["samples"]) == 1, name
        assert 0 < result["min"] <= result["median"] <= result["max"] and math.isfinite(result["max"]), name
        check_details(result, name)
    assert "about" in said and "1 round" in said and "vtep" in said


def check_details(result, name):
    """What belongs to a result beside its samples, and what does not."""
    is_vtep, workload = result["candidate"].startswith("vtep"), result["workload"]
    assert ("cipher" in result) == (result["candidate"] == "vtep-sealed"), name
    assert result.get("cipher", CIPHERS[0]) in CIPHERS, name
    if workload == "rtt":
        levels = [result["percentiles"][each] for each in ("p50", "p90", "p99", "p99.9", "max")]
        assert levels == sorted(levels) and levels[0] > 0, name
        assert "cpu-seconds-per-gigabyte" not in result and 0 <= result["loss"] <= 1, name
        return
    cost = result["cpu-seconds-per-gigabyte"]
    assert cost["machine"] >= 0, name
    assert ("own" in cost) == is_vtep and cost.get("own", 1) > 0, name
    assert ("loss" in result) == workload.startswith("udp") and 0 <= result.get("loss", 0) <= 1, name
    for call in ("segments-per-send", "segments-per-receive", "segments-per-tap-write"):
        assert (call in result) == is_vtep, f"{name}: {call}"
        assert 1 <= result.get(call, 1) <= 128, f"{name}: {call}"
    if is_vtep and workload.startswith("tcp"):
        assert result["segments-per-send"] > 1, f"{name}: superframes pass this underlay"


def test_rounds_are_repeated_on_both_underlays():
    report, said = measure("--rounds", "2", "--seconds", "0.1", "--candidates", "vtep,underlay", "--workloads",
                           "udp-1400", "--underlay", "both")
    places = [(each["underlay"], each["candidate"]) for each in report["results"]]
    assert places == [("transparent", "vtep"), ("transparent", "underlay"), ("segmenting", "vtep"),
                      ("segmenting", "underlay")]
    assert all(each["rounds"] == [1, 2] and min(each["samples"]) > 0 for each in report["results"])
    turns = [line.split("] ")[1] for line in said.splitlines() if line.startswith("[")]
    assert turns == [f"round {number}, {underlay} underlay, {candidate}"
                     for number, order in ((1, ("vtep", "underlay")), (2, ("underlay", "vtep")))
                     for underlay in ("transparent", "segmenting") for candidate in order]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_cipher_that_is_asked_for_seals_or_the_output_says_what_it_needs(cipher):
    report, _ = measure("--rounds", "1", "--seconds", "0.2", "--candidates", "vtep-sealed", "--workloads", "tcp-1,rtt",
                        "--underlay", "transparent", "--cipher", cipher)
    assert [each["workload"] for each in report["results"]] == ["tcp-1", "rtt"]
    for result in report["results"]:
        if not result["samples"]:
            assert cipher != "chacha20poly1305" and f"{cipher} needs" in result["note"], result
            continue
        assert result["cipher"] == cipher and "note" not in result, result


def test_keys_are_their_owners_alone_and_go_with_the_run(temporary):
    process = start("--rounds", "5", "--candidates", "vtep-sealed", "--workloads", "tcp-1")
    keys = wait_until(lambda: process.poll() is not None or list(temporary.glob("vtep-bench-*/*.key")), 10, "keys")
    assert process.poll() is None and len(keys) == 2
    assert {os.stat(path).st_mode & 0o777 for path in keys} == {0o600}
    assert os.stat(keys[0].parent).st_mode & 0o777 == 0o700
    os.killpg(process.pid, signal.SIGINT)
    _, said = finish(process, 10)
    assert process.returncode == 130 and list(temporary.iterdir()) == [], said


def test_the_codec_is_measured_plain_and_with_every_cipher():
    done = subprocess.run([binary(), "bench", "codec", "--rounds", "1", "--seconds", "0.01", "-j"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    kinds = list(dict.fromkeys((each["candidate"], each.get("cipher")) for each in results))
    assert kinds[0] == ("codec", None) and ("codec-sealed", "chacha20poly1305") in kinds
    assert len(results) == 8 * len(kinds) and all(each["median"] > 0 and each["frame-bytes"] for each in results)


def test_help_shows_the_options_of_a_run():
    done = subprocess.run([binary(), "bench", "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    for option in ("--rounds", "--seconds", "--candidates", "--workloads", "--underlay", "--cipher", "--generator",
                   "--quick", "--report", "--json"):
        assert re.search(rf"^ *(-j, )?{option}\b", done.stdout, re.MULTILINE), f"{option}: {done.stdout}"
    assert "--executable" not in done.stdout and "vtep bench codec" in done.stdout


def test_iperf3_makes_the_tcp_traffic_when_it_is_asked_for_and_there():
    arguments = ("--rounds", "1", "--seconds", "1", "--candidates", "vtep", "--workloads", "tcp-1,tcp-1-reverse,udp-64",
                 "--underlay", "transparent", "--generator", "iperf3")
    if shutil.which("iperf3") is None:
        process = start(*arguments)
        _, said = finish(process, 20)
        assert process.returncode == 1 and "iperf3" in said
        return
    report, said = measure(*arguments)
    assert report["generator"].startswith("iperf3 3.") and report["generator"] in said
    assert all(min(each["samples"]) > 0 for each in report["results"])


def test_without_iperf3_on_the_path_it_says_what_is_missing(tmp_path):
    process = start(*SHORT, "--seconds", "1", "--generator", "iperf3", env={**os.environ, "PATH": str(tmp_path)})
    _, said = finish(process, 20)
    assert process.returncode == 1 and "iperf3" in said


@pytest.mark.parametrize("moment", (0.1, 0.4, 1.0, 2.5))
@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM), ids=("int", "term"))
def test_a_signal_at_any_moment_cleans_up(moment, number):
    process = start("--rounds", "5", "--candidates", "vtep-sealed,kernel", "--workloads", "tcp-4,udp-64,rtt")
    time.sleep(moment)
    assert process.poll() is None
    os.killpg(process.pid, number)
    shown, said = finish(process, 10)
    assert process.returncode == 128 + number, said
    assert "nothing is left behind" in said and shown == ""


def test_ctrl_c_while_iperf3_runs_cleans_up():
    process = start("--rounds", "5", "--candidates", "underlay", "--workloads", "tcp-1", "--generator", "iperf3")
    time.sleep(1.0)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    _, said = finish(process, 10)
    assert process.returncode == (1 if shutil.which("iperf3") is None else 130), said


def test_an_agent_that_dies_is_told_and_the_others_are_measured():
    before = processes()
    process = start("--rounds", "1", "--seconds", "1", "--candidates", "vtep,underlay", "--workloads", "tcp-1,rtt",
                    "--underlay", "transparent", "-j")
    agents = wait_until(lambda: process.poll() is not None or len(children(process.pid, before)) == 2
                        and children(process.pid, before), 10, "agents start")
    assert process.poll() is None
    time.sleep(0.6)
    os.kill(min(agents), signal.SIGKILL)
    shown, said = finish(process, 60)
    assert process.returncode == 1 and "vtep" in said
    results = {(each["candidate"], each["workload"]): each for each in json.loads(shown)["results"]}
    assert results["underlay", "tcp-1"]["samples"] and results["underlay", "rtt"]["samples"]
    assert results["vtep", "rtt"]["samples"] == [] and "round 1" in results["vtep", "rtt"]["note"]


def test_a_kill_leaves_the_folder_of_the_configurations_and_nothing_else(temporary):
    a_kill_leaves_one_folder(temporary, lambda: start("--rounds", "5", "--candidates", "vtep", "--workloads", "tcp-1"),
                             "vtep-bench-")


@pytest.mark.parametrize("arguments", (
    ("--rounds", "0"), ("--rounds", "x"), ("--seconds", "0"), ("--seconds", "nan"), ("--candidates", "none"),
    ("--candidates", "vtep,vtep"), ("--candidates", "vtep", "--cipher", "auto"), ("--cipher", "des"),
    ("--workloads", "tcp-9"), ("--underlay", "none"),
    ("--generator", "netperf"), ("--generator", "iperf3", "--seconds", "0.5"), ("nonsense",), ("--nonsense",)))
def test_wrong_usage_is_refused_before_anything_is_made(arguments):
    done = subprocess.run([binary(), "bench", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == 64 and done.stderr.strip() and done.stdout == ""


@pytest.mark.parametrize("command", (("bench", *SHORT), ("bench", "codec")), ids=("run", "codec"))
@pytest.mark.parametrize("path, why", (
    ("none/report.html", "No such file or directory"), ("folder", "Is a directory"), ("folder/", "Is a directory"),
    (".", "Is a directory"), ("", "its file has no name")))
def test_a_report_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path, command, path, why):
    (tmp_path / "folder").mkdir()
    done = subprocess.run([binary(), *command, "--report", path], cwd=tmp_path, capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 1 and path in done.stderr and why in done.stderr and done.stdout == ""


def test_a_person_gets_a_table_and_the_page_that_was_asked_for(tmp_path):
    page = tmp_path / "report.html"
    process = start(*SHORT, "--underlay", "transparent", "--workloads", "tcp-1,udp-512,rtt", "--report", str(page))
    shown, said = finish(process, 60)
    assert process.returncode == 0, said
    assert all(name in shown for name in CANDIDATES) and "Gb/s" in shown and "\x1b" not in shown, shown
    assert max(map(len, shown.splitlines())) <= 100, "it fits 100 columns"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and text.rstrip().endswith("</html>")
    assert "<svg" in text and "<script" not in text and all(name in text for name in CANDIDATES)
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", text), "it needs no network"


def test_a_signal_leaves_no_page(tmp_path):
    page = tmp_path / "report.html"
    process = start("--workloads", "tcp-1", "--report", str(page))
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    _, said = finish(process, 10)
    assert process.returncode == 130, said
    assert list(tmp_path.iterdir()) == []


def test_another_user_is_told_that_root_is_needed(tmp_path_factory):
    done = as_nobody(tmp_path_factory, "bench")
    assert done.returncode == 1 and "root" in done.stderr and done.stdout == ""


def test_on_a_terminal_progress_is_one_line_that_is_rewritten():
    above, below = pty.openpty()
    process = subprocess.Popen([binary(), "bench", *SHORT, "--candidates", "underlay", "--workloads", "udp-64,rtt",
                                "--underlay", "transparent", "-j"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=below, text=True, start_new_session=True)
    os.close(below)
    shown, _ = finish(process, 30)
    said = b""
    try:
        while piece := os.read(above, 65536):
            said += piece
    except OSError:  # the other end is closed
        os.close(above)
    assert process.returncode == 0 and json.loads(shown)["results"]
    text = said.decode()
    assert text.count("\n") <= 2 and "\r\x1b[K[1/2] " in text and "\r\x1b[K[2/2] " in text, repr(text)
    assert text.endswith("\r\x1b[K"), repr(text)
