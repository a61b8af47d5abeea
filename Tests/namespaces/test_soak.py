"""Row 59 of the fault table: the soak, at the short scale three minutes of it and an hour at the full one, and whether
what it judges by finds what is wrong.
"""

import contextlib
import json
import os
import subprocess
import sys

import pytest

import faults
import soak
from agent import binary
from conftest import full
from frames import mac_text
from host import wait_until
from sealed import overlay, station
from soak_traffic import MARKER
from soak_watch import Sample, Samples, Underlay, counts_of, growth, slope

MINUTES = 60 if full() else 3


@pytest.mark.long
def test_fault_row_59_a_soak_leaks_nothing_loses_nothing_and_shows_nothing(tmp_path, figure):
    path = f"{os.environ.get('VTEP_RESULTS', tmp_path)}/soak.json"
    line = [f"{faults.ROOT}/scripts/soak", "--minutes", str(MINUTES), "--json", path]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120 * MINUTES + 600,
                          env={**os.environ, "VTEP_BINARY": binary()})
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    spared = report["agents"]["h1"]
    figure(f"{report['minutes']} minutes, {sum(report['faults'].values())} faults, {report['datagrams']['sent']} "
           f"datagrams: RSS {spared['growth-mib']:+} MiB after warming up ({report['growth-limit-mib']} allowed), "
           f"descriptors {spared['descriptors']}, threads {spared['threads']}, 0 unexpected drops")
    assert sum(report["faults"].values()) >= 6 and spared["samples"] > 0 and report["underlay"]["datagrams"] > 10_000


def test_the_judges_of_row_59_find_memory_that_grows():
    kib_each_sample = 20
    samples = [Sample(5.0 * number, "h1", 1, 20_000 + number * kib_each_sample, 9, 9, True) for number in range(100)]
    assert slope([(each.seconds, each.rss) for each in samples]) == pytest.approx(kib_each_sample * 720 / 1024)
    assert growth(samples) == pytest.approx(80 * kib_each_sample / 1024)
    level = [each._replace(rss=20_000) for each in samples]
    assert growth(level) == slope([(each.seconds, each.rss) for each in level]) == 0


class Pretended:
    """What `Samples` asks of an agent: a process of its own, and a host's name."""

    def __init__(self, process):
        self.process, self.host = process, self
        self.name = "h1"


LEAKING = """
import threading, time
held = []
print(flush=True)
for _ in range(4):
    input()
    held.append(open("/dev/null"))
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    print(flush=True)
input()
"""


def test_the_judges_of_row_59_find_descriptors_and_threads_that_come():
    with subprocess.Popen([sys.executable, "-c", LEAKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process, \
            contextlib.closing(process.stdin):
        process.stdout.readline()
        samples = Samples([Pretended(process)], period=0.1)
        samples.is_quiet = True
        with samples:
            for _ in range(4):
                wait_until(lambda: len(samples.taken) % 2, 10, "a sample is taken")
                process.stdin.write(b"\n")
                process.stdin.flush()
                process.stdout.readline()
                count = len(samples.taken)
                wait_until(lambda: len(samples.taken) > count + 1, 10, "two more samples are taken")
        assert all(len(counts) > 1 for kind in ("descriptors", "threads")
                   for counts in counts_of(samples.of("h1"), kind))
        process.kill()


def test_the_judges_of_row_59_find_frames_in_clear_and_name_drops_that_nothing_explains(lab):
    for number in (1, 2):
        lab.agent(f"h{number}", segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"],
                                           "mac": mac_text(station(number))}])
    with Underlay(lab, ["h1", "h2"], (MARKER, station(1))) as underlay:
        lab.h1.ping(overlay(2), "-c", "3", "-i", "0.01", "-p", MARKER.hex())
        found = underlay.look()
    assert underlay.in_clear == 4 and len([each for each in found if "in clear" in each]) == 2, found
    assert soak.unexpected({"handshake": 2, "too-big": 1}, {"handshake"}) == {"too-big": 1}
