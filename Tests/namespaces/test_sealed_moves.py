"""Row 33 of the fault table over real sockets: a peer that comes from another address and port is followed once it has
proven to be there; nobody else moves it.
"""

import contextlib
import os
import socket
import struct
import time

import pytest

from conftest import full
from frames import ethernet, mac_text
from host import wait_until
from keys import Identity
from packets import Packets
from sealed import overlay, sealed_agent, sealed_agents, station
from sealed_end import ALICE, GUEST, MARKED, number_of, numbered
from sealed_peer import CONTROL_SIZE, SealedPeer, is_kind
from stopwatch import Stopwatch

PROBE, ANSWER = 1, 2
GARBAGE = 1_000_000 if full() else 20_000
PORT = 5999


def endpoint(agent):
    """Where the agent sends what is for its only peer."""
    return agent.json("peers")[0]["endpoint"]


class Place:
    """A port of another host, from which the peer speaks with the keys that it has."""

    def __init__(self, host, agent, peer, port):
        self.peer, self.name = peer, f"{host.address}:{port}"
        self._elsewhere = SealedPeer(host, agent, peer.identity, peer.remote, port=port)
        self.send, self.rest = self._elsewhere.send, self._elsewhere.rest
        self.close = self._elsewhere.socket.close

    def probe(self, seconds=5):
        """The question of the agent that arrives here: its plaintext."""
        def asked(datagram):
            return is_kind(datagram, "control") and len(datagram) == CONTROL_SIZE

        plaintext = self.peer.session.open(self._elsewhere.wait_for(asked, seconds, "a question"))
        assert plaintext[0] == PROBE and struct.unpack_from(">I", plaintext, 4)[0] == CONTROL_SIZE, plaintext.hex()
        return plaintext

    def frame(self, seconds=5):
        """The next frame of the agent that arrives here."""
        return self.peer.session.open(self._elsewhere.wait_for(lambda each: is_kind(each, "frame"), seconds, "a frame"))


@contextlib.contextmanager
def session(lab3):
    """An agent on h1 with a session to a peer in the tests' hands on h2; h3 belongs to whoever wants it."""
    known = {name: Identity(lab3, name) for name in ("h1", "h2")}
    agent = sealed_agent(lab3, "h1", known)
    with SealedPeer(lab3.h2, agent, known["h2"], known["h1"].public) as peer:
        agent.start()
        peer.answer()
        yield agent, peer


def answer_to(probe):
    """What a peer says to a probe that it received."""
    return bytes([ANSWER]) + probe[1:]


def test_fault_row_33_a_peer_is_followed_to_another_address_and_port_when_it_has_proven_to_be_there(lab3, figure):
    with session(lab3) as (agent, peer):
        at_home = f"{lab3.h2.address}:4790"
        there = Place(lab3.h3, agent, peer, PORT)
        with Packets(lab3.h1, "vx42", MARKED) as tap:
            there.send(peer.session.seal(numbered(1)))
            assert [number_of(frame) for frame in tap.take(1)] == [1], "frames are taken from anywhere"
            assert endpoint(agent) == at_home, "and move nothing"
            # A message that somebody diverts: asked at the wrong place, where nobody can answer.
            there.send(diverted := peer.session.control())
            probe = there.probe()
            there.send(bytes(CONTROL_SIZE), answer_to(probe))
            assert endpoint(agent) == at_home
            # The peer itself answers, and is there from then on.
            watch, began = Stopwatch(), time.monotonic()
            there.send(peer.session.control(answer_to(probe)))
            wait_until(lambda: endpoint(agent) == there.name, 1, "the agent has followed", every=0.001)
            tap.send(frame := ethernet(ALICE, GUEST, os.urandom(40)))
            assert there.frame() == frame
            moved, taken = time.monotonic() - began, watch.seconds()
            # What was said before does not take it back.
            peer.send(diverted)
            assert [each for each in peer.rest() if is_kind(each, "control")] == []
            assert endpoint(agent) == there.name
            # And home again.
            home = Place(lab3.h2, agent, peer, PORT)
            home.send(peer.session.control())
            home.send(peer.session.control(answer_to(home.probe())))
            wait_until(lambda: endpoint(agent) == home.name, 1, "another port of the same address", every=0.001)
            home.close()
        there.close()
        agent.check_identity()
    figure(f"followed {1000 * moved:.0f} ms after the answer")
    assert taken <= 0.5


