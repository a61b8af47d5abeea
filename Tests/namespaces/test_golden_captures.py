"""The captures of Tests/captures, and mutations of them, under `vtep verify` and `vtep capture -r`. Needs no root."""

import json
import os
import re

import pytest

import golden
from agent import vtep
from conftest import full
from golden import EXPECTED, FOLDER, generate
from verifying import Judgement

WARNINGS = {name for name, each in EXPECTED.items() if each["findings"] and each["exit"] == 0}
MUTATIONS = 100_000 if full() else 500


def judge(name, *options):
    """What verify says of a capture with its own options, run where the key log lies."""
    return Judgement(name, *EXPECTED[name]["options"], *options, cwd=FOLDER)


def test_the_files_are_what_the_script_makes():
    made = generate.made()
    lying = {name for name in os.listdir(FOLDER) if not name.endswith((".py", ".md")) and name != "__pycache__"}
    assert lying == set(made)
    for name, data in made.items():
        with open(f"{FOLDER}/{name}", "rb") as file:
            assert file.read() == data, f"{name} is not what Tests/captures/generate.py makes"


def test_every_rule_has_a_capture_that_breaks_it_and_one_that_does_not():
    listed = vtep("verify", "--rules")
    assert listed.returncode == 0, listed.stderr
    rules = dict(re.findall(r"^([a-z0-9-]+) +(error|warning) ", listed.stdout, re.MULTILINE))
    for kind in ("broken", "whole"):
        assert {name.split(".")[0].removeprefix("opened-") for name in EXPECTED if f".{kind}." in name} == set(rules)
    assert {rule for rule, severity in rules.items() if severity == "warning"} == generate.WARNINGS


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_is_judged_as_expected(name):
    judged, expected = judge(name), EXPECTED[name]
    assert judged.status == expected["exit"], judged
    if expected["findings"] is not None:
        assert judged.findings() == expected["findings"], judged
    if expected["exit"] == 2:
        assert judged.messages, "nothing says why it could not judge"
    else:
        assert judged.report["verdict"] == ("fail" if expected["exit"] else "pass")
        for rule, severity in judged.severities().items():
            assert severity == ("warning" if rule in generate.WARNINGS else "error")


@pytest.mark.parametrize("name", sorted(WARNINGS))
def test_warnings_fail_a_capture_when_it_is_judged_strictly(name):
    judged = judge(name, "--strict")
    assert judged.status == 1 and judged.report["verdict"] == "fail", judged
    assert judged.findings() == EXPECTED[name]["findings"]


def test_a_capture_from_standard_input_is_judged_as_from_a_file():
    with open(f"{FOLDER}/reserved-bits.broken.pcap", "rb") as file:
        judged = Judgement("-", stdin=file)
    assert judged.status == 1 and judged.findings() == EXPECTED["reserved-bits.broken.pcap"]["findings"], judged


def mutated(chance, data):
    """The bytes with a few of them changed, cut, doubled or left out."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            del data[at:at + chance.randint(1, 40)]
        elif kind == 2:
            data[at:at] = data[at:at + chance.randint(1, 40)]
        elif kind == 3:
            data[at:at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\0\0\0\x80", b"\xff\xff\0\0"))
        elif at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def test_no_mutation_of_a_capture_ends_verify_or_capture_by_a_signal(tmp_path):
    chance, path = golden.chance(), str(tmp_path / "mutated")
    originals = [(name, data) for name, data in generate.made().items() if name in EXPECTED]
    for number in range(MUTATIONS):
        name, original = chance.choice(originals)
        with open(path, "wb") as file:
            file.write(mutated(chance, original))
        judged = Judgement(path, *EXPECTED[name]["options"], cwd=FOLDER)
        assert judged.status in (0, 1, 2), f"mutation {number} of {name}: {judged}"
        assert judged.status == 2 or judged.report["verdict"] == ("fail" if judged.status else "pass")
        shown = vtep("capture", "-r", path, "-j")
        assert shown.returncode in (0, 1), f"mutation {number} of {name}: {shown.returncode}, {shown.stderr}"
        for line in shown.stdout.splitlines():
            json.loads(line)
