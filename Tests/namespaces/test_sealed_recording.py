"""What a recording of the underlay is worth to one who steals both ends' private keys later: nothing, because the keys
of a session come from ephemeral ones too. The thief is made of `sealing.py`.
"""

import itertools
import os

import pytest
from cryptography.exceptions import InvalidTag

import sealing
from frames import ethernet
from keys import preshared_key, preshared_key_file
from packets import Packets
from sealed import HANDSHAKES, ROOMY, Agreements, identities, sealed_agent, session_up, short_keys
from sealed_end import ALICE, GUEST
from sealed_peer import NO_KEY, RESPONSE_SIZE, SealedPeer, Session, is_kind

KEY_SECONDS = 3


class Recorded:
    """A handshake of a recording, for one who has stolen the private keys of both ends and the pre-shared key."""

    def __init__(self, initiator, responder, psk, initiation, response):
        self.initiator, self.responder, self.psk = initiator, responder, psk
        self.initiation, self.response = initiation, response
        self.points = initiation[16:48], response[16:48]

    def session(self, shared):
        """The session as its initiator has it, if the ephemeral keys agree on `shared`; InvalidTag if not."""
        opened = sealing.Responder(self.responder.private, self.initiation)
        assert opened.remote == self.initiator.public, "the initiator's name does not stay hidden"
        opened.noise.ephemeral(self.points[1])
        opened.noise.mix_key(shared)
        opened.noise.mix_key(sealing.agree(self.initiator.private, self.points[1]))
        opened.noise.mix_key_and_hash(self.psk)
        payload = opened.noise.decrypt(self.response[48:72])
        cipher = next(name for name, (number, *_) in sealing.CIPHERS.items() if payload[1] == 1 << number)
        ours, theirs = opened.noise.split()
        return Session(cipher, ours, theirs, opened.index, int.from_bytes(payload[4:], "big"))

    def guesses(self):
        """What can be agreed on with what was stolen and recorded, and what a poor generator would make of it."""
        privates = self.initiator.private, self.responder.private
        publics = *self.points, self.initiator.public, self.responder.public
        return {bytes(32), self.psk, *self.points,
                *(sealing.agree(one, other) for one, other in itertools.product(privates, publics))}


def test_a_recording_does_not_open_with_both_private_keys_and_does_with_what_the_ephemeral_ones_agree_on(lab):
    known, psk = identities(lab), preshared_key()
    agent = sealed_agent(lab, "h1", known, local={"psk-file": preshared_key_file(lab, "psk", psk)})
    with SealedPeer(lab.h2, agent, known["h2"], known["h1"].public, psk) as peer, \
            lab.capture(expression="udp port 4790", **ROOMY) as capture:
        agent.start()
        peer.answer()
        with Packets(lab.h1, "vx42") as tap:
            tap.send(frame := ethernet(ALICE, GUEST, os.urandom(40)))
            assert [plaintext for _, plaintext in peer.take_frames(1)] == [frame]
    payloads = [each[42:] for each in capture.frames()]
    response = next(each for each in payloads if len(each) == RESPONSE_SIZE)
    initiation = next(each for each in payloads if is_kind(each, "handshake", sealing.INITIATION)
                      and sealing.Header(each).index == sealing.Header(response).index)
    sealed = next(each for each in payloads if is_kind(each, "frame"))
    recorded = Recorded(known["h1"], known["h2"], psk, initiation, response)
    for shared in recorded.guesses():
        with pytest.raises(InvalidTag):
            recorded.session(shared)
    thief = recorded.session(peer.shared)
    assert sealing.open_datagram(thief.cipher, thief.keys[0], sealed) == frame, "the thief lacks that alone"
    # Who breaks X25519 has it, and lacks the pre-shared key.
    with pytest.raises(InvalidTag):
        Recorded(known["h1"], known["h2"], NO_KEY, initiation, response).session(peer.shared)


def handshakes(lab, meanwhile, environment):
    """Every initiation and response of two agents that find a session, and of what they do `meanwhile`."""
    known = identities(lab)
    captures = [lab.capture(host, expression=HANDSHAKES, direction="out", **ROOMY) for host in known]
    agents = [sealed_agent(lab, name, known).start(environment) for name in known]
    for agent in agents:
        session_up(agent)
    meanwhile(agents)
    for capture in captures:
        capture.close()
    payloads = {frame[42:] for capture in captures for frame in capture.frames()}
    return [each for each in payloads if sealing.Header(each).counter in (sealing.INITIATION, sealing.RESPONSE)]


def sharing(messages):
    """How many of them have an ephemeral key that another has."""
    return len(messages) - len({each[16:48] for each in messages})


def test_every_handshake_of_every_process_has_an_ephemeral_key_of_its_own(lab):
    environment = short_keys(KEY_SECONDS)

    def renewed_and_started_again(agents):
        with Agreements(lab.h1) as agreements:
            agreements.wait_for(2, 3 * KEY_SECONDS)
        for agent in agents:
            agent.kill()
            agent.start(environment)
            session_up(agent)

    messages = handshakes(lab, renewed_and_started_again, environment)
    assert len(messages) >= 2 * 5 and sharing(messages) == 0


def test_the_judge_of_ephemeral_keys_finds_those_that_repeat(lab, broken):
    assert sharing(handshakes(lab, lambda agents: None, broken["repeats"])) > 0