def test_fault_row_33_frames_from_elsewhere_are_taken_and_move_nothing(lab3):
    with session(lab3) as (agent, peer), Packets(lab3.h1, "vx42", MARKED) as tap, \
            lab3.h3.bound(socket.SOCK_DGRAM, lab3.h3.address, 4790) as elsewhere:
        for number in range(20):
            elsewhere.sendto(peer.session.seal(numbered(number)), (lab3.h1.address, 4790))
            elsewhere.sendto(os.urandom(100), (lab3.h1.address, 4790))
        assert [number_of(frame) for frame in tap.take(20)] == list(range(20))
        assert agent.fdb()[mac_text(GUEST)]["peer"] == "h2"
        tap.send(frame := ethernet(ALICE, GUEST, b"where to?"))
        assert [plaintext for _, plaintext in peer.take_frames(1)] == [frame]
        elsewhere.settimeout(0.3)
        with pytest.raises(TimeoutError):
            elsewhere.recv(2048)


def test_fault_row_33_garbage_from_forged_sources_moves_nothing(lab3, blaster):
    with session(lab3) as (agent, peer):
        at_home, index = endpoint(agent), peer.session.remote_index
        # Well framed, of the session that there is, on the lane of control messages, with counters to come.
        forged = [bytes.fromhex("0d0000fe") + bytes(4) + (15 << 60 | index << 40 | 1000 + number).to_bytes(8, "big")
                  + os.urandom(32) for number in range(512)]
        memory = agent.memory()
        told = f"udp and src host {agent.host.address}"
        with Packets(lab3.h3, "u0", told) as replies, \
                Packets(lab3.h2, "u0", f"{told} and not dst port 4790") as replies_beside:
            before = agent.counters()
            # From an address that is nobody's, and from the peer's own with other ports.
            sent = sum(blaster.send(host, agent.host.address, (forged[number % 512] for number in range(GARBAGE // 2)),
                                    port=4790) for host in (lab3.h3, lab3.h2))
            counted = agent.settled(before, underlay=sent, seconds=60)
            assert replies.rest() == [] and replies_beside.rest() == [], "nobody is asked"
        assert set(counted.dropped("underlay")) == {"authentication"}, counted
        assert endpoint(agent) == at_home and agent.memory() - memory < 1024
        assert [each for each in peer.rest() if is_kind(each, "control")] == []
        with Packets(lab3.h1, "vx42", MARKED) as tap:
            peer.send_frame(numbered(7))
            assert [number_of(frame) for frame in tap.take(1)] == [7]
            tap.send(frame := ethernet(ALICE, GUEST, os.urandom(40)))
            assert [plaintext for _, plaintext in peer.take_frames(1)] == [frame]


def test_fault_row_33_an_agent_that_starts_again_at_another_address_and_port_is_followed(lab):
    first, second = sealed_agents(lab)
    assert lab.h1.ping(overlay(2))
    lab.h2.ip("addr", "add", "192.0.2.22/24", "dev", "u0")
    second.kill()
    second.config["local"].update({"address": "192.0.2.22", "sealed-port": PORT})
    lab.h1.ip("neigh", "replace", overlay(2), "lladdr", mac_text(station(2)), "dev", "vx42", "nud", "permanent")
    second.start()
    lab.h2.ip("neigh", "replace", overlay(1), "lladdr", mac_text(station(1)), "dev", "vx42", "nud", "permanent")
    watch = Stopwatch()
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), 5, "frames cross again", every=0.01)
    assert watch.seconds() <= 1.5
    assert endpoint(first) == f"192.0.2.22:{PORT}"
    assert "peer has moved" in first.stderr()

