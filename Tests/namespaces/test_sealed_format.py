"""What the agent says on a sealed segment, and what it understands, judged by the decoder of `sealing.py`: a handshake
in either role, frames both ways, control messages. Every byte is compared.
"""

import os
import random
import time

import pytest

import sealing
from frames import MARK, ethernet, mac, mac_text
from host import wait_until
from keys import preshared_key, preshared_key_file
from packets import Packets
from sealed import identities, sealed_agent, sealed_segment
from sealed_peer import CONFIRM, SealedPeer, is_kind, is_path_probe, masked, psk_id

CIPHERS = ("aes256gcm", "chacha20poly1305")
GUEST, ALICE = mac(0xB0B), mac(0xA1)
MARKED = f"ether proto {MARK}"
LONGEST = 1426 + 14


@pytest.fixture
def keyed(lab):
    """Builds (agent of h1, peer on h2), the agent not started yet: `keyed(cipher=..., psk=True, changes={...})`."""
    peers = []

    def make(cipher="aes256gcm", psk=False, changes=None):
        known, shared = identities(lab), preshared_key() if psk else None
        local = {"psk-file": preshared_key_file(lab, "psk", shared)} if psk else {}
        agent = sealed_agent(lab, "h1", known, [sealed_segment(1, **(changes or {}))], local)
        peers.append(SealedPeer(lab.h2, agent, known["h2"], known["h1"].public, shared, cipher))
        return agent, peers[-1]

    yield make
    for peer in peers:
        peer.socket.close()


def established(agent, peer, role):
    """Starts the agent and makes a session in which the agent has that role."""
    agent.start()
    return peer.answer() if role == "initiator" else peer.connect()


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("psk", (False, True), ids=("no-psk", "psk"))
@pytest.mark.parametrize("role", ("initiator", "responder"))
def test_another_implementation_opens_every_frame_and_is_understood(lab, keyed, cipher, psk, role):
    agent, peer = keyed(cipher, psk, {"cipher": cipher})
    established(agent, peer, role)
    chance = random.Random(f"{cipher} {psk} {role}")
    lengths = [14, 15, 60, 61, 577, LONGEST - 1, LONGEST] + [chance.randrange(14, LONGEST) for _ in range(40)]
    outgoing, incoming = ([ethernet(source, to, chance.randbytes(length - 14)) for length in lengths]
                          for source, to in ((ALICE, GUEST), (GUEST, ALICE)))
    before = agent.counters()
    with Packets(lab.h1, "vx42", MARKED) as tap:
        for frame in outgoing:
            tap.send(frame)
        opened = peer.take_frames(len(outgoing))
        assert [plaintext for _, plaintext in opened] == outgoing
        counters = {}
        for header, _ in opened:
            assert header.vni == 42 and 0 <= header.lane < 15
            assert header.counter > counters.get(header.lane, -1), "a counter goes up in its lane"
            counters[header.lane] = header.counter
        for frame in incoming:
            peer.send_frame(frame)
        assert tap.take(len(incoming)) == incoming
    counted = agent.settled(before, overlay=len(outgoing), underlay=len(incoming))
    assert counted.dropped("overlay") == {} and counted.dropped("underlay") == {}, counted
    assert agent.json("peers")[0]["session"] == "up"


@pytest.mark.parametrize("cipher, mask", (("auto", masked(*CIPHERS)), *((name, masked(name)) for name in CIPHERS)))
def test_an_initiation_offers_what_the_configuration_says(keyed, cipher, mask):
    agent, peer = keyed(psk=True, changes={"cipher": cipher})
    agent.start()
    payload = peer.initiation_of_the_agent().payload
    assert payload[:4] == mask.to_bytes(2, "big") + bytes(2)
    assert payload[4:12] == psk_id(peer.psk) + bytes(4)
    assert payload[28:] == bytes(4)


