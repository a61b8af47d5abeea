"""Row 50: the control socket in the hands of those who mean ill, and what passes through the agent meanwhile."""

import contextlib
import os
import socket
import stat
import subprocess
import time

import pytest

from abuse import HALF_OPEN, Abuse
from agent import binary, vtep
from conftest import full
from frames import ethernet, mac
from host import wait_until
from packets import Packets
from sealed import overlay

pytestmark = pytest.mark.alone

NOBODY = 65534
ROUNDS, SECONDS, RATE = (10, 10, 50_000) if full() else (4, 2, 15_000)
ENTRIES = 20_000
GROWTH_KIB = 8 << 10


def as_nobody(*arguments):
    """Runs a command as a user that owns nothing."""
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_fault_row_50_another_user_is_refused_every_time_by_the_mode_and_by_the_agent(lab):
    agent = lab.agent()
    os.chmod(lab.directory, 0o711)
    assert stat.S_IMODE(os.stat(agent.socket_path).st_mode) == 0o660
    tries = 200
    refused = as_nobody(binary(), "status", "--socket", agent.socket_path)
    assert refused.returncode == 1 and "no permission to use" in refused.stderr and "sudo" in refused.stderr
    # Where somebody has widened the mode the agent refuses by SO_PEERCRED, whatever is asked.
    os.chmod(agent.socket_path, 0o666)
    targets = ("GET /v1/status", "GET /v1/fdb?after=", "DELETE /v1/fdb?vni=42&mac=02:00:00:00:00:01", "GET /",
               "POST /v1/x")
    script = f"""
import socket
for number in range({tries}):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(10)
        asking.connect({agent.socket_path!r})
        asking.sendall(f"{{{targets!r}[number % {len(targets)}]}} HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n".encode())
        print(asking.recv(65536).split(b" ")[1].decode())
"""
    answers = as_nobody("/usr/bin/python3", "-c", script)
    assert answers.stdout.split() == ["403"] * tries, answers
    told = as_nobody(binary(), "status", "--socket", agent.socket_path)
    assert told.returncode == 1 and told.stdout == "" and "only root and the agent's own user and group" in told.stderr
    assert agent.ask("status").returncode == 0


def two_agents(lab):
    """Plain agents on both hosts with one segment."""
    return [lab.agent(f"h{number}",
                      segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"], "storm-limit": 0}],
                      peers=[{"name": "other", "address": lab.address(3 - number)}]) for number in (1, 2)]


def fill(lab, sender, receiver):
    """Has the table of the receiver learn so many addresses that an answer does not fit into a socket's buffer."""
    with Packets(lab.h2, "vx42") as tap:
        for number in range(ENTRIES):
            tap.send(ethernet(mac(0x10000 + number), mac(1), length=60))
            if number % 200 == 0:
                time.sleep(0.005)
    wait_until(lambda: len(receiver.fdb()) > ENTRIES // 2 < len(sender.fdb()), 10, "most of them are learned")


def test_fault_row_50_a_thousand_bad_clients_cost_no_frame_and_little_memory(lab, numbered, figure):
    """Goodput with and without them, in pairs that alternate; memory from before the first of them."""
    agents = two_agents(lab)
    agent = agents[0]
    fill(lab, agents[1], agent)
    shares, sums = [], {True: [0, 0], False: [0, 0]}

    def goodput(abused):
        flow = numbered.flow(lab, 2, 1, int(RATE * SECONDS), RATE)
        sent, different, _, _ = flow.finish()
        sums[abused][0] += sent
        sums[abused][1] += different
        return different / sent
    goodput(False)
    sums[False] = [0, 0]
    # What the first clients cost once: threads and buffers of the event loop.
    for _ in range(20):
        assert agent.ask("fdb", "-j").returncode == 0
    before, most, opened, cut, endless = agent.memory(), 0, 0, 0, 0
    for number in range(ROUNDS):
        pair = {}
        for abused in ((True, False) if number % 2 else (False, True)):
            with Abuse(agent) if abused else contextlib.nullcontext() as abuse:
                pair[abused] = goodput(abused)
                most = max(most, agent.memory())
            if abused:
                opened, cut, endless = opened + abuse.opened, cut + abuse.line_bytes, endless + abuse.lines
                assert min(abuse.opened, abuse.lines, abuse.dribbled, abuse.unread) > 0, vars(abuse)
        shares.append(pair[True] / pair[False])
    kept = (sums[True][1] / sums[True][0]) / (sums[False][1] / sums[False][0])
    figure(f"{opened} half-open clients, {endless} lines of which {cut >> 10} KiB were taken: goodput {kept:.2%} "
           f"(pairs {min(shares):.2%} to {max(shares):.2%}), memory {most - before:+} KiB")
    assert opened >= HALF_OPEN
    assert cut < endless * (1 << 20), "a line without an end is cut, not read"
    assert kept >= 0.99 and most - before < GROWTH_KIB
    # Within the time that a request may take, places are free again.
    time.sleep(6)
    assert vtep("status", "--socket", agent.socket_path).returncode == 0
