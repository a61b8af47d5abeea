"""Takeovers that fail: whatever becomes of the one, the other carries on, and nobody else may ask."""

import array
import os
import random
import socket
import struct
import subprocess
import sys
import time

import pytest

from agent import binary
from host import wait_until
from sealed import overlay
from stopwatch import Stopwatch
from succession import Succession, leftovers
from test_workers import pair

HELLO, DESCRIPTORS, OFFERED, FREEZE, STATE, ENTRIES, COMPLETE, TAKEN, ENDED, REFUSED = range(1, 11)
GREETING = bytes([HELLO]) + b"vtep" + struct.pack(">H", 1)


class Successor:
    """Speaks as an agent that wants to take over, as far as a test lets it. Use it in a `with`."""

    def __init__(self, agent):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(20)
        self._socket.connect(agent.socket_path + ".takeover")
        self.descriptors = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def say(self, message):
        """Sends one message."""
        self._socket.send(message)

    def hear(self):
        """The next message, b"" at the end; its descriptors are counted and closed."""
        data, control, _, _ = self._socket.recvmsg(1 << 17, socket.CMSG_SPACE(4 * 253))
        for _, _, content in control:
            numbers = array.array("i", content[:len(content) // 4 * 4])
            self.descriptors += len(numbers)
            for number in numbers:
                os.close(number)
        return data

    def hear_until(self, kind):
        """Takes messages until one of this kind."""
        while (message := self.hear()) and message[0] != kind:
            assert message[0] != REFUSED, message
        assert message, "the agent has hung up"
        return message


def carries(lab, seconds=5):
    """Waits until a ping is answered."""
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), seconds, "a ping is answered")


def untouched(lab, agent, before):
    """The agent goes on as if nothing had happened."""
    carries(lab)
    assert agent.process.poll() is None
    assert agent.json("status")["pid"] == agent.process.pid
    assert set(agent.fdb()) >= set(before), (agent.fdb(), before)
    agent.check_identity()
    assert leftovers(agent) == []


@pytest.mark.parametrize("stage", ["greeted", "offered", "frozen", "in the middle of the state", "complete"])
def test_one_that_goes_before_it_says_taken_leaves_the_other_as_it_was(lab, stage):
    agent, _ = pair(lab, 1)
    before = agent.fdb()
    with Successor(agent) as successor:
        successor.say(GREETING)
        if stage != "greeted":
            successor.hear_until(OFFERED)
            assert successor.descriptors == 1 + 64 + 1
        if stage not in ("greeted", "offered"):
            successor.say(bytes([FREEZE]))
        if stage in ("in the middle of the state", "complete"):
            successor.hear_until(STATE)
        if stage == "complete":
            successor.hear_until(COMPLETE)
    untouched(lab, agent, before)
    Succession(agent).follow()
    carries(lab)


def test_one_that_falls_silent_holds_the_other_up_for_five_seconds_and_no_longer(lab):
    agent, _ = pair(lab, 1)
    before = agent.fdb()
    with Successor(agent) as successor:
        successor.say(GREETING)
        successor.hear_until(OFFERED)
        carries(lab)
        successor.say(bytes([FREEZE]))
        successor.hear_until(COMPLETE)
        began, watch = time.monotonic(), Stopwatch()
        assert not lab.h1.ping(overlay(2), check=False, seconds=0.5), "it is not frozen"
        last = successor.hear()
        assert last[0] == REFUSED and time.monotonic() - began > 3 and watch.seconds() < 6, (last, watch.seconds())
        # What it says now is too late.
        try:
            successor.say(bytes([TAKEN]))
        except BrokenPipeError:
            pass
        untouched(lab, agent, before)


