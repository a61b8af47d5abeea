"""The lab judges itself: what it promises to notice it notices, and it goes away."""

import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile

import pytest

from compiled import compiled
from datagrams import Ledger, Losses
from frames import InnerFlow, ethernet, mac, vxlan, with_bit
from host import wait_until
from lab import Lab, remove_leftovers
from peer import RawPeer
from superframes import segments

HERE = os.path.dirname(os.path.abspath(__file__))


def namespaces(prefix):
    """Names of the namespaces that begin so."""
    listed = subprocess.run(["ip", "-j", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [each["name"] for each in json.loads(listed or "[]") if each["name"].startswith(prefix)]


def processes_in(name):
    """The numbers of the processes in a namespace; none when there is no such namespace."""
    return subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()


def fragmented(lab, host, other):
    """A host sends one datagram to port 4789 in fragments."""
    lab.agents.clear()
    agent = type("Anything", (), {"host": other})
    with RawPeer(host, agent) as peer:
        peer.allow_fragments()
        peer.send_frame(ethernet(mac(1), length=3000))


def test_a_capture_with_an_outer_fragment_does_not_pass(lab):
    capture = lab.capture()
    fragmented(lab, lab.h2, lab.h1)
    wait_until(lambda: len(capture.lines()) >= 3, 10, "the fragments were captured")
    with pytest.raises(AssertionError, match="outer datagrams were IP fragments"):
        capture.close()


def hostile(lab, **options):
    """A capture, not closed, of a datagram with a reserved bit."""
    capture = lab.capture("h2", **options)
    with RawPeer(lab.h2, lab.agent()) as peer:
        peer.send(with_bit(vxlan(42, ethernet(mac(1), length=60)), 63))
    wait_until(capture.lines, 10, "the datagram was captured")
    return capture


def test_a_capture_in_which_a_rule_is_broken_passes_only_where_the_test_says_so(lab):
    with pytest.raises(AssertionError, match="reserved-bits"):
        hostile(lab).close()


def test_a_capture_may_break_the_rules_that_its_test_names(lab):
    hostile(lab, allows=("reserved-bits", "source-port-range")).close()


CAPTURES = re.compile(r"""["'](tcpdump|tshark|dumpcap)\b""")


def test_no_other_file_of_the_tests_captures_so_every_capture_is_judged():
    """However a program is run, a string begins with its name. tcpdump translates filters for `packets.py` and shows
    finished captures for `decoders.py`, tshark for `dissector.py`; conftest.py and this file say what is to be
    installed."""
    folder = pathlib.Path(__file__).parent
    named = {path.name for path in folder.glob("*.py") if CAPTURES.search(path.read_text())} - {"test_lab.py"}
    allowed = {"capture.py", "packets.py", "decoders.py", "dissector.py", "conftest.py"}
    assert named == allowed, "capture with lab.capture"


def test_a_host_with_an_agent_may_not_send_an_outer_fragment_even_without_a_capture():
    with pytest.raises(AssertionError, match="left as IP fragments"):
        with Lab() as lab:
            lab.agent(start=False)
            fragmented(lab, lab.h1, lab.h2)


def test_a_lab_that_fails_goes_away():
    with pytest.raises(ZeroDivisionError):
        with Lab() as lab:
            sleeper = lab.h1.popen("sleep", "60")
            assert len(namespaces(lab.prefix + "-")) == 2
            raise ZeroDivisionError
    assert namespaces(lab.prefix + "-") == [] and not os.path.exists(lab.directory)
    assert sleeper.poll() is not None


def test_what_a_killed_run_left_is_removed_by_the_next():
    with subprocess.Popen(["true"]) as ended:
        pass
    name = f"vtn-{ended.pid}-1-h1"
    subprocess.run(["ip", "netns", "add", name], check=True)
    directory = f"{tempfile.gettempdir()}/vtn-{ended.pid}-1-abcdefgh"
    os.mkdir(directory)
    remove_leftovers()
    assert namespaces(name) == [] and not os.path.exists(directory)


def first_lab(process):
    """How the namespaces of a run's first lab begin, once it is built: by the run itself or a process of its own."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        prefixes = [f"vtn-{number}-1-" for number in (process.pid, *file.read().split())]
    return next((prefix for prefix in prefixes if len(namespaces(prefix)) == 2), None)


@pytest.mark.parametrize("options", ((), ("-n", "2", "--dist", "loadfile")), ids=("one-process", "several"))
@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), ids=lambda number: number.name)
def test_a_run_that_is_interrupted_leaves_nothing_and_a_killed_one_no_process(number, options):
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{HERE}/test_agent.py", "-k", "idle"]
    process = subprocess.Popen([*line, *options], cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    prefix = wait_until(lambda: first_lab(process), 30, "the run has built its lab")
    wait_until(lambda: subprocess.run(["ip", "-n", f"{prefix}h1", "link", "show", "vx42"],
                                      capture_output=True).returncode == 0, 30, "its agent has a TAP")
    process.send_signal(number)
    assert process.wait(timeout=30) not in (0, None)
    if number == signal.SIGKILL:
        # Nobody was left to clean up; but the agent went with its parent, and the next run does the rest.
        wait_until(lambda: not processes_in(f"{prefix}h1"), 30, "no process is left in the namespace")
        wait_until(lambda: not os.path.exists(f"/proc/{prefix.split('-')[1]}"), 30, "nor of the run")
        remove_leftovers()
    assert namespaces(prefix) == []


def refusal(prelude="", **environment):
    """Starts the suite in a process that is changed by `prelude` first. Returns its status and what it said."""
    code = f"import os, shutil, sys\n{prelude}\nimport pytest\nsys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout + done.stderr


def test_without_root_the_suite_fails_and_says_so():
    status, said = refusal("os.geteuid = lambda: 1000")
    assert status == 1 and "need root" in said


def test_without_a_tool_the_suite_fails_and_says_what_to_install():
    status, said = refusal("found = shutil.which; shutil.which = lambda name: name != 'tshark' and found(name) or None")
    assert status == 1 and "apt-get install tshark" in said


def test_without_a_binary_the_suite_fails_and_says_how_to_build_it():
    status, said = refusal(VTEP_BINARY="/nonexistent/vtep")
    assert status == 1 and "swift build" in said


@pytest.mark.parametrize("arrived", (b"other", b"on", b"once "), ids=("altered", "cut", "longer"))
def test_a_datagram_that_was_not_sent_so_does_not_pass(arrived):
    ledger = Ledger()
    ledger.send([b"once", b"twice", b"twice"])
    ledger.arrive(b"twice")
    with pytest.raises(AssertionError, match="altered, cut or twice"):
        ledger.arrive(arrived)


def test_a_datagram_that_comes_twice_does_not_pass_and_one_that_never_comes_is_missed():
    ledger = Ledger()
    ledger.send([b"once", b"never"])
    ledger.arrive(b"once")
    with pytest.raises(AssertionError, match="altered, cut or twice"):
        ledger.arrive(b"once")
    assert ledger.missing.total() == 1


def test_what_an_agent_or_a_device_drops_is_named(lab):
    agent = lab.agent()
    losses, before = Losses((lab.h1, lab.h2), [agent]), agent.counters()
    assert losses.by_name() == {}
    with RawPeer(lab.h2, agent) as peer:
        peer.send(b"short", times=5)
        agent.settled(before, underlay=5)
    assert losses.by_name() == {"h1 underlay short-header": 5}


def test_a_superframe_is_cut_as_the_flow_would_have_been_sent():
    for version, udp in ((4, False), (4, True), (6, False), (6, True)):
        flow, whole = InnerFlow(version, udp), InnerFlow(version, udp)
        data = [bytes([number]) * (100 if number < 9 else 60) for number in range(10)]
        start = 34 if version == 4 else 54
        kind = 5 if udp else 1 if version == 4 else 4
        header = struct.pack("BBHHHH", 1, kind, 0, 100, start, 6 if udp else 16)
        assert segments(header, whole.frame(b"".join(data))) == [flow.frame(each) for each in data]


def test_a_report_of_a_sanitizer_fails_the_test_that_ran_the_program(tmp_path, sanitizer_reports):
    program = compiled(tmp_path, "overflow", options=("-fsanitize=address",))
    assert subprocess.run([program], capture_output=True, timeout=60).returncode != 0
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        sanitizer_reports.judge()
    # And only that one.
    sanitizer_reports.judge()
