"""`vtep verify` and `vtep capture -r` against independent decoders, packet by packet: tshark and tcpdump on plain
captures, sealing.py on sealed ones."""

import json
import os

import pytest

import decoders
import faults
import golden
import sealing
from agent import vtep
from conftest import full
from golden import EXPECTED, FOLDER, generate, sealed_rules
from lab import Lab
from sealed import ROOMY
from test_superframes import V4, V6, Pair
from transfer import blocks, tcp_hash, udp_bytes
from verifying import Judgement

PARTIAL = {"outer-udp-checksum.whole.pcap", "oversize.whole.pcap"}
"""Of datagrams whose checksum is left to the card, which tshark calls wrong."""
PARTS = {"outer-fragment.broken.pcap"}
"""Of parts of a datagram, whose checksum tshark takes for the whole one's."""
OTHERS = {"header-short.broken.pcap", "vlan-tag.whole.pcap"}
"""Of half a header, and of an outer tag: tshark shows the one, and has other first fields for the other."""
NO_VXLAN_TO_TCPDUMP = 49_152
"""A source port by which tcpdump takes what follows for Broadcom's LI-SHIM."""
PLAIN = sorted({f"{name.replace('_', '-')}.{kind}.pcap" for module, names in generate.RULES.items() for name in names
                if module is not sealed_rules for kind in ("broken", "whole")} - PARTIAL - PARTS - OTHERS)
FOLDER_OF_OTHERS = os.environ.get("VTEP_VECTORS") or os.path.join(faults.ROOT, "..", "shared", "vectors")
"""Not part of the repository. Where somebody asked for them, and in continuous integration, a missing one fails."""
WANTS_OTHERS = "VTEP_VECTORS" in os.environ or "CI" in os.environ or os.path.exists(FOLDER_OF_OTHERS)
VECTORS = (("/gopacket/vxlan_test", 4789), ("/tcpdump/vxlan", 4789), ("/tcpdump/vxlan_port_8472", 8472))
OPENED = 20_000 if full() else 400


def shown(path, *options):
    """The objects that `vtep capture -r -j` prints."""
    done = vtep("capture", "-r", path, "-j", *options)
    assert done.returncode == 0, f"vtep capture: {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def agree(path, port=4789, options=(), rules=decoders.JUDGED):
    """Fails unless tshark, tcpdump, `vtep capture` and `vtep verify` say the same of each plain datagram.

    Returns what tshark decoded.
    """
    decoded = decoders.tshark(path, port)
    plain = [each for each in shown(path, "--port", port) if each["kind"] == "vxlan" and "vni" in each]
    described = [each.described() for each in decoded if each.vni is not None]
    plain = firsts(plain, described)
    assert [{key: each.get(key) for key in described[0]} for each in plain] == described
    printed = [tuple(each[key] for key in ("source", "source-port", "destination", "vni")) for each in plain]
    assert [each for each in printed if each[1] != NO_VXLAN_TO_TCPDUMP] == decoders.tcpdump(path, port)
    broken = {}
    for each in decoded:
        for rule in each.broken() & rules:
            broken.setdefault(rule, []).append(each.number)
    judged = Judgement(path, "--port", port, *options).findings()
    assert {rule: packets for rule, packets in judged.items() if rule in rules} == broken
    return decoded


def firsts(datagrams, described):
    """The first datagram of each packet, of the length of all where several were joined to one packet: the others see
    the first, and take what follows for its frame."""
    rest, found = iter(datagrams), []
    for other in described:
        first = next(rest, None)
        if first is None:
            break
        byte_count = first["inner-length"]
        while byte_count < other["inner-length"] and (more := next(rest, None)):
            byte_count += 8 + more["inner-length"]
        length = first["length"] + byte_count - first["inner-length"]
        found.append({**first, "length": length, "inner-length": byte_count})
    return [*found, *rest]


@pytest.mark.parametrize("name", PLAIN)
def test_golden_captures_are_to_tshark_and_tcpdump_what_they_are_to_verify(name):
    assert agree(f"{FOLDER}/{name}", options=EXPECTED[name]["options"]), "nothing was compared"


@pytest.mark.skipif(not WANTS_OTHERS, reason="no captures of other implementations; set VTEP_VECTORS to their folder")
@pytest.mark.parametrize("name,port", VECTORS)
def test_captures_of_others_are_to_tshark_and_tcpdump_what_they_are_to_verify(name, port):
    assert agree(f"{FOLDER_OF_OTHERS}{name}.pcap", port), "nothing was compared"


@pytest.mark.parametrize("is_wire", (True, False), ids=("cut", "superframes"))
@pytest.mark.parametrize("family", ("v4", "v6"))
def test_real_traffic_is_to_tshark_and_tcpdump_what_it_is_to_verify(family, is_wire):
    """ARP, neighbour discovery, UDP in parts and TCP of both inner families. Superframes have bare pseudo-header sums,
    which tshark calls wrong."""
    rules = decoders.JUDGED if is_wire else decoders.JUDGED - {"outer-udp-checksum"}
    with Lab(family=family, wire=is_wire, quiet=False) as lab:
        # The kernel repeats its reports of multicast groups. Of what arrives it may have joined several.
        direction = "out" if is_wire else "inout"
        capture = lab.capture(allows=("duplicate",), direction=direction, **ROOMY)
        Pair(lab)
        data, expected = blocks(1_000_000)
        for address in (V4[1], V6[1]):
            assert tcp_hash(lab.h1, lab.h2, address, *data) == expected
            assert udp_bytes(lab.h1, lab.h2, address, bytes(5000)) is not None
        capture.close()
        assert len(agree(capture.path, rules=rules)) > 30


def test_what_opens_for_verify_and_capture_opens_for_a_decoder_of_the_documented_format(tmp_path):
    """Datagrams of two ciphers, half of them with a bit turned somewhere."""
    chance, seals, trace = golden.chance(), sealed_rules.SealedConversation(), golden.Trace()
    keys, payloads = tmp_path / "keys", []
    for _ in range(OPENED):
        index = chance.choice(list(sealed_rules.KEYS))
        payload = bytearray(seals.payload(index=index, lane=chance.randrange(15)))
        if chance.random() < 0.5:
            payload[chance.randrange(4, len(payload))] ^= 1 << chance.randrange(8)
        payloads.append(bytes(payload))
        trace.add(sealed_rules.wire(bytes(payload)))
    keys.write_text(sealed_rules.key_log(), encoding="ascii")
    keys.chmod(0o600)
    path = str(tmp_path / "sealed.pcap")
    with open(path, "wb") as file:
        file.write(golden.pcap(trace.records))
    said = [each.get("opening") for each in shown(path, "--keys", str(keys))]
    expected = [by_the_decoder(payload) for payload in payloads]
    assert {"opened", "failed", "no-key", None} >= set(said) and said.count("opened") > OPENED / 3
    assert said == expected
    failed = [number for number, each in enumerate(expected, 1) if each == "failed"]
    assert Judgement(path, "--keys", str(keys)).findings().get("authentication") == failed


def by_the_decoder(payload):
    """What `vtep capture --keys` is to say of a datagram; None where it is none."""
    try:
        header = sealing.Header(payload)
    except ValueError:
        return None
    if header.index not in sealed_rules.KEYS:
        return "no-key"
    try:
        sealing.open_datagram(*sealed_rules.KEYS[header.index], payload)
        return "opened"
    except ValueError:
        return "failed"
