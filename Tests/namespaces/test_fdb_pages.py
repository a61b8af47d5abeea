"""`vtep fdb` of large tables, and row 52: page by page, in little memory, and nobody is held up."""

import json
import random
import re
import socket
import subprocess
import time

import pytest

from agent import binary
from background import Background
from conftest import full
from frames import ethernet, mac, mac_text, vxlan
from host import wait_until
from memory_limit import MemoryLimit
from test_faults import blasted

COUNT = 1_000_000 if full() else 65_536
FLOOD_SECONDS = 600 if full() else 6
GROWTH = 20 << 10
"""What reading the table may cost the agent, in KiB."""


@pytest.fixture
def limit():
    """Goes after the lab, which ends what runs within."""
    with MemoryLimit(128 << 20) as made:
        yield made


def filled(lab, blaster, start=lambda agent: agent.start()):
    """An agent whose table is at its limit of COUNT entries, which do not age, and the addresses in it."""
    agent = lab.agent(start=False, segments=[{"vni": 42, "tap": "vx42", "fdb-limit": COUNT, "ageing": "0s"}])
    start(agent)
    macs = [mac(number + 1) for number in range(COUNT)]

    def is_full():
        blasted(agent, blaster, (vxlan(42, ethernet(each, length=60)) for each in macs))
        return agent.json("segments")[0]["fdb-entries"] == COUNT
    wait_until(is_full, 120, f"{COUNT} addresses are learned")
    return agent, {mac_text(each) for each in macs}


def fdb(agent, *options):
    """What `vtep fdb` prints of a table at its limit, and how long it takes."""
    began = time.monotonic()
    line = [binary(), "fdb", "--socket", agent.socket_path, *options]
    done = subprocess.run(line, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done.stdout, time.monotonic() - began


def peak_since(agent):
    """A function that answers the most resident memory of the agent since now, in KiB."""
    with open(f"/proc/{agent.process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")

    def peak():
        with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])
    return peak


class Questions(Background):
    """Asks for the status again and again, and keeps how long each answer took."""

    def __init__(self, agent):
        super().__init__()
        self.agent, self.seconds = agent, []

    def work(self):
        while not self.ended.is_set():
            began = time.monotonic()
            done = self.agent.ask("status", "-j")
            self.seconds.append(time.monotonic() - began if done.returncode == 0 else 1000)


def flood(agent, blaster, seconds):
    """New addresses into a table that is full. Answers what was counted."""
    chance = random.Random(52)
    frames = (vxlan(42, ethernet(mac(0x1000_0000 | chance.getrandbits(28)), length=60))
              for _ in range(seconds * 20_000))
    return blasted(agent, blaster, frames, rate=20_000)


def test_fault_row_52_a_full_table_under_a_flood_is_read_within_128_mib(limit, lab, blaster, figure):
    """Full: 10^6 addresses and ten minutes; short: 65,536 and 6 s."""
    def start(agent):
        with limit.within():
            agent.start()
    agent, macs = filled(lab, blaster, start)
    before, peak = agent.memory(), peak_since(agent)
    with Questions(agent) as questions:
        printed, seconds = fdb(agent, "-j")
    growth = peak() - before
    found = re.findall(rb'"mac":"([0-9a-f:]+)"', printed)
    assert len(found) == COUNT and {each.decode() for each in found} == macs, "every address once"
    assert growth < GROWTH, f"{growth} KiB for reading {COUNT} entries"
    end = time.monotonic() + FLOOD_SECONDS
    while time.monotonic() < end:
        counted = flood(agent, blaster, min(60, FLOOD_SECONDS))
        assert counted.dropped("underlay") == {}, "a full table delivers and does not learn"
        assert len(re.findall(rb'"mac":', fdb(agent, "-j")[0])) == COUNT
    assert limit.kills() == 0 and agent.process.poll() is None
    figure(f"{COUNT} entries in {seconds:.1f} s, the agent {growth} KiB larger meanwhile, other answers within "
           f"{1000 * max(questions.seconds):.0f} ms; at most {limit.peak() >> 20} MiB")


def test_both_forms_have_every_entry_and_a_reader_that_stops_holds_nobody_up(lab, blaster):
    agent, macs = filled(lab, blaster)
    entries = json.loads(fdb(agent, "-j")[0])
    assert isinstance(entries, list) and {entry["mac"] for entry in entries} == macs
    assert all(set(each) == {"mac", "vni", "peer", "address", "state", "age-seconds"} for each in entries[:100])
    lines = fdb(agent)[0].decode().splitlines()
    assert lines[0].split() == ["VNI", "MAC", "PEER", "ADDRESS", "STATE", "AGE"]
    assert len(lines) == COUNT + 1 and {line.split()[1] for line in lines[1:]} == macs
    before, peak = agent.memory(), peak_since(agent)
    line = [binary(), "fdb", "-j", "--socket", agent.socket_path]
    stopped = [subprocess.Popen(line, stdout=subprocess.PIPE) for _ in range(4)]
    silent = [asked(agent, "/v1/fdb?after=") for _ in range(8)]
    try:
        assert [each.stdout.read(1) for each in stopped] == [b"["] * 4
        with Questions(agent) as questions:
            assert fdb(agent, "-j")[0].endswith(b"}]\n")
        assert max(questions.seconds) < 3, questions.seconds
        assert peak() - before < GROWTH
    finally:
        for each in silent:
            each.close()
        for each in stopped:
            each.kill()
            each.communicate()


def asked(agent, target):
    """A connection to the control socket with a request on it whose answer nobody reads."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(agent.socket_path)
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


@pytest.mark.parametrize("target, status", (("/v1/fdb", b"409"), ("/v1/fdb?after=", b"200")))
def test_a_program_that_asks_for_all_at_once_is_told_how_to_ask(lab, blaster, target, status):
    agent = lab.agent()
    blasted(agent, blaster, (vxlan(42, ethernet(mac(number + 1), length=60)) for number in range(6000)), rate=20_000)
    connection = asked(agent, target)
    with connection, connection.makefile("rb") as answer:
        assert answer.readline().split()[1] == status
        fields = dict(line.rstrip().split(b": ", 1) for line in iter(answer.readline, b"\r\n"))
        body = json.loads(answer.read(int(fields[b"content-length"])))
    if status == b"409":
        assert body["error"]["code"] == "too-many-entries" and "/v1/fdb?after= on" in body["error"]["message"]
    else:
        assert len(body) == 4096
        assert re.fullmatch(rb'</v1/fdb\?after=42%2C[0-9A-Fa-f%]+>; rel="next"', fields[b"link"]), fields