def test_initiations_are_repeated_with_everything_fresh(keyed):
    agent, peer = keyed()
    agent.start()
    # After 0, 1 and 2 s more, give or take a fifth; the one after that comes at 5.6 s at the earliest.
    seen, began = [], time.monotonic()
    while (left := began + 5 - time.monotonic()) > 0:
        datagram = peer.receive(left)
        if datagram is not None and is_kind(datagram, "handshake", sealing.INITIATION):
            seen.append(datagram)
    assert 2 <= len(seen) <= 3
    opened = [sealing.Responder(peer.identity.private, each) for each in seen]
    assert len({each.index for each in opened}) == len(seen), "each has an index of its own"
    assert len({each.remote_ephemeral for each in opened}) == len(seen), "each has an ephemeral key of its own"
    assert len({each.payload[12:20] for each in opened}) == 1, "one boot id for the process"
    counters = [int.from_bytes(each.payload[20:28], "big") for each in opened]
    assert counters == list(range(counters[0], counters[0] + len(seen)))
    assert agent.json("peers")[0]["session"] == "handshake"


def test_a_probe_is_answered_with_its_length_and_token_and_what_is_unknown_is_not(keyed):
    agent, peer = keyed()
    session = established(agent, peer, "initiator")
    peer.rest()
    before, token = agent.counters(), os.urandom(8)
    peer.send(session.control(b"\x09" + bytes(15)))
    probe = b"\x01\0\0\0" + (1000).to_bytes(4, "big") + token
    peer.send(session.control(probe.ljust(1000 - 32, b"\0")))
    answer = peer.wait_for(lambda each: is_kind(each, "control") and not is_path_probe(each), 5, "an answer")
    assert session.open(answer) == b"\x02\0\0\0" + (1000).to_bytes(4, "big") + token
    assert peer.rest() == []
    counted = agent.settled(before, underlay=2)
    assert counted.underlay["consumed"] == 2 and counted.dropped("underlay") == {}, counted


def test_a_confirmation_is_zero_bytes_and_repeated_until_something_comes_back(keyed):
    agent, peer = keyed()
    agent.start()
    responder = peer.initiation_of_the_agent()
    response, session = peer.response_to(responder, index=77)
    peer.send(response)
    confirms = [each for each in peer.rest(quiet=0.7) if is_kind(each, "control")]
    assert [session.open(each) for each in confirms] == [CONFIRM] * 6
    headers = [sealing.Header(each) for each in confirms]
    assert {header.lane for header in headers} == {15}
    counters = [header.counter for header in headers]
    assert counters[0] == 0 and counters == sorted(set(counters)), "questions for the path's MTU count too"


KNOWN = {"fdb": [{"mac": mac_text(GUEST), "peer": "h2"}]}


def test_frames_wait_for_the_session_and_leave_first_in_their_order(lab, keyed):
    agent, peer = keyed(changes=KNOWN)
    agent.start()
    frames = [ethernet(ALICE, GUEST, bytes([number]) * 100) for number in range(100)]
    before = agent.counters()
    with Packets(lab.h1, "vx42", MARKED) as tap:
        for frame in frames:
            tap.send(frame)
        assert agent.settled(before, overlay=100).overlay["waiting"] == 100
        peer.respond()
        tap.send(frames[0] + b"behind them")
        assert [plaintext for _, plaintext in peer.take_frames(101)] == frames + [frames[0] + b"behind them"]
    counted = agent.settled(before, overlay=101)
    assert counted.overlay["frames-out"] == 101 and counted.overlay["waiting"] == 0, counted


def test_as_many_frames_wait_as_the_bound_says_and_no_longer_than_ten_seconds(lab, keyed):
    agent, peer = keyed(changes=KNOWN)
    agent.start()
    before = agent.counters()
    with Packets(lab.h1, "vx42", MARKED) as tap:
        for number in range(150):
            tap.send(ethernet(ALICE, GUEST, bytes([number]) * 100))
        counted = agent.settled(before, overlay=150)
        assert counted.overlay["waiting"] == 128 and counted.dropped("overlay") == {"no-session": 22}, counted
        wait_until(lambda: agent.counters().overlay["waiting"] == 0, 13, "nothing waits any more")
    counted = agent.settled(before, overlay=150)
    assert counted.dropped("overlay") == {"no-session": 150} and counted.overlay["frames-out"] == 0, counted
    peer.answer()
    assert peer.take_frames(1, seconds=0.5) == [], "what was dropped is gone"
