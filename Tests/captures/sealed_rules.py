"""A capture that breaks each rule of sealed segments, and one near it that does not.

Made with the decoder that is written after docs/sealing-format.md alone. A function a rule, whose name is the rule's:
it fills `broken` and `whole` and returns the options of `vtep verify`.
"""

import sealing
from underlay import PLAIN, SEALED, STATION_A, Conversation, datagram

KEY_LOG = "sealed.keys"
KEYS = {0x0ABCD: ("aes256gcm", bytes(range(32))), 0xFEDC1: ("chacha20poly1305", bytes(range(32, 64)))}
GCM, CHACHA = KEYS
STRANGE = 0x55555
"""An index that no key is known of."""


def key_log():
    """The text of the key log: index, cipher, key, time, receiver."""
    lines = ["# keys of the sealed captures here; they protect nothing"]
    for number, (index, (cipher, key)) in enumerate(KEYS.items(), 1):
        lines.append(f"VTEP_TRANSPORT_KEY {index:05x} {cipher} {key.hex()} 2023-11-14T22:13:2{number}.000Z "
                     f"192.0.2.{3 - number}:{SEALED}")
    return "\n".join(lines) + "\n"


def header(counter, index=GCM, lane=0, vni=42, flags=0x0C, following=0xFE):
    """The first 16 bytes of a sealed datagram."""
    return bytes([flags, 0, 0, following]) + (vni << 8).to_bytes(4, "big") \
        + (lane << 60 | index << 40 | counter).to_bytes(8, "big")


def sealed(header_bytes, plaintext):
    """The UDP payload: header, ciphertext and tag."""
    index = sealing.Header(header_bytes).index
    cipher, key = KEYS.get(index, KEYS[GCM])
    return sealing.seal_datagram(cipher, key, header_bytes, plaintext)


class SealedConversation:
    """Frames there on AES-256-GCM and back on ChaCha20-Poly1305, with counters that grow."""

    def __init__(self, vni=42):
        self.talk, self.vni, self.counter = Conversation(vni), vni, 0

    def payload(self, frame=None, **fields):
        """The next UDP payload there."""
        self.counter += 1
        return sealed(header(**{"counter": self.counter, "vni": self.vni, **fields}), frame or self.talk.frame())

    def there(self, frame=None, **fields):
        """The next frame there."""
        return wire(self.payload(frame, **fields))

    def back(self):
        """The next frame back."""
        self.counter += 1
        frame = self.talk.back.frame(b"answer" * 3)
        return wire(sealed(header(self.counter, CHACHA, lane=3, vni=self.vni), frame), 50_007, hosts=(2, 1))

    def control(self, vni=0):
        """A keepalive, from the listening socket."""
        self.counter += 1
        return wire(sealed_control(self.counter, vni), SEALED)


def sealed_control(counter, vni=0):
    """The UDP payload of a keepalive of the control thread."""
    cipher, key = KEYS[GCM]
    made = header(counter, lane=15, vni=vni, flags=0x0D)
    cipher_class = sealing.CIPHERS[cipher][1]
    return made + cipher_class(key).encrypt(bytes(3) + b"\x0f" + counter.to_bytes(8, "little"), bytes(16), made)


def handshake(kind, size, vni=0, fill=0x11):
    """A datagram of the size of a handshake message."""
    return wire(header(kind, 0x12345, vni=vni, flags=0x0D, following=0xFF) + bytes([fill]) * (size - 16), SEALED)


def wire(payload, source_port=50_000, **options):
    """The datagram on the sealed port."""
    return datagram(payload, source_port, SEALED, **options)


def plain_on_sealed_port(broken, whole):
    """A frame in clear on the port of sealed ones. Whole: each on its own."""
    talk, seals = Conversation(43), SealedConversation()
    broken.add(talk.good(), seals.there())
    broken.breaks(talk.good(port=SEALED))
    broken.add(seals.back())
    whole.add(talk.good(), seals.there(), talk.answer(), seals.back())


