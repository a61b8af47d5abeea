"""Rows 23, 27 and 28 of the fault table: handshakes of those who lack a key, of many at once, and of the past; and
frames that come from an address that is nobody's.
"""

import glob
import itertools
import os
import struct
import time

import pytest
from cryptography.exceptions import InvalidTag

import sealing
from conftest import full
from frames import ethernet
from host import wait_until
from keys import Identity, preshared_key, preshared_key_file
from packets import Packets
from sealed import ROOMY, identities, overlay, sealed_agent, session_up, sessions
from sealed_end import ALICE, GUEST, MARKED, End, number_of, numbered
from sealed_peer import COOKIE_SIZE, SealedPeer, is_kind
from usage import processor_seconds


# Row 23.

def responses(datagrams):
    """Those that are responses to an initiation."""
    return [each for each in datagrams if is_kind(each, "handshake", sealing.RESPONSE)]


def test_fault_row_23_an_unknown_key_gets_no_answer_and_few_words(lab, figure):
    end = End(lab)
    try:
        stranger, count = Identity(lab, "stranger"), 2000 if full() else 200
        end.peer.rest()
        before, began = end.agent.counters(), time.monotonic()
        lines = len(end.agent.stderr().splitlines())
        for _ in range(count):
            end.peer.send(end.peer.initiation(key=stranger.private).initiation)
            time.sleep(0.01)
        assert end.counted(before, count).dropped("underlay") == {"handshake": count}
        assert end.peer.rest() == [], "no reply on the wire"
        said = len(end.agent.stderr().splitlines()) - lines
        assert said <= 2 + (time.monotonic() - began) / 10, end.agent.stderr()[-2000:]
        end.works()
    finally:
        end.close()
    figure(f"{count} initiations: 0 replies, {said} lines in {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("kind", ("other-key-of-the-network", "same-name-other-key", "none"))
def test_fault_row_23_a_wrong_pre_shared_key_makes_no_session(lab, kind):
    known, shared = identities(lab), preshared_key()
    agent = sealed_agent(lab, "h1", known, local={"psk-file": preshared_key_file(lab, "psk", shared)})
    wrong = None if kind == "none" else preshared_key()
    with SealedPeer(lab.h2, agent, known["h2"], known["h1"].public, wrong) as peer:
        agent.start()
        responder = peer.initiation_of_the_agent()
        response, session = peer.response_to(responder, index=7)
        before = agent.counters()
        peer.send(response)
        assert agent.settled(before, underlay=1).dropped("underlay") == {"handshake": 1}
        with Packets(lab.h1, "vx42", MARKED) as tap:
            peer.send(session.seal(numbered(1)))
            # In the other role. Where the name is right the agent answers, and what it says cannot be opened.
            answered, is_answered = [], kind == "same-name-other-key"
            if is_answered:
                peer.psk = shared
            # At first the lower key insists on its own initiation.
            until = time.monotonic() + (20 if is_answered else 4)
            while time.monotonic() < until and not answered:
                made = peer.initiation()
                peer.send(made.initiation)
                answered += [(made, each) for each in responses(peer.rest(0.3))]
            assert bool(answered) == is_answered
            for made, response in answered:
                with pytest.raises(InvalidTag):
                    made.open(response, wrong)
            assert tap.rest() == []
        assert sessions(agent) == {"h2": "handshake"}
        assert agent.counters().underlay["frames-out"] == 0


def pour(host, frame, rate, seconds):
    """Puts a frame into the TAP of a host again and again. Returns how often."""
    count, began = 0, time.monotonic()
    with Packets(host, "vx42", "less 1") as tap:
        while (passed := time.monotonic() - began) < seconds:
            while count < passed * rate:
                tap.send(frame)
                count += 1
            time.sleep(0.002)
    return count


def test_fault_row_23_two_agents_with_different_keys_say_little_and_carry_nothing(lab, figure):
    """Full: 600 s at 50,000 frames a second; short: 8 s at 1,000."""
    known, (seconds, rate) = identities(lab), (600, 50_000) if full() else (8, 1_000)
    capture = lab.capture(expression="udp port 4790", **ROOMY)
    for name in known:
        psk = preshared_key_file(lab, f"psk-{name}", preshared_key())
        sealed_agent(lab, name, known, local={"psk-file": psk}).start()
    delivered = lab.h2.received("vx42")
    poured = pour(lab.h1, ethernet(ALICE, GUEST, length=512), rate, seconds)
    counted = wait_until(lambda: lab.agents[0].counters().dropped("overlay").get("no-session", 0) > 0.5 * poured and
                         lab.agents[0].counters(), 20, "what waited in vain is dropped")
    assert set(counted.dropped("overlay")) == {"no-session"}, counted
    assert lab.h2.received("vx42") == delivered
    for agent in lab.agents:
        assert set(sessions(agent).values()) == {"handshake"}
        lines = [line for line in agent.stderr().splitlines() if "session" in line or "handshake" in line]
        assert len(lines) <= max(4, seconds / 10), lines
    capture.close()
    payloads = [frame[42:] for frame in capture.frames()]
    assert all(is_kind(payload[:176], "handshake", sealing.INITIATION) for payload in payloads), "initiations alone"
    assert len(payloads) <= 2 * (4 + seconds / 2)
    figure(f"{poured} frames in {seconds} s: 0 delivered, {len(lines)} lines, {len(payloads)} initiations and nothing "
           "else on the wire")


# Rows 27 and 28.

RATE = 50_000


def flooded(lab3, numbered, blaster, datagrams, count):
    """Floods h1 from h3 while frames flow from h2 to h1: a `Flood`."""
    return Flood(lab3, numbered, lambda: blaster.send(lab3.h3, lab3.h1.address, datagrams(count), rate=RATE, port=4790),
                 count / RATE)


class Flood:
    """What a flood of h1 did: `share` of the frames that arrive without it, what h1 `told` h3, how many KiB it `grew`,
    what it `counted`, how many were `sent` and at what `rate` a second, and what the thread of the sessions took of a
    processor.
    """

    def __init__(self, lab3, numbered, send, seconds):
        self.agent = first = lab3.agents[0]
        lab3.h2.ping(overlay(1))
        alone = self._arrived(numbered, lab3, seconds, lambda: time.sleep(seconds))
        before, memory = first.counters(), first.memory()
        only = f"udp and src host {lab3.h1.address} and dst host {lab3.h3.address}"
        with Packets(lab3.h3, "u0", only) as replies:
            arrived = self._arrived(numbered, lab3, seconds, lambda: self._measure(send))
            self.told = [frame[42:] for frame in replies.rest()]
        self.counted = wait_until(lambda: self._all(before), 20, "the flood is counted")
        self.share, self.grew = arrived / alone, first.memory() - memory

    def _measure(self, send):
        busy, began = thread_seconds(self.agent, "vtep-sessions"), time.monotonic()
        self.sent = send()
        seconds = time.monotonic() - began
        self.rate = self.sent / seconds
        self.processor = (thread_seconds(self.agent, "vtep-sessions") - busy) / seconds

    def _all(self, before):
        counted = self.agent.counters().since(before)
        ended = counted.underlay["drops"] + counted.underlay["consumed"] + counted.all["kernel-drops"]
        return ended >= self.sent and counted

    def _arrived(self, numbered, lab3, seconds, meanwhile):
        flow = numbered.flow(lab3, 2, 1, max(1, int(FLOW * seconds)), FLOW)
        meanwhile()
        return flow.finish()[1]

    def __str__(self):
        return (f"{100 * self.share:.1f} % of the frames arrived, {self.grew} KiB more, the thread of the sessions "
                f"took {100 * self.processor:.1f} % of a processor, {len(self.told)} answers to {self.sent} at "
                f"{self.rate:.0f} a second")


def thread_seconds(agent, name):
    """The processor time that a thread of the agent has taken, in seconds."""
    for path in glob.glob(f"/proc/{agent.process.pid}/task/*"):
        with open(f"{path}/comm", encoding="ascii") as file:
            if file.read().strip() != name:
                continue
        return processor_seconds(agent.process, os.path.basename(path))
    raise AssertionError(f"no thread {name}")


def pair_of_three(lab3):
    """Agents on h1 and h2 that know each other alone; h3 belongs to an attacker."""
    known = {name: Identity(lab3, name) for name in ("h1", "h2")}
    for name in known:
        sealed_agent(lab3, name, known).start()
    for agent in lab3.agents:
        session_up(agent)
    return known


FLOOD, FLOW = 3_000_000 if full() else 100_000, 5000
CORE_SHARE = 0.1


@pytest.mark.alone
def test_fault_row_27_initiations_without_the_first_mac_are_not_answered_and_disturb_nobody(
        lab3, numbered, blaster, figure):
    pair_of_three(lab3)
    junk = sealing.handshake_header(sealing.INITIATION, 5) + os.urandom(160)
    # What is reserved once is reserved before it counts.
    flooded(lab3, numbered, blaster, lambda count: [junk] * count, FLOOD // 10)
    flood = flooded(lab3, numbered, blaster, lambda count: itertools.repeat(junk, count), FLOOD)
    figure(flood)
    assert flood.told == [] and set(flood.counted.dropped("underlay")) == {"handshake"}, flood.counted
    assert flood.share >= 0.9 and flood.grew < 1024 and flood.processor <= CORE_SHARE and flood.rate >= RATE / 2
    assert set(sessions(lab3.agents[0]).values()) == {"up"}


@pytest.mark.alone
def test_fault_row_27_initiations_of_one_who_knows_the_public_key_get_cookies_at_most(lab3, numbered, blaster, figure):
    known = pair_of_three(lab3)
    body = sealing.handshake_header(sealing.INITIATION, 5) + os.urandom(128)
    bodies = [sealing.macs(known["h1"].public, body[:-4] + struct.pack(">I", number)) for number in range(256)]

    def datagrams(count):
        return (bodies[number % 256] for number in range(count))

    flooded(lab3, numbered, blaster, datagrams, FLOOD // 10)
    flood = flooded(lab3, numbered, blaster, datagrams, FLOOD)
    figure(flood)
    assert all(len(each) == COOKIE_SIZE and is_kind(each, "handshake", sealing.COOKIE) for each in flood.told)
    assert 0 < len(flood.told) < flood.sent, "under load it asks for proof of the address, and not every time"
    assert set(flood.counted.dropped("underlay")) == {"handshake"}, flood.counted
    assert flood.share >= 0.9 and flood.grew < 2048 and flood.processor <= CORE_SHARE and flood.rate >= RATE / 2
    assert set(sessions(lab3.agents[0]).values()) == {"up"}


def test_fault_row_28_old_initiations_change_nothing(end, figure):
    old = [end.peer.initiation() for _ in range(1000 if full() else 200)]
    end.peer.connect()  # later than all of them
    end.peer.rest()
    before = end.agent.counters()
    for number, each in enumerate(old):
        end.peer.send(each.initiation)
        end.peer.send_frame(numbered(number))
        end.tap.send(ethernet(ALICE, GUEST, struct.pack(">Q", number)))
        time.sleep(0.01)  # more than 150 in a second are asked for a cookie, and not opened
    assert [number_of(frame) for frame in end.tap.take(len(old))] == list(range(len(old)))
    counted = end.counted(before, 2 * len(old))
    assert counted.dropped("underlay") == {"handshake": len(old)}, counted
    told = end.peer.rest()
    frames = [number_of(end.peer.session.open(each)) for each in told if is_kind(each, "frame")]
    assert frames == list(range(len(old))), "every frame left with the session that there was"
    assert responses(told) == []
    figure(f"{len(old)} old initiations: all dropped, none answered, every frame of both ways delivered meanwhile")
