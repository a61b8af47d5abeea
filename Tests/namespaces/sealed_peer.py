"""A peer of sealed segments made of one UDP socket and the decoder of `sealing.py`: what the agent says to it is judged
by another implementation, and it can say to the agent what no agent says.
"""

import os
import select
import socket
import time

import sealing

_SO_RCVBUFFORCE = 33
CONFIRM = bytes(16)
NO_KEY = bytes(32)
RESPONSE_SIZE, COOKIE_SIZE = 104, 72
CONTROL_SIZE = 48


def masked(*ciphers):
    """Ciphers as the handshake names them."""
    return sum(1 << sealing.CIPHERS[cipher][0] for cipher in ciphers)


def psk_id(psk):
    """The four bytes that name a pre-shared key; zero where there is none."""
    return sealing.blake2b(b"vtep-psk-id" + psk, 32)[:4] if psk else bytes(4)


def is_kind(datagram, kind, message=None):
    """Whether a datagram has that kind of header, and in a handshake that kind of message."""
    try:
        header = sealing.Header(datagram)
    except ValueError:
        return False
    return header.kind == kind and message in (None, header.counter)


def is_path_probe(datagram):
    """Whether it is one of the questions for the path's MTU, which an agent asks whenever it has a session: the only
    control messages that are longer than they have to be."""
    return is_kind(datagram, "control") and len(datagram) > CONTROL_SIZE


class Session:
    """The keys of one session, as this end has them. Counters of a lane go up by one, unless one is asked for."""

    def __init__(self, cipher, sending, receiving, index, remote_index):
        self.cipher, self.index, self.remote_index = cipher, index, remote_index
        self.secrets = sending, receiving
        self._sending, self._receiving = self.keys = [sealing.transport_key(cipher, each) for each in self.secrets]
        self._next = {}

    def seal(self, plaintext, vni=42, kind=0x0C, lane=0, counter=None):
        """A datagram for the agent. `kind` is the first byte: 0x0C a frame, 0x0D control."""
        if counter is None:
            counter = self._next.get(lane, 0)
            self._next[lane] = counter + 1
        word = lane << 60 | self.remote_index << 40 | counter
        header = bytes([kind, 0, 0, 0xFE]) + vni.to_bytes(3, "big") + b"\0" + word.to_bytes(8, "big")
        return sealing.seal_datagram(self.cipher, self._sending, header, plaintext)

    def control(self, plaintext=CONFIRM):
        """A control message for the agent."""
        return self.seal(plaintext, vni=0, kind=0x0D, lane=15)

    def open(self, datagram):
        """The plaintext of a datagram of the agent; ValueError where it is not one of this session."""
        if sealing.Header(datagram).index != self.index:
            raise ValueError("another session")
        return sealing.open_datagram(self.cipher, self._receiving, datagram)


