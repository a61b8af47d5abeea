"""Commands that need no running agent: `check`, `mtu`, `version`, and wrong usage."""

import json
import re
import select
import socket
import subprocess

import pytest

from agent import binary, vtep
from lab import Lab

RTMGRP_LINK = 1

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
    # what is wrong: (replaced, by, line that is named, words that only the right message has)
    "unknown-key": ("    tap: vx42", "    tap: vx42\n    tpa: x", 6, "did you mean tap?"),
    "vni-too-large": ("vni: 42", "vni: 16777216", 4, "0 to 16777215"),
    "vni-not-a-number": ("vni: 42", "vni: blue", 4, "not a decimal number"),
    "vni-twice": ("    tap: vx42", "    tap: vx42\n  - vni: 42\n    tap: vx43", 6,
                  "the VNI 42 is used already in line 4"),
    "tap-twice": ("    tap: vx42", "    tap: vx42\n  - vni: 43\n    tap: vx42", 7,
                  "the TAP vx42 is used already in line 5"),
    "tap-too-long": ("tap: vx42", "tap: a-name-of-16-chr", 5, "1 to 15"),
    "address-not-one": ("address: 192.0.2.1", "address: 192.0.2.256", 2, "not an IP address"),
    "key-twice": ("    tap: vx42", "    tap: vx42\n    tap: vx42", 6, "the key tap stands twice"),
    "own-address-as-peer": ("address: 192.0.2.2", "address: 192.0.2.1", 8, "is local.address"),
    "other-family": ("address: 192.0.2.2", "address: 2001:db8::2", 8, "write an IPv4 address"),
    "peer-with-unknown-segment": ("address: 192.0.2.2", "address: 192.0.2.2\n    segments: [43]", 9,
                                  "no segment has the VNI 43"),
    "entry-with-unknown-peer": ("tap: vx42", "tap: vx42\n    fdb: [{mac: \"02:00:00:00:00:02\", peer: z}]", 6,
                                "no peer has the name z"),
    "multicast-mac": ("    tap: vx42", "    tap: vx42\n    mac: 01:00:5e:00:00:01", 6, "multicast address"),
    "not-a-duration": ("    tap: vx42", "    tap: vx42\n    ageing: soon", 6, "not a duration"),
    "port-out-of-range": ("address: 192.0.2.1", "address: 192.0.2.1\n  port: 65536", 3, "1 to 65535"),
    "workers-out-of-range": ("local:", "workers: 16\nlocal:", 1, "1 to 15"),
    "sealed-without-a-key": ("    tap: vx42", "    tap: vx42\n    sealed: true", 2, "private-key-file"),
    "local-missing": ("local:\n  address: 192.0.2.1\n", "", 1, "lacks the key local"),
    "unknown-section": ("peers:", "pears: []\npeers:", 6, "did you mean peers?"),
    "bridge-too-long": ("tap: vx42", "tap: vx42\n    bridge: a-name-of-16-chr", 6, "1 to 15"),
    "mtu-not-a-number": ("tap: vx42", "tap: vx42\n    mtu: large", 6, "auto or is a number from 68"),
    "mac-not-one": ("tap: vx42", "tap: vx42\n    mac: 02:00:00:00:00", 6, "not a MAC address"),
    "dscp-out-of-range": ("tap: vx42", "tap: vx42\n    dscp: 64", 6, "0 to 63"),
    "source-ports-out-of-range": ("address: 192.0.2.1", "address: 192.0.2.1\n  source-ports: 0", 3, "1 to 1024"),
    "not-a-boolean": ("tap: vx42", "tap: vx42\n    learning: perhaps", 6, "write true or false"),
    "not-a-choice": ("tap: vx42", "tap: vx42\n    vlan: maybe", 6, "write drop or pass"),
    "address-without-length": ("tap: vx42", "tap: vx42\n    address: [10.42.0.1]", 6, "address with a prefix length"),
    "peer-name-twice": ("address: 192.0.2.2", "address: 192.0.2.2\n  - name: b\n    address: 192.0.2.3", 9,
                        "the peer name b is used already in line 7"),
    "peer-address-twice": ("address: 192.0.2.2", "address: 192.0.2.2\n  - name: c\n    address: 192.0.2.2", 10,
                           "the peer address 192.0.2.2 is used already in line 8"),
    "tap-missing": ("  - vni: 42\n    tap: vx42", "  - vni: 42", 4, "lacks the key tap"),
    "list-expected": ("segments:\n  - vni: 42\n    tap: vx42", "segments: 42", 3, "segments must be a list"),
    "not-yaml": ("segments:", "segments: [", 4, "not YAML"),
}


