"""Commands that need no running agent: `check`, `mtu`, `version`, and wrong usage."""

import json
import re

import pytest

from agent import vtep

GOOD = """\
local:
  address: 192.0.2.1
segments:
  - vni: 42
    tap: vx42
peers:
  - name: b
    address: 192.0.2.2
"""

REFUSED = {
    # what is wrong: (replaced, by, line that is named, word that the message has)
    "unknown-key": ("    tap: vx42", "    tap: vx42\n    tpa: x", 6, "tpa"),
    "vni-too-large": ("vni: 42", "vni: 16777216", 4, "16777215"),
    "vni-not-a-number": ("vni: 42", "vni: blue", 4, "blue"),
    "vni-twice": ("    tap: vx42", "    tap: vx42\n  - vni: 42\n    tap: vx43", 6, "42"),
    "tap-twice": ("    tap: vx42", "    tap: vx42\n  - vni: 43\n    tap: vx42", 7, "vx42"),
    "tap-too-long": ("tap: vx42", "tap: a-name-of-16-chr", 5, "15"),
    "address-not-one": ("address: 192.0.2.1", "address: 192.0.2.256", 2, "192.0.2.256"),
    "key-twice": ("    tap: vx42", "    tap: vx42\n    tap: vx42", 6, "tap"),
    "own-address-as-peer": ("address: 192.0.2.2", "address: 192.0.2.1", 8, "192.0.2.1"),
    "other-family": ("address: 192.0.2.2", "address: 2001:db8::2", 8, "IPv"),
    "peer-with-unknown-segment": ("address: 192.0.2.2", "address: 192.0.2.2\n    segments: [43]", 9, "43"),
    "entry-with-unknown-peer": ("tap: vx42", "tap: vx42\n    fdb: [{mac: \"02:00:00:00:00:02\", peer: z}]", 6, "z"),
    "multicast-mac": ("    tap: vx42", "    tap: vx42\n    mac: 01:00:5e:00:00:01", 6, "01:00:5e:00:00:01"),
    "not-a-duration": ("    tap: vx42", "    tap: vx42\n    ageing: soon", 6, "soon"),
    "port-out-of-range": ("address: 192.0.2.1", "address: 192.0.2.1\n  port: 65536", 3, "65535"),
    "workers-out-of-range": ("local:", "workers: 16\nlocal:", 1, "15"),
    "sealed-is-not-built": ("    tap: vx42", "    tap: vx42\n    sealed: true", 6, "sealed"),
    "local-missing": ("local:\n  address: 192.0.2.1\n", "", 1, "local"),
    "unknown-section": ("peers:", "pears: []\npeers:", 6, "pears"),
    "bridge-too-long": ("tap: vx42", "tap: vx42\n    bridge: a-name-of-16-chr", 6, "15"),
    "mtu-not-a-number": ("tap: vx42", "tap: vx42\n    mtu: large", 6, "large"),
    "mac-not-one": ("tap: vx42", "tap: vx42\n    mac: 02:00:00:00:00", 6, "02:00:00:00:00"),
    "dscp-out-of-range": ("tap: vx42", "tap: vx42\n    dscp: 64", 6, "63"),
    "source-ports-out-of-range": ("address: 192.0.2.1", "address: 192.0.2.1\n  source-ports: 0", 3, "1"),
    "not-a-boolean": ("tap: vx42", "tap: vx42\n    learning: perhaps", 6, "perhaps"),
    "not-a-choice": ("tap: vx42", "tap: vx42\n    vlan: maybe", 6, "pass"),
    "address-without-length": ("tap: vx42", "tap: vx42\n    address: [10.42.0.1]", 6, "10.42.0.1"),
    "peer-name-twice": ("address: 192.0.2.2", "address: 192.0.2.2\n  - name: b\n    address: 192.0.2.3", 9, "b"),
    "peer-address-twice": ("address: 192.0.2.2", "address: 192.0.2.2\n  - name: c\n    address: 192.0.2.2", 10,
                           "192.0.2.2"),
    "tap-missing": ("  - vni: 42\n    tap: vx42", "  - vni: 42", 4, "tap"),
    "list-expected": ("segments:\n  - vni: 42\n    tap: vx42", "segments: 42", 3, "list"),
    "not-yaml": ("segments:", "segments: [", None, ""),
}


def written(tmp_path, text):
    path = tmp_path / "vtep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_accepts_a_good_configuration_in_silence(tmp_path):
    done = vtep("check", "--config", written(tmp_path, GOOD))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("case", REFUSED)
def test_check_refuses_with_file_and_line_and_78(tmp_path, case):
    old, new, line, word = REFUSED[case]
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    done = vtep("check", "--config", path)
    assert done.returncode == 78, done
    where = re.match(re.escape(str(path)) + r":(\d+): .{10,}", done.stderr)
    assert where, f"not FILE:LINE: what is wrong: {done.stderr}"
    assert line in (None, int(where[1])) and word in done.stderr, done.stderr
    assert done.stdout == ""


def test_run_refuses_the_same_before_anything_is_started(lab):
    agent = lab.agent(start=False, segments=[{"vni": 42, "tap": "vx42"}, {"vni": 42, "tap": "vx43"}])
    agent.launch()
    assert agent.process.wait(timeout=5) == 78
    assert lab.h1.link("vx42") is None and f"{agent.config_path}:" in agent.stderr()


@pytest.mark.parametrize("options, overhead, names", (
    ((), 50, 4), (("--ipv6",), 70, 4), (("--sealed",), 74, 5), (("--ipv6", "--sealed"), 94, 5), (("--vlan",), 54, 5)),
    ids=str)
def test_mtu_lists_the_headers_that_add_up_to_the_overhead(options, overhead, names):
    done = vtep("mtu", "--underlay-mtu", 1500, *options, "-j")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"underlay-mtu", "overhead", "overlay-mtu", "headers"}
    assert (answer["underlay-mtu"], answer["overhead"], answer["overlay-mtu"]) == (1500, overhead, 1500 - overhead)
    assert all(set(header) == {"name", "bytes"} for header in answer["headers"])
    assert sum(header["bytes"] for header in answer["headers"]) == overhead
    assert len(answer["headers"]) >= names
    shown = vtep("mtu", "--underlay-mtu", 1500, *options)
    assert str(overhead) in shown.stdout and str(1500 - overhead) in shown.stdout


@pytest.mark.parametrize("arguments", (("nonsense",), ("run",), ("run", "--config"), ("fdb", "--nonsense"), ("check",),
                                       ("mtu", "--underlay-mtu", "many")), ids=" ".join)
def test_wrong_usage_exits_64_with_the_message_on_standard_error(arguments):
    done = vtep(*arguments)
    assert done.returncode == 64 and done.stderr.strip() and done.stdout == ""


def test_version_is_printed_on_standard_output():
    done = vtep("version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout)