def sealed_on_plain_port(broken, whole):
    """A sealed frame, a control message and a handshake on the plain port. Whole: each on its own."""
    talk, seals = Conversation(43), SealedConversation()
    broken.add(talk.good(), seals.there())
    broken.breaks(datagram(seals.payload(), port=PLAIN), datagram(sealed_control(99), port=PLAIN),
                  datagram(header(1, 0x12345, vni=0, flags=0x0D, following=0xFF) + bytes(160), port=PLAIN))
    whole.add(talk.good(), seals.there(), handshake(1, 176), seals.control())


def sealed_framing(broken, whole):
    """Reserved bytes, next protocol, flags, and a tag that is not whole. Whole: every kind of datagram."""
    seals = SealedConversation()
    broken.add(seals.there())
    for at, value in ((0, 0x04), (0, 0x0F), (0, 0x0E), (1, 1), (2, 1), (3, 0xFD), (3, 3), (7, 1)):
        payload = bytearray(seals.payload())
        payload[at] = value
        broken.breaks(wire(bytes(payload)))
    broken.breaks(*(wire(seals.payload()[:size]) for size in (8, 15, 16, 31)))
    broken.add(seals.back())
    whole.add(handshake(1, 176), handshake(2, 104), handshake(3, 72), seals.control(), seals.there(), seals.back())


def control_with_vni(broken, whole):
    """A keepalive and a handshake that name a segment. Whole: without."""
    seals = SealedConversation()
    broken.add(seals.there())
    broken.breaks(seals.control(vni=42), handshake(1, 176, vni=42))
    whole.add(seals.there(), seals.control(), handshake(1, 176))


def nonce_reused(broken, whole):
    """Two frames under one nonce. Whole: on another lane, index and host, after 361 s, and two handshakes alike."""
    seals = SealedConversation()
    broken.add(seals.there(counter=7), seals.there(counter=8), seals.back())
    broken.breaks(seals.there(counter=7))
    broken.wait(300)
    broken.breaks(seals.there(counter=8))
    whole.add(seals.there(counter=7), seals.there(counter=7, lane=1), seals.there(counter=7, index=STRANGE),
              wire(seals.payload(counter=7), hosts=(1, 3)), handshake(1, 176), handshake(1, 176, fill=0x22))
    whole.wait(361)
    whole.add(seals.there(counter=7))


def authentication(broken, whole):
    """A bit of tag, ciphertext, VNI, lane and counter. Whole: as they are, and of an unknown key."""
    seals = SealedConversation()
    broken.add(seals.there(), seals.back())
    for at, bit in ((-1, 1), (16, 0x80), (6, 1), (8, 0x10), (15, 0x40)):
        payload = bytearray(seals.payload())
        payload[at] ^= bit
        broken.breaks(wire(bytes(payload)))
    broken.add(seals.there())
    whole.add(seals.there(), seals.back(), seals.control(), seals.there(index=STRANGE))
    return ["--keys", KEY_LOG]


def clear_traffic(broken, whole):
    """A frame of a sealed segment in clear. Whole: of another segment."""
    seals, clear = SealedConversation(), Conversation(43)
    broken.add(seals.there(), clear.good())
    broken.breaks(Conversation(42).good())
    broken.add(seals.back())
    whole.add(seals.there(), clear.good(), seals.back(), clear.answer())
    return ["--sealed", "42"]


def opened_inner_source(broken, whole):
    """The rule of inner sources, of frames that are seen once they are opened."""
    seals = SealedConversation()
    frame = seals.talk.frame()
    broken.add(seals.there())
    broken.breaks(seals.there(frame[:6] + b"\x01" + frame[7:]))
    whole.add(seals.there(frame), seals.back(), seals.there(frame[:6] + STATION_A + frame[12:-1] + b"\x77"))
    return ["--keys", KEY_LOG]
