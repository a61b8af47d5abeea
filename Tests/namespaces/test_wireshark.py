"""The dissector for Wireshark says of every datagram of the vector what the decoder in Python says, and bears all."""

import os
import random

import pytest

from dissector import expected, fields, tshark, write
from test_sealing_vector import vector

ROUNDS = 20_000 if os.environ.get("VTEP_FULL") else 2_000


@pytest.fixture
def datagrams(vector):
    """The datagrams of the vector."""
    return [data for name, data in vector.items()
            if name.split()[-1] in ("confirm", "probe", "answer", "frame", "initiation", "response", "reply")]


def test_the_fields_of_every_datagram_of_the_vector_are_those_of_the_decoder(datagrams, tmp_path):
    write(tmp_path / "vector.pcap", datagrams)
    assert fields(tmp_path / "vector.pcap") == [expected(each) for each in datagrams]
    assert len(datagrams) == 11


def test_a_key_log_names_the_datagrams_that_there_are_keys_for(datagrams, tmp_path):
    write(tmp_path / "vector.pcap", datagrams)
    (tmp_path / "keys").write_text("# keys\nVTEP_TRANSPORT_KEY 12345 aes256gcm 00 T -\n"
                                   "VTEP_TRANSPORT_KEY 12345 chacha20poly1305 00 T -\nnonsense\n")
    found = fields(tmp_path / "vector.pcap", "-o", f"vtep.key_log:{tmp_path}/keys")
    has_key = [each.get("index") == "0x012345" for each in found]
    assert [each.get("key") for each in found] == ["aes256gcm, chacha20poly1305" if has else None for has in has_key]
    assert any(has_key)


def test_another_port_may_be_said(datagrams, tmp_path):
    write(tmp_path / "vector.pcap", datagrams)
    assert tshark(tmp_path / "vector.pcap", "-Y", "vtep", "-o", "vtep.port:4791") == ""


def test_no_cut_or_changed_datagram_makes_an_error_and_whole_ones_are_judged_as_by_the_decoder(datagrams, tmp_path):
    seed = int(os.environ.get("VTEP_SEED", random.randrange(1 << 32)))
    print(f"VTEP_SEED={seed}")
    chance = random.Random(seed)

    def changed(data):
        data = bytearray(data[:chance.randrange(1, len(data) + 1)] + chance.randbytes(chance.choice((0, 0, 0, 3))))
        for _ in range(chance.randrange(3)):
            data[chance.randrange(min(len(data), 18))] = chance.choice((0, 1, 0x0C, 0xFE, chance.randrange(256)))
        return bytes(data)

    payloads = [changed(chance.choice(datagrams)) for _ in range(ROUNDS)]
    write(tmp_path / "whole.pcap", payloads)
    for payload, found in zip(payloads, fields(tmp_path / "whole.pcap"), strict=True):
        wanted = expected(payload)
        assert found.get("kind") == wanted.get("kind"), payload.hex()
        assert not wanted or found == wanted, payload.hex()
    write(tmp_path / "cut.pcap", payloads, cut=lambda frame: frame[:chance.randrange(len(frame) + 1)])
    tshark(tmp_path / "cut.pcap", "-V")
