"""Row 49 of the fault table: `vtep capture` of an agent on a disk that is full, or that is stopped while it reads. What
is captured may be lost; frames are not.
"""

import contextlib
import os
import re
import signal
import statistics
import time

import pytest

from agent import binary
from conftest import full
from host import wait_until
from numbered import nothing_lost
from sealed import overlay
from soak_faults import filesystem

pytestmark = pytest.mark.alone

RATE, SECONDS, ROUNDS = (50_000, 10, 5) if full() else (15_000, 2, 3)


@pytest.fixture(name="agents")
def _agents(lab):
    made = [lab.agent(f"h{number}", segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"]}])
            for number in (1, 2)]
    lab.h1.ping(overlay(2))
    return made


@contextlib.contextmanager
def capturing(agent, path):
    """`vtep capture` of the agent into a file, from when it listens on: the process and the path of what it says."""
    said = f"{agent.lab.directory}/capture.err"
    with open(said, "wb") as file:
        process = agent.host.popen(binary(), "capture", "--socket", agent.socket_path, "-w", path, stderr=file)
    wait_until(lambda: "listening" in text_of(said), 10, f"vtep capture listens: {text_of(said)}")
    try:
        yield process, said
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def carried(lab, agents, numbered):
    """Frames of one flow to the agent that is captured: none is lost by an agent. Returns how many arrived."""
    flow = numbered.flow(lab, 1, 2, RATE * SECONDS, RATE)
    return nothing_lost([flow], agents)[0]


def test_fault_row_49_a_full_disk_ends_the_capture_and_costs_no_frame(lab, agents, numbered, figure):
    with filesystem(f"{lab.directory}/full") as place, capturing(agents[1], f"{place}/f") as (process, said):
        arrived = carried(lab, agents, numbered)
        assert process.wait(timeout=20) == 1
        assert "No space left on device" in text_of(said), text_of(said)
        size = os.path.getsize(f"{place}/f")
    figure(f"{arrived} frames arrived, 0 lost by agents; the capture ended with {size} bytes on a disk of 1 MiB")


def test_fault_row_49_a_capture_that_is_stopped_costs_no_goodput(lab, agents, numbered, figure):
    """With and without it in turns."""
    plain, stopped, missed = [], [], 0
    for _ in range(ROUNDS):
        plain.append(carried(lab, agents, numbered))
        with capturing(agents[1], "/dev/null") as (process, said):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)
            stopped.append(carried(lab, agents, numbered))
        missed += int(re.search(r"(\d+) packets? missed", text_of(said))[1])
    share = statistics.median(stopped) / statistics.median(plain)
    figure(f"a capture stopped by SIGSTOP: {share:.2%} of the goodput without; {missed} frames are missing from it")
    assert missed > 0, "its ring was full"
    assert share >= 0.99
