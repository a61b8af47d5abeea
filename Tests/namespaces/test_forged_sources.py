"""Row 10 of the fault table: who writes a peer's address into datagrams is believed on a plain segment, which has
nothing to tell it by (RFC 7348, section 7), and on a sealed one never.
"""

import itertools
import random

import pytest

from clear import ended
from conftest import full
from frames import ethernet, mac, mac_text, vxlan
from host import wait_until
from keys import Identity
from packets import Packets
from sealed_end import ALICE, MARKED, RATE, End, number_of, numbered

COUNT = 1_000_000 if full() else 20_000
FORGED = mac(0xBAD)


@pytest.fixture
def forge(lab3, blaster):
    """Sends datagrams to h1 from h3, with the address of h2 as their source: `forge(datagrams, port)`."""
    lab3.h3.ip("neigh", "replace", lab3.h1.address, "lladdr", lab3.h1.mac("u0"), "dev", "u0", "nud", "permanent")
    # Its kernel must not tell anybody that the address is here: the switch and h1 go on finding h2 where it is.
    lab3.h3.sysctl(net__ipv4__conf__all__arp_ignore=1)
    lab3.h3.ip("addr", "add", f"{lab3.h2.address}/32", "dev", "lo")
    return lambda datagrams, port: blaster.send(lab3.h3, lab3.h1.address, datagrams, rate=RATE, source=lab3.h2.address,
                                                port=port)


def test_fault_row_10_on_a_plain_segment_a_peers_address_is_all_that_is_asked_for(lab3, forge):
    agent = lab3.agent(peers=[{"name": "h2", "address": lab3.h2.address}])
    with Packets(lab3.h1, "vx42", MARKED) as tap:
        before, frame = agent.counters(), ethernet(FORGED, ALICE, b"whose am I?")
        assert forge([vxlan(42, frame)] * 20, 4789) == 20
        assert agent.settled(before, underlay=20).dropped("underlay") == {}
        assert tap.take(20) == [frame] * 20
    assert agent.fdb()[mac_text(FORGED)]["peer"] == "h2"


def forgeries(session, recorded):
    """Without an end: datagrams for port 4790 by somebody who has seen everything, and lacks the keys.

    All are of the session that there is, with counters that are still to come: on the lanes of frames noise of some
    length and what a real datagram had behind its header, and control messages.
    """
    chance, vni = random.Random(10), (42).to_bytes(3, "big") + b"\0"
    for number in itertools.count():
        control = number % 4 == 3
        lane = 15 if control else chance.randrange(15)
        word = (lane << 60 | session.remote_index << 40 | 1_000_000 + number).to_bytes(8, "big")
        body = recorded[number % len(recorded)][16:] if number % 4 == 2 else chance.randbytes(chance.randrange(32, 200))
        yield (b"\x0d\0\0\xfe" + bytes(4) if control else b"\x0c\0\0\xfe" + vni) + word + body


def test_fault_row_10_on_a_sealed_segment_nothing_forged_is_delivered_or_learned(lab3, forge, figure):
    """A quarter in clear on port 4789, the others on port 4790. Full: 10^6 in all; short: 20,000."""
    end = End(lab3, known={name: Identity(lab3, name) for name in ("h1", "h2")})
    try:
        agent = end.agent
        recorded = [end.peer.session.seal(numbered(number)) for number in range(64)]
        sealed, clear = forgeries(end.peer.session, recorded), vxlan(42, ethernet(FORGED, ALICE, b"whose am I?"))
        delivered, learned = lab3.h1.received("vx42"), agent.fdb()
        for datagrams, count, port, reason in ((itertools.repeat(clear), COUNT // 4, 4789, "plain-for-sealed"),
                                               (sealed, COUNT * 3 // 4, 4790, "authentication")):
            before = agent.counters()
            assert forge(itertools.islice(datagrams, count), port) == count
            counted = wait_until(lambda: ended(agent, before, count), 20, f"{count} datagrams have ended")
            read = count - counted.all["kernel-drops"]
            assert counted.dropped("underlay") == {reason: read} and read > 0.95 * count, counted
            figure(f"{read} forged datagrams read from port {port}: all dropped as {reason}")
        assert end.tap.rest() == [] and lab3.h1.received("vx42") == delivered, "delivered"
        assert agent.fdb() == learned, "learned"
        # The session has not suffered, and what was recorded is new to it.
        end.peer.send(*recorded)
        assert [number_of(frame) for frame in end.tap.take(64)] == list(range(64))
        end.works()
    finally:
        end.close()
