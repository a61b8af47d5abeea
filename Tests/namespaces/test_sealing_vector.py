"""The vector of docs/sealing-format.md, read by a decoder that is not ours in any part."""

import pathlib
import re

import pytest

import sealing

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "sealing-format.md"
DATA_CIPHERS = ["aes256gcm", "chacha20poly1305"]


@pytest.fixture(scope="module")
def vector():
    """The fields of the page's vector by name."""
    block = re.search(r"```vector\n(.*?)\n```", PAGE.read_text(), re.S).group(1)
    fields = {}
    for line in block.split("\n"):
        if not line.startswith(" "):
            name, line = line.split(":")
            fields[name] = b""
        fields[name] += bytes.fromhex(line.strip())
    assert len(fields) > 30
    return fields


@pytest.fixture
def initiator(vector):
    header = sealing.Header(vector["initiation"])
    return sealing.Initiator(vector["initiator private key"], vector["initiator ephemeral private key"],
                             vector["responder public key"], header.index, vector["initiation payload"])


def test_public_keys_and_the_name_of_the_pre_shared_key_follow_from_the_secrets(vector):
    for side in ("initiator", "responder"):
        assert sealing.public_key(vector[f"{side} private key"]) == vector[f"{side} public key"]
    assert sealing.blake2b(b"vtep-psk-id" + vector["pre-shared key"], 32)[:4] == vector["pre-shared key id"]


def test_the_initiator_writes_the_initiation_and_opens_the_response(vector, initiator):
    assert initiator.initiation == vector["initiation"] and len(initiator.initiation) == 176
    opened = initiator.open(vector["response"], vector["pre-shared key"])
    assert opened == (vector["response payload"], vector["T1"], vector["T2"])


def test_the_responder_opens_the_initiation_and_writes_the_response(vector):
    responder = sealing.Responder(vector["responder private key"], vector["initiation"])
    assert responder.remote == vector["initiator public key"]
    assert responder.payload == vector["initiation payload"]
    written = responder.respond(vector["responder ephemeral private key"], vector["pre-shared key"],
                                vector["response payload"])
    assert written == (vector["response"], vector["T1"], vector["T2"]) and len(written[0]) == 104


def test_the_payloads_say_what_the_page_says(vector):
    payload = vector["initiation payload"]
    assert payload == (b"\x00\x03\x00\x00" + vector["pre-shared key id"] + bytes(4) + bytes(range(1, 9))
                       + (9).to_bytes(8, "big") + bytes(4))
    cipher, index = vector["response payload"][:2], int.from_bytes(vector["response payload"][4:], "big")
    assert cipher == b"\x00\x02" and index == sealing.Header(vector["chacha20poly1305 frame"]).index


@pytest.mark.parametrize("cipher", sealing.CIPHERS)
def test_keys_follow_from_the_split(vector, cipher):
    for secret in ("T1", "T2"):
        assert sealing.transport_key(cipher, vector[secret]) == vector[f"{cipher} key from {secret}"]


@pytest.mark.parametrize("cipher", DATA_CIPHERS)
def test_datagrams_open_and_are_written_again(vector, cipher):
    token = bytes.fromhex("1122334455667788")
    expected = {
        "confirm": ("T1", bytes(16)),
        "probe": ("T1", b"\x01\0\0\0" + (100).to_bytes(4, "big") + token + bytes(52)),
        "probe answer": ("T2", b"\x02\0\0\0" + (100).to_bytes(4, "big") + token),
        "frame": ("T1", bytes(range(60))),
    }
    for name, (secret, plaintext) in expected.items():
        datagram, key = vector[f"{cipher} {name}"], vector[f"{cipher} key from {secret}"]
        assert sealing.open_datagram(cipher, key, datagram) == plaintext, name
        assert sealing.seal_datagram(cipher, key, datagram[:16], plaintext) == datagram, name
    assert len(vector[f"{cipher} probe"]) == 100
    frame = sealing.Header(vector[f"{cipher} frame"])
    assert (frame.kind, frame.vni, frame.lane, frame.counter) == ("frame", 0x010203, 1, 1)
    probe = sealing.Header(vector[f"{cipher} probe"])
    assert (probe.kind, probe.vni, probe.lane, probe.counter) == ("control", 0, 15, 1)


@pytest.mark.parametrize("cipher", DATA_CIPHERS)
def test_no_changed_bit_of_a_frame_passes_the_decoder(vector, cipher):
    datagram, key = vector[f"{cipher} frame"], vector[f"{cipher} key from T1"]
    for bit in range(8 * len(datagram)):
        changed = bytearray(datagram)
        changed[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(ValueError):
            sealing.open_datagram(cipher, key, bytes(changed))


def test_the_cookie_is_made_carried_and_used_as_the_page_says(vector):
    cookie = sealing.cookie(vector["cookie secret"], vector["cookie source address"], vector["cookie source port"])
    assert cookie == vector["cookie"]
    mac1 = vector["initiation"][-32:-16]
    assert sealing.open_cookie(vector["cookie reply"], vector["responder public key"], mac1) == cookie
    with_cookie = sealing.macs(vector["responder public key"], vector["initiation"][:-32], cookie)
    assert with_cookie[-16:] == vector["mac2 of the initiation with the cookie"]
    assert with_cookie[:-16] == vector["initiation"][:-16]
