"""A decoder of sealed segments, written after docs/sealing-format.md alone: Noise, keys, datagrams and cookies with the
`cryptography` package and hashlib. It judges the program, so it shares nothing with it.

AEGIS-128L is not in the `cryptography` package (48.0.0): its keys are derived here, its datagrams are not opened."""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HEADER_SIZE, MAC_SIZE, TAG_SIZE = 16, 16, 16
CIPHERS = {"aes256gcm": (0, AESGCM, 32), "chacha20poly1305": (1, ChaCha20Poly1305, 32), "aegis128l": (2, None, 16)}
INITIATION, RESPONSE, COOKIE = 1, 2, 3


def blake2b(data, size, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def public_key(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def agree(private, public):
    """What two keys agree on: zero, as everybody knows, where the public one is of low order."""
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:  # `cryptography` refuses as the agent must
        return bytes(32)


class Header:
    """The first 16 bytes of a datagram; ValueError where they are none."""

    def __init__(self, datagram):
        if len(datagram) < HEADER_SIZE:
            raise ValueError("short")
        kind = {b"\x0c\x00\x00\xfe": "frame", b"\x0d\x00\x00\xfe": "control", b"\x0d\x00\x00\xff": "handshake"}
        if datagram[:4] not in kind or datagram[7]:
            raise ValueError("framing")
        self.kind = kind[datagram[:4]]
        self.vni = int.from_bytes(datagram[4:7], "big")
        if self.kind != "frame" and self.vni:
            raise ValueError("VNI where none belongs")
        word = int.from_bytes(datagram[8:16], "big")
        self.lane, self.index, self.counter = word >> 60, word >> 40 & 0xFFFFF, word & (1 << 40) - 1


def handshake_header(kind, index):
    return b"\x0d\x00\x00\xff" + bytes(4) + (index << 40 | kind).to_bytes(8, "big")


class Noise:
    """Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b, either side."""

    def __init__(self, prologue, responder_public):
        name = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b"
        self.hash = self.chaining_key = name.ljust(64, b"\0")
        self.key = None
        self.mix_hash(prologue)
        self.mix_hash(responder_public)

    def mix_hash(self, data):
        self.hash = blake2b(self.hash + data, 64)

    def derive(self, secret, count):
        def mac(key, data):
            return hmac.new(key, data, hashlib.blake2b).digest()

        temporary, outputs = mac(self.chaining_key, secret), [b""]
        for number in range(1, count + 1):
            outputs.append(mac(temporary, outputs[-1] + bytes([number])))
        return outputs[1:]

    def mix_key(self, secret):
        self.chaining_key, key = self.derive(secret, 2)
        self.key, self.nonce = key[:32], 0

    def mix_key_and_hash(self, secret):
        self.chaining_key, mixed, key = self.derive(secret, 3)
        self.mix_hash(mixed)
        self.key, self.nonce = key[:32], 0

    def next_nonce(self):
        self.nonce += 1
        return bytes(4) + struct.pack("<Q", self.nonce - 1)

    def encrypt(self, plaintext):
        sealed = ChaCha20Poly1305(self.key).encrypt(self.next_nonce(), plaintext, self.hash)
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed):
        plaintext = ChaCha20Poly1305(self.key).decrypt(self.next_nonce(), sealed, self.hash)
        self.mix_hash(sealed)
        return plaintext

    def ephemeral(self, point):
        self.mix_hash(point)
        self.mix_key(point)

    def split(self):
        return [key[:32] for key in self.derive(b"", 2)]


def macs(receiver_public, message, cookie=None):
    """`message` with mac1 and mac2."""
    message += blake2b(message, 16, blake2b(b"vtep-mac1" + receiver_public, 32))
    return message + (blake2b(message, 16, cookie) if cookie else bytes(16))


class Initiator:
    """`point` takes the place of the ephemeral public key: one of low order, on which nobody agrees but on zero."""

    def __init__(self, private, ephemeral, responder_public, index, payload, point=None):
        self.private, self.ephemeral = private, ephemeral
        header = handshake_header(INITIATION, index)
        self.noise = Noise(b"vtep-1" + header, responder_public)
        shared = bytes(32) if point else agree(ephemeral, responder_public)
        point = point or public_key(ephemeral)
        self.noise.ephemeral(point)
        self.noise.mix_key(shared)
        static = self.noise.encrypt(public_key(private))
        self.noise.mix_key(agree(private, responder_public))
        self.initiation = macs(responder_public, header + point + static + self.noise.encrypt(payload))

    def open(self, response, psk):
        """The response's payload, T1 and T2."""
        point, sealed = response[16:48], response[48:72]
        self.noise.ephemeral(point)
        self.noise.mix_key(agree(self.ephemeral, point))
        self.noise.mix_key(agree(self.private, point))
        self.noise.mix_key_and_hash(psk)
        return self.noise.decrypt(sealed), *self.noise.split()


class Responder:
    def __init__(self, private, initiation):
        header = Header(initiation)
        if header.kind != "handshake" or header.counter != INITIATION or header.lane or len(initiation) != 176:
            raise ValueError("no initiation")
        if macs(public_key(private), initiation[:-32])[-32:-16] != initiation[-32:-16]:
            raise ValueError("mac1")
        self.index = header.index
        self.noise = Noise(b"vtep-1" + initiation[:16], public_key(private))
        self.remote_ephemeral = initiation[16:48]
        self.noise.ephemeral(self.remote_ephemeral)
        self.noise.mix_key(agree(private, self.remote_ephemeral))
        self.remote = self.noise.decrypt(initiation[48:96])
        self.noise.mix_key(agree(private, self.remote))
        self.payload = self.noise.decrypt(initiation[96:144])

    def respond(self, ephemeral, psk, payload):
        """The response, T1 and T2."""
        point, self.shared = public_key(ephemeral), agree(ephemeral, self.remote_ephemeral)
        self.noise.ephemeral(point)
        self.noise.mix_key(self.shared)
        self.noise.mix_key(agree(ephemeral, self.remote))
        self.noise.mix_key_and_hash(psk)
        message = handshake_header(RESPONSE, self.index) + point + self.noise.encrypt(payload)
        return macs(self.remote, message), *self.noise.split()


def transport_key(cipher, secret):
    number, _, size = CIPHERS[cipher]
    return blake2b(b"vtep-transport" + bytes([number]), 32, secret)[:size]


def nonce(header):
    return bytes(3) + bytes([header.lane]) + struct.pack("<Q", header.counter)


def open_datagram(cipher, key, datagram):
    """The plaintext of a frame or a control message; ValueError where it is not authentic."""
    header = Header(datagram)
    if header.kind == "handshake" or len(datagram) <= HEADER_SIZE + TAG_SIZE:
        raise ValueError("framing")
    try:
        return CIPHERS[cipher][1](key).decrypt(nonce(header), datagram[16:], datagram[:16])
    except InvalidTag as error:
        raise ValueError("not authentic") from error


def seal_datagram(cipher, key, header, plaintext):
    return header + CIPHERS[cipher][1](key).encrypt(nonce(Header(header)), plaintext, header)


def cookie(secret, address, port):
    return blake2b(address + port, 16, secret)


def open_cookie(reply, responder_public, mac1):
    key = blake2b(b"vtep-cookie" + responder_public, 32)
    return ChaCha20Poly1305(hchacha20(key, reply[16:32])).decrypt(bytes(4) + reply[32:40], reply[40:], mac1)


def hchacha20(key, block):
    """What makes XChaCha20 of ChaCha20: draft-irtf-cfrg-xchacha, section 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + block))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = state[x] + state[y] & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << turn | mixed >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])
