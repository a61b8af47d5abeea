"""Rows 23, 27 and 28 of the fault table: handshakes of those who lack a key, of many at once, and of the past; and
frames that come from an address that is nobody's.
"""

import os
import socket
import struct
import subprocess
import time

import pytest
from cryptography.exceptions import InvalidTag

import sealing
from conftest import full
from frames import ethernet, mac_text
from keys import Identity, preshared_key, preshared_key_file
from packets import Packets
from sealed import ROOMY, identities, overlay, sealed_agent, session_up, sessions
from sealed_end import ALICE, GUEST, MARKED, End, number_of, numbered
from sealed_peer import COOKIE_SIZE, SealedPeer, is_kind


@pytest.fixture
def end(lab):
    made = End(lab)
    yield made
    made.close()


# Row 23.

def responses(datagrams):
    """Those that are responses to an initiation."""
    return [each for each in datagrams if is_kind(each, "handshake", sealing.RESPONSE)]


def test_fault_row_23_an_unknown_key_gets_no_answer_and_few_words(lab):
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
            if kind == "same-name-other-key":
                peer.psk = shared
            answered, until = [], time.monotonic() + 4  # at first the lower key insists on its own initiation
            while time.monotonic() < until:
                made = peer.initiation()
                peer.send(made.initiation)
                answered += [(made, each) for each in responses(peer.rest(0.3))]
            assert bool(answered) == (kind == "same-name-other-key")
            for made, response in answered:
                with pytest.raises(InvalidTag):
                    made.open(response, wrong)
            assert tap.rest() == []
        assert sessions(agent) == {"h2": "handshake"}
        assert agent.counters().underlay["frames-out"] == 0


def test_fault_row_23_two_agents_with_different_keys_say_little_and_carry_nothing(lab):
    known, seconds = identities(lab), 60 if full() else 8
    capture = lab.capture(expression="udp port 4790", **ROOMY)
    for name in known:
        psk = preshared_key_file(lab, f"psk-{name}", preshared_key())
        sealed_agent(lab, name, known, local={"psk-file": psk}).start()
    delivered = lab.h2.received("vx42")
    lab.h1.ping(overlay(2), "-c", seconds * 5, "-i", "0.2", "-w", seconds, check=False)
    assert lab.h2.received("vx42") == delivered
    for agent in lab.agents:
        assert set(sessions(agent).values()) == {"handshake"}
        lines = [line for line in agent.stderr().splitlines() if "session" in line or "handshake" in line]
        assert len(lines) <= 3 + seconds / 5, lines
    capture.close()
    payloads = [frame[42:] for frame in capture.frames()]
    assert all(is_kind(payload[:176], "handshake", sealing.INITIATION) for payload in payloads), "initiations alone"
    assert len(payloads) <= 2 * (4 + seconds / 2)


# Rows 27 and 28.

def flooded(lab3, blaster, datagrams, count, rate=50_000):
    """Floods h1 from h3 while h1 and h2 talk. Returns the share of pings that were answered, what h1 sent to h3, how
    many KiB its agent grew, what it counted, and how many were sent.
    """
    first = lab3.agents[0]
    lab3.h1.ping(overlay(2))
    before, memory = first.counters(), first.memory()
    only = f"udp and src host {lab3.h1.address} and dst host {lab3.h3.address}"
    with Packets(lab3.h3, "u0", only) as replies:
        pings = 100
        ping = lab3.h1.popen("ping", "-n", "-q", "-c", pings, "-i", "0.02", "-W", "1", overlay(2),
                             stdout=subprocess.PIPE)
        sent = blaster.send(lab3.h3, lab3.h1.address, datagrams(count), rate=rate, port=4790)
        said = ping.communicate(timeout=60)[0].decode()
        told = [frame[42:] for frame in replies.rest()]
    answered = int(said.split(" received")[0].split()[-1])
    counted = first.settled(before, underlay=sent - int(count / 10))
    return answered / pings, told, first.memory() - memory, counted, sent


def pair_of_three(lab3):
    """Agents on h1 and h2 that know each other alone; h3 belongs to an attacker."""
    known = {name: Identity(lab3, name) for name in ("h1", "h2")}
    for name in known:
        sealed_agent(lab3, name, known).start()
    for agent in lab3.agents:
        session_up(agent)
    return known


FLOOD = 500_000 if full() else 100_000


def test_fault_row_27_initiations_without_the_first_mac_are_not_answered_and_disturb_nobody(lab3, blaster):
    pair_of_three(lab3)
    junk = sealing.handshake_header(sealing.INITIATION, 5) + os.urandom(160)
    flooded(lab3, blaster, lambda count: [junk] * count, FLOOD // 10)  # what is reserved once is reserved now
    answered, told, grown, counted, _ = flooded(lab3, blaster, lambda count: [junk] * count, FLOOD)
    assert told == [] and set(counted.dropped("underlay")) == {"handshake"}, counted
    assert answered >= 0.9 and grown < 1024
    assert set(sessions(lab3.agents[0]).values()) == {"up"}


def test_fault_row_27_initiations_of_one_who_knows_the_public_key_get_cookies_at_most(lab3, blaster):
    known = pair_of_three(lab3)
    body = sealing.handshake_header(sealing.INITIATION, 5) + os.urandom(128)
    bodies = [sealing.macs(known["h1"].public, body[:-4] + struct.pack(">I", number)) for number in range(256)]

    def datagrams(count):
        return (bodies[number % 256] for number in range(count))

    flooded(lab3, blaster, datagrams, FLOOD // 10)
    answered, told, grown, counted, sent = flooded(lab3, blaster, datagrams, FLOOD)
    assert all(len(each) == COOKIE_SIZE and is_kind(each, "handshake", sealing.COOKIE) for each in told)
    assert 0 < len(told) < sent, "under load it asks for proof of the address, and not more often than it is asked"
    assert set(counted.dropped("underlay")) == {"handshake"}, counted
    assert answered >= 0.9 and grown < 2048
    assert set(sessions(lab3.agents[0]).values()) == {"up"}


def test_fault_row_28_old_initiations_change_nothing(end):
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


def test_an_endpoint_is_not_moved_by_data_or_by_garbage(lab3):
    """Row 33's other half: sealed frames from elsewhere are taken, and what goes to the peer goes where it went."""
    known = {name: Identity(lab3, name) for name in ("h1", "h2")}
    agent = sealed_agent(lab3, "h1", known)
    with SealedPeer(lab3.h2, agent, known["h2"], known["h1"].public) as peer:
        agent.start()
        peer.answer()
        with Packets(lab3.h1, "vx42", MARKED) as tap, \
                lab3.h3.bound(socket.SOCK_DGRAM, lab3.h3.address, 4790) as elsewhere:
            for number in range(20):
                elsewhere.sendto(peer.session.seal(numbered(number)), (lab3.h1.address, 4790))
                elsewhere.sendto(os.urandom(100), (lab3.h1.address, 4790))
            assert [number_of(frame) for frame in tap.take(20)] == list(range(20))
            assert agent.fdb()[mac_text(GUEST)]["peer"] == "h2"
            tap.send(ethernet(ALICE, GUEST, b"where to?"))
            assert [plaintext for _, plaintext in peer.take_frames(1)] == [ethernet(ALICE, GUEST, b"where to?")]
            elsewhere.settimeout(0.3)
            with pytest.raises(TimeoutError):
                elsewhere.recv(2048)