class SealedPeer:
    """Port 4790 of a host. `identity` is its key pair, `remote` the agent's public key."""

    def __init__(self, host, agent, identity, remote, psk=None, cipher="aes256gcm", port=4790):
        self.identity, self.remote, self.psk, self.cipher = identity, remote, psk, cipher
        self.boot, self.initiations, self.session = os.urandom(8), 0, None
        self.shared = None  # what the ephemeral keys agreed on, where this end answered
        self.socket = host.bound(socket.SOCK_DGRAM, host.address, port)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 32 << 20)
        self.destination = (agent.host.address, 4790)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *datagrams):
        """Sends datagrams as they are."""
        for datagram in datagrams:
            self.socket.sendto(datagram, self.destination)

    def receive(self, seconds=5.0):
        """The next datagram from the agent, or None after `seconds`."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return None
        return self.socket.recv(1 << 16)

    def rest(self, quiet=0.2):
        """Every datagram until none came for `quiet` seconds, but for questions for the path's MTU."""
        datagrams, end = [], time.monotonic() + quiet
        while (datagram := self.receive(end - time.monotonic())) is not None:
            if not is_path_probe(datagram):
                datagrams.append(datagram)
                end = time.monotonic() + quiet
        return datagrams

    def wait_for(self, wanted, seconds, what):
        """The next datagram that is `wanted`; others are passed over. Fails with `what`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            datagram = self.receive(left)
            if datagram is not None and wanted(datagram):
                return datagram
        raise AssertionError(f"within {seconds} s the agent should have sent {what}")

    # Handshakes

    def initiation_of_the_agent(self, seconds=10):
        """The newest initiation that the agent has sent, as a responder opens it."""
        def wanted(each):
            return is_kind(each, "handshake", sealing.INITIATION)

        initiation = self.wait_for(wanted, seconds, "an initiation")
        while (newer := self.receive(0)) is not None:
            initiation = newer if wanted(newer) else initiation
        responder = sealing.Responder(self.identity.private, initiation)
        assert responder.remote == self.remote, "the initiation is of another key"
        return responder

    def response_to(self, responder, index, psk=None):
        """A response to an initiation of the agent, and the session it makes."""
        payload = masked(self.cipher).to_bytes(2, "big") + bytes(2) + index.to_bytes(4, "big")
        response, theirs, ours = responder.respond(os.urandom(32), psk or self.psk or NO_KEY, payload)
        self.shared = responder.shared
        return response, Session(self.cipher, ours, theirs, index, responder.index)

    def respond(self, index=None):
        """Answers the agent's initiation, and takes nothing that comes then. `index` is given the agent's own index."""
        responder = self.initiation_of_the_agent()
        own = index(responder.index) if index else int.from_bytes(os.urandom(2), "big") + 1
        response, self.session = self.response_to(responder, own)
        self.send(response)

    def answer(self, index=None):
        """Answers the agent's initiation, and waits until the agent has confirmed. Returns the session."""
        self.respond(index)
        self._until_it_speaks("a confirmation")
        self.send(self.session.control())
        return self.session

    def initiation(self, mask=None, key=None, counter=None, point=None):
        """An initiation to the agent with a key and an index of its own: an `Initiator`. `point` is its ephemeral
        public key where that is to be one of low order."""
        self.initiations += 1
        payload = ((mask or masked(self.cipher)).to_bytes(2, "big") + bytes(2) + psk_id(self.psk) + bytes(4) + self.boot
                   + (counter or self.initiations).to_bytes(8, "big") + bytes(4))
        made = sealing.Initiator(key or self.identity.private, os.urandom(32), self.remote, 0x40000 + self.initiations,
                                 payload, point)
        made.index = 0x40000 + self.initiations
        return made

    def connect(self):
        """Initiates until the agent answers, and confirms. Returns the session, which the agent uses from then on."""
        for _ in range(5):
            made = self.initiation()
            self.send(made.initiation)
            try:
                response = self.wait_for(lambda each: answers(each, made), 2.2, "a response")
            except AssertionError:
                continue  # the lower key goes first while its own is young
            payload, ours, theirs = made.open(response, self.psk or NO_KEY)
            cipher = next(name for name in sealing.CIPHERS if masked(name) == int.from_bytes(payload[:2], "big"))
            self.session = Session(cipher, ours, theirs, made.index, int.from_bytes(payload[4:], "big"))
            self.send(self.session.control())
            self._until_it_speaks("an answer to the confirmation")
            return self.session
        raise AssertionError("the agent answered none of five initiations")

    def _until_it_speaks(self, what):
        self.wait_for(lambda each: is_kind(each, "control") and _opens(self.session, each), 5, what)

    # Frames

    def send_frame(self, frame, vni=42):
        """Seals a frame and sends it."""
        self.send(self.session.seal(frame, vni))

    def take_frames(self, count, seconds=10.0):
        """Up to `count` frames of the agent as (header, plaintext), in their order, fewer after `seconds`."""
        frames, end = [], time.monotonic() + seconds
        while len(frames) < count and (left := end - time.monotonic()) > 0:
            datagram = self.receive(left)
            if datagram is not None and is_kind(datagram, "frame"):
                frames.append((sealing.Header(datagram), self.session.open(datagram)))
        return frames


def answers(datagram, initiator):
    """Whether a datagram is the response to that initiation."""
    return (len(datagram) == RESPONSE_SIZE and is_kind(datagram, "handshake", sealing.RESPONSE)
            and sealing.Header(datagram).index == initiator.index)


def _opens(session, datagram):
    try:
        return session.open(datagram) is not None
    except ValueError:
        return False