def test_what_waited_while_nobody_read_is_carried_afterwards(lab, numbered):
    agent, _ = pair(lab, 1)
    flow = numbered.flow(lab, 1, 2, 4_000, 1_000)
    for _ in range(3):
        with Successor(agent) as successor:
            successor.say(GREETING)
            successor.hear_until(OFFERED)
            successor.say(bytes([FREEZE]))
            successor.hear_until(COMPLETE)
            time.sleep(0.5)
    sent, different, repeated, _ = flow.finish()
    assert (different, repeated) == (sent, 0)


def test_one_that_was_offered_what_has_changed_since_is_refused(lab):
    agent, _ = pair(lab, 1)
    before = agent.fdb()
    peer = agent.config["peers"][0]["name"]
    for change in (("segment", "add", "--vni", 43, "--tap", "vx43"), ("segment", "del", "--vni", 43),
                   ("peer", "add", "new", "--address", "192.0.2.77"), ("peer", "del", "new"), ("reload",),
                   ("fdb", "add", "02:00:00:00:0f:00", "--vni", 42, "--peer", peer)):
        with Successor(agent) as successor:
            successor.say(GREETING)
            successor.hear_until(OFFERED)
            done = agent.ask(*change)
            assert done.returncode == 0, done.stderr
            successor.say(bytes([FREEZE]))
            if change[0] == "fdb":
                # An entry is told after the freeze, so it is no change of what was offered.
                successor.hear_until(COMPLETE)
                continue
            last = successor.hear()
            assert last[0] == REFUSED and b"other segments or peers than a moment ago" in last, (change, last)
        untouched(lab, agent, before)
    Succession(agent).follow()
    carries(lab)


def test_one_that_is_followed_changes_nothing_any_more(lab):
    agent, _ = pair(lab, 1)
    peer, station = agent.config["peers"][0]["name"], "02:00:00:00:0f:00"
    with Successor(agent) as successor:
        successor.say(GREETING)
        successor.hear_until(OFFERED)
        successor.say(bytes([FREEZE]))
        successor.hear_until(COMPLETE)
        successor.say(bytes([TAKEN]))
        successor.hear_until(ENDED)
        agent.forget()
        # It ends when the other has the control socket, or after two seconds.
        for change in (("fdb", "add", station, "--vni", 42, "--peer", peer), ("fdb", "flush", "--vni", 42)):
            done = agent.ask(*change)
            assert done.returncode == 1 and "another agent has taken over" in done.stderr, (change, done)
    assert agent.process.wait(timeout=20) == 0


@pytest.mark.parametrize("noise", [b"\x00", b"\xff" * 1000, bytes([HELLO]), bytes([HELLO]) + b"vtep\x00\x02",
                                   bytes([TAKEN]), GREETING + b"\x00", b"x" * (1 << 16)],
                         ids=lambda each: each[:8].hex())
def test_whatever_comes_ends_the_talk_and_no_more(lab, noise):
    agent, _ = pair(lab, 1)
    for after_greeting in (False, True):
        with Successor(agent) as successor:
            if after_greeting:
                successor.say(GREETING)
                successor.hear_until(OFFERED)
            successor.say(noise)
            while (message := successor.hear()) and message[0] != REFUSED:
                pass
    chance = random.Random(len(noise))
    for _ in range(50):
        with Successor(agent) as successor:
            successor.say(GREETING)
            successor.hear_until(OFFERED)
            successor.say(chance.randbytes(chance.randrange(1, 300)))
    untouched(lab, agent, {})