def written(tmp_path, text):
    path = tmp_path / "vtep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_accepts_a_good_configuration_in_silence(tmp_path):
    done = vtep("check", "--config", written(tmp_path, GOOD))
    assert (done.returncode, done.stderr) == (0, "")


def test_check_fails_when_its_answer_cannot_be_written(tmp_path):
    with open("/dev/full", "w", encoding="ascii") as full:
        line = [binary(), "check", "--config", written(tmp_path, GOOD)]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "standard output" in done.stderr, done


@pytest.mark.parametrize("case", REFUSED)
def test_check_refuses_with_file_and_line_and_78(tmp_path, case):
    path = broken(tmp_path, case)
    done = vtep("check", "--config", path)
    judge_refusal(done, path, case)


def broken(directory, case, text=GOOD):
    """The path of a file with the broken configuration."""
    old, new, _, _ = REFUSED[case]
    assert text.count(old) >= 1
    return written(directory, text.replace(old, new, 1))


def judge_refusal(done, path, case):
    """Status 78, nothing on standard output, and one message: FILE:LINE: what is wrong and what would be right."""
    _, _, line, words = REFUSED[case]
    assert (done.returncode, done.stdout) == (78, ""), done
    where = re.match(re.escape(str(path)) + r":(\d+): .{10,}", done.stderr)
    assert where, f"not FILE:LINE: what is wrong: {done.stderr}"
    assert int(where[1]) == line and words in done.stderr, done.stderr


@pytest.fixture(scope="module")
def watched_host():
    """A host whose VXLAN port is taken, and a socket that hears of every device that comes or goes there."""
    with Lab() as lab, lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, 4789), \
            lab.h1.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as devices:
        devices.bind((0, RTMGRP_LINK))
        devices.setblocking(False)
        yield lab.h1, devices


def heard(devices):
    """Whether the kernel told of a device."""
    return bool(select.select([devices], [], [], 0.02)[0])


@pytest.mark.parametrize("case", REFUSED)
def test_run_refuses_the_same_and_makes_no_tap_binds_no_port_and_opens_no_socket(watched_host, tmp_path, case):
    host, devices = watched_host
    control = tmp_path / "control"
    control.mkdir()
    path = broken(tmp_path, case, f"{GOOD}control:\n  socket: {control}/socket\n")
    before = control.stat().st_mtime_ns
    done = host.run(binary(), "run", "--config", path, check=False, timeout=60)
    # One that reached for the port would have found it taken: status 1.
    judge_refusal(done, path, case)
    assert not heard(devices), "a device came or went"
    assert control.stat().st_mtime_ns == before, "a file was made beside the control socket's path"


def test_what_the_watched_host_would_notice_is_noticed(watched_host, tmp_path):
    host, devices = watched_host
    control = tmp_path / "control"
    control.mkdir()
    path = written(tmp_path, f"{GOOD}control:\n  socket: {control}/socket\n")
    before = control.stat().st_mtime_ns
    done = host.run(binary(), "run", "--config", path, check=False, timeout=60)
    assert done.returncode == 1 and "port is in use" in done.stderr, done
    host.ip("tuntap", "add", "vx42", "mode", "tap")
    assert heard(devices)
    while heard(devices):
        devices.recv(1 << 16)
    host.ip("link", "del", "vx42")
    while heard(devices):
        devices.recv(1 << 16)
    (control / "socket").touch()
    (control / "socket").unlink()
    assert control.stat().st_mtime_ns != before


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


@pytest.mark.parametrize("underlay, overlay", ((65535, 65485), (65536, 65485), (2**31 - 1, 65485)))
def test_mtu_takes_what_a_device_may_have_and_counts_with_the_longest_packet(underlay, overlay):
    done = vtep("mtu", "--underlay-mtu", underlay, "-j")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["underlay-mtu"], answer["overlay-mtu"]) == (underlay, overlay)
    assert ("65535" in vtep("mtu", "--underlay-mtu", underlay).stdout)


@pytest.mark.parametrize("underlay", (0, -1, 2**31, 2**31 + 1, 2**64))
def test_mtu_refuses_what_no_device_can_have(underlay):
    assert vtep("mtu", f"--underlay-mtu={underlay}").returncode == 64


@pytest.mark.parametrize("arguments", (("nonsense",), ("run",), ("run", "--config"), ("fdb", "--nonsense"), ("check",),
                                       ("mtu", "--underlay-mtu", "many")), ids=" ".join)
def test_wrong_usage_exits_64_with_the_message_on_standard_error(arguments):
    done = vtep(*arguments)
    assert done.returncode == 64 and done.stderr.strip() and done.stdout == ""


def test_version_is_printed_on_standard_output():
    done = vtep("version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout)
