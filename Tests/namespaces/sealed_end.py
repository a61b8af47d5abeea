"""An agent with a session to a peer in the tests' hands, for tests that count what is delivered and what is dropped."""

import os
import struct

from frames import MARK, ethernet, mac
from packets import Packets
from sealed import identities, sealed_agent
from sealed_peer import SealedPeer

GUEST, ALICE = mac(0xB0B), mac(0xA1)
MARKED = f"ether proto {MARK}"
RATE = 20_000


def numbered(number, length=100):
    """A frame to the TAP that says its number."""
    return ethernet(GUEST, ALICE, struct.pack(">Q", number), length=length)


def number_of(frame):
    """The number in such a frame."""
    return struct.unpack_from(">Q", frame, 14)[0]


class End:
    """The agent of h1 with a session to a peer in the tests' hands on h2, and what comes out of the TAP."""

    def __init__(self, lab, answered=True, known=None, **changes):
        self.lab, self.known = lab, known or identities(lab)
        self.agent = sealed_agent(lab, "h1", self.known, **changes)
        self.peer = SealedPeer(lab.h2, self.agent, self.known["h2"], self.known["h1"].public)
        self.agent.start()
        if answered:
            self.peer.answer()
        self.tap = Packets(lab.h1, "vx42", MARKED)

    def close(self):
        """Closes the sockets."""
        self.peer.socket.close()
        self.tap.close()

    def counted(self, before, count):
        """What was counted since, once `count` datagrams were; none of them may have been lost on the way."""
        counted = self.agent.settled(before, underlay=count)
        assert counted.all["kernel-drops"] == 0 and counted.underlay["frames-in"] == count, counted
        return counted

    def blast(self, blaster, datagrams):
        """Sends many. Returns what was counted."""
        before = self.agent.counters()
        sent = blaster.send(self.lab.h2, self.lab.h1.address, datagrams, rate=RATE, port=4790)
        return self.counted(before, sent)

    def works(self):
        """One frame still crosses each way."""
        frame = ethernet(GUEST, ALICE, os.urandom(40))
        self.peer.send_frame(frame)
        assert self.tap.take(1) == [frame]
        self.tap.send(answer := ethernet(ALICE, GUEST, os.urandom(40)))
        assert [plaintext for _, plaintext in self.peer.take_frames(1)] == [answer]