def test_one_of_another_user_is_refused_whatever_the_mode_of_the_socket(lab):
    agent, _ = pair(lab, 1)
    path = agent.socket_path + ".takeover"
    assert os.stat(path).st_mode & 0o777 == 0o600
    ask = ("import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\ns.connect(sys.argv[1])\n"
           "print(s.recv(1000))")
    strange = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", ask, path]
    done = subprocess.run(strange, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "PermissionError" in done.stderr
    os.chmod(path, 0o666)
    done = subprocess.run(strange, capture_output=True, text=True, timeout=60)
    assert "\\nprocess" in done.stdout and "65534" in done.stdout, done
    untouched(lab, agent, {})


def test_a_new_one_that_cannot_start_says_why_and_the_other_goes_on(lab):
    agent, _ = pair(lab, 1)
    before, succession = agent.fdb(), Succession(agent)
    other = lab.agent(local={"port": 4799}, segments=[{"vni": 9, "tap": "vx9"}])
    taken = lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, 4800)
    with taken:
        for sections, word in (({"segments": [{"vni": 9, "tap": "vx9"}]}, "in use"),
                               ({"local": {**agent.config["local"], "port": 4800}}, "in use"),
                               ({"segments": [{**agent.config["segments"][0], "mtu": 9000}]}, "does not fit")):
            with succession.unfollowed():
                succession.launch(**sections)
                assert agent.process.wait(timeout=30) in (1, 78) and word in agent.stderr(), agent.stderr()
            untouched(lab, agent, before)
    other.stop()


def test_a_new_one_that_is_killed_at_any_moment_either_has_taken_over_or_has_not(lab):
    agent, _ = pair(lab, 1)
    succession, chance = Succession(agent), random.Random(47)
    goes_on = ends = 0
    for number in range(12):
        before = agent.process
        with_delay = number * 0.006 + chance.random() * 0.006
        process, stderr = agent.process, agent.stderr_path
        succession.launch()
        new = agent.process
        time.sleep(with_delay)
        new.kill()
        new.wait()
        time.sleep(0.1)
        if before.poll() is None:
            agent.process, agent.stderr_path = process, stderr
            goes_on += 1
        else:
            # It had taken over, so this is the death of an agent, and the next one starts as after any.
            assert before.returncode == 0
            agent.forget()
            agent.start()
            ends += 1
        carries(lab)
        assert agent.json("status")["pid"] == agent.process.pid
    assert goes_on > 0, (goes_on, ends)
    wait_until(lambda: leftovers(agent) == [], 2, "nothing is left of those that were killed")


def test_an_old_one_that_is_killed_at_any_moment_leaves_all_to_the_new_one(lab):
    agent, _ = pair(lab, 1)
    succession, chance = Succession(agent), random.Random(48)
    for number in range(12):
        before = succession.launch()
        time.sleep(number * 0.006 + chance.random() * 0.006)
        before.kill()
        before.wait()
        wait_until(lambda: agent.process.poll() is not None or agent.ready(), 30, "the next agent is ready",
                   every=0.002)
        assert agent.process.poll() is None, agent.stderr()
        carries(lab, seconds=2)
        assert agent.json("status")["pid"] == agent.process.pid
        agent.check_identity()


def test_an_old_one_that_hangs_is_not_taken_over_from(lab):
    agent, _ = pair(lab, 1)
    succession, running = Succession(agent), agent.process
    running.send_signal(19)
    try:
        with succession.unfollowed():
            succession.launch()
            assert agent.process.wait(timeout=30) == 1 and "cannot take over" in agent.stderr(), agent.stderr()
    finally:
        running.send_signal(18)
    untouched(lab, agent, {})


def test_a_second_takeover_waits_for_the_first_and_then_takes_over_from_it(lab):
    agent, _ = pair(lab, 1)
    succession = Succession(agent)
    before = succession.launch()
    first = agent.process
    second = lab.h1.popen(binary(), "run", "--config", agent.config_path, "--takeover", stderr=subprocess.PIPE)
    assert before.wait(timeout=30) == 0
    wait_until(lambda: first.poll() is not None or second.poll() is not None, 30, "one of them gives way")
    # Whichever was served last runs, or has come too late and says so.
    if first.poll() is not None:
        ended, agent.process = first, second
        said = agent.stderr()
    else:
        ended, said = second, second.stderr.read().decode()
    assert ended.returncode == 0 and "handed over" in said or ended.returncode == 1 and "take over" in said, said
    carries(lab)
    assert agent.json("status")["pid"] == agent.process.pid
