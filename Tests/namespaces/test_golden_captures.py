"""The captures of Tests/captures, and mutations of them, under `vtep verify` and `vtep capture -r`. Needs no root."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree

import pytest

import golden
from agent import binary, vtep, yaml
from conftest import full
from golden import EXPECTED, FOLDER, Conversation, Trace, generate, pcap, pcapng
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
        assert judged.report["file"] == name and judged.report["message"] in judged.messages
        assert judged.report.get("verdict") in (None, "pass")
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


def test_a_file_that_cannot_be_read_is_in_every_report(tmp_path):
    whole, junit = f"{FOLDER}/reserved-bits.whole.pcap", tmp_path / "junit.xml"
    judged = Judgement("/nosuch", "--junit", junit)
    assert judged.status == 2 and judged.report["file"] == "/nosuch" and judged.report["message"], judged
    assert "verdict" not in judged.report and judged.report["packets"] == 0 and judged.report["findings"] == []
    suite, = xml.etree.ElementTree.parse(junit).getroot()
    assert suite.get("errors") == "1" and suite.find(".//error").get("message") == judged.report["message"]
    judged = Judgement(whole, "/nosuch", f"{FOLDER}/truncated-whole.pcap", "--junit", junit)
    assert judged.status == 2
    assert [(each.get("verdict"), "message" in each) for each in judged.report] == [
        ("pass", False), (None, True), ("pass", True)]
    suites = xml.etree.ElementTree.parse(junit).getroot()
    assert [suite.get("errors") for suite in suites] == ["0", "1", "1"]


@pytest.mark.parametrize("options", ([], ["--json"], ["--rules"], ["--compare"]))
def test_a_verdict_that_cannot_be_written_is_none(options):
    file = f"{FOLDER}/reserved-bits.whole.pcap"
    files = {"--rules": [], "--compare": [file, file]}.get("".join(options), [file])
    with open("/dev/full", "w", encoding="utf-8") as full_disk:
        done = subprocess.run([binary(), "verify", *options, *files],
                              stdout=full_disk, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2, done.stderr


def test_the_configuration_says_what_is_sealed(tmp_path):
    path, sealed = tmp_path / "vtep.yaml", f"{FOLDER}/clear-traffic.broken.pcap"
    path.write_text(yaml({
        "local": {"address": "192.0.2.1", "private-key-file": "/nosuch"},
        "segments": [{"vni": 42, "tap": "vx42", "sealed": True}, {"vni": 43, "tap": "vx43", "mtu": 1400}],
        "peers": []}))
    assert "clear-traffic" not in Judgement(sealed).findings()
    judged = Judgement(sealed, "--config", path)
    assert judged.status == 1 and judged.findings()["clear-traffic"] == \
        EXPECTED["clear-traffic.broken.pcap"]["findings"]["clear-traffic"], judged
    path.write_text("local: {}\nnosuch: 1\n")
    refused = Judgement(sealed, "--config", path)
    assert refused.status == 78 and "nosuch" in refused.messages, refused


@pytest.mark.parametrize("line", (
    "--compare a b --junit x", "--compare a b --strict", "--compare a b -i lo", "--compare a b --live",
    "--compare a b --expect vni=1", "--compare a b --sealed 1", "--compare a b --port 1,2", "--compare a b --target x",
    "--compare a b --config x", "--live --canary --vni 1 --junit x", "--live --canary --vni 1 --keys x",
    "--live --canary --vni 1 --strict", "--live --canary --vni 1 --port 1", "a --target x", "a --device x"))
def test_an_option_that_does_not_apply_is_refused(line):
    assert vtep("verify", *line.split()).returncode == 64


def compare(*arguments):
    """Exit status and report (or messages) of a comparison."""
    done = vtep("verify", "-j", "--compare", *arguments)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def written(path, data):
    """The path of a file with these bytes."""
    path.write_bytes(data)
    return path


def test_captures_are_compared_for_the_time_and_the_hosts_that_both_have(tmp_path):
    talk, other, trace = Conversation(42), Conversation(42), Trace()
    trace.add(*(talk.good() for _ in range(6)))
    first = written(tmp_path / "a", pcap(trace.records))
    for part, outside in ((trace.records[2:], 2), (trace.records[:5], 1), (trace.records[1:4], 3)):
        status, report = compare(first, written(tmp_path / "b", pcap(part)))
        assert status == 0 and report["a"]["outside"] == outside and report["b"]["outside"] == 0, report
    status, report = compare(first, written(tmp_path / "b", pcap(trace.records[:2] + trace.records[3:])))
    assert status == 1 and report["ways"][0]["lost"] == 1, report
    third = Trace()
    third.add(*(each[1] for each in trace.records[:3]), other.good(hosts=(1, 3)))
    third.add(*(each[1] for each in trace.records[3:]))
    status, report = compare(written(tmp_path / "c", pcap(third.records)), first)
    assert status == 0 and report["a"]["elsewhere"] == 1, report


@pytest.mark.parametrize("times", (
    (0, 1, 2), (9223372036, 0, 9223372037), (9223372037, 0, 9223372036), (1 << 54, 1 << 54, 0),
    ((1 << 63) // 10**9, 0, 1), ((1 << 64) - 1, 0, 1 << 63)))
def test_no_time_of_a_capture_ends_a_comparison_by_a_signal(tmp_path, times):
    talk, others = Conversation(42), ((0, 1, 2), (1, 0, 1 << 54), times)
    packets = [talk.good() for _ in times]

    def capture(name, ticks):
        records = [(tick, packet, len(packet)) for tick, packet in zip(ticks, packets)]
        return written(tmp_path / name, pcapng(records, unit=0))

    for other in others:
        for paths in ((capture("a", times), capture("b", other)), (capture("b", other), capture("a", times))):
            status, report = compare(*paths)
            assert status in (0, 1, 2), f"{status}: {report}"


def test_no_mutation_of_a_capture_ends_a_comparison_by_a_signal(tmp_path):
    chance, path = golden.chance(), tmp_path / "mutated"
    originals = [(name, data) for name, data in generate.made().items() if name in EXPECTED]
    for number in range(MUTATIONS // 3):
        name, original = chance.choice(originals)
        paths = [written(path, mutated(chance, original)), f"{FOLDER}/{name}"]
        status, report = compare(*(paths if number % 2 else reversed(paths)))
        assert status in (0, 1, 2), f"mutation {number} of {name}: {status}, {report}"


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
