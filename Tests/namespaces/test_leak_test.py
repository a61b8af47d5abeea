"""`vtep verify --live --canary`, the workers' own test of sealing, and `vtep verify --compare`."""

import json
import os
import struct

from agent import binary
from frames import mac_text
from host import wait_until
from metrics import Page
from sealed import EVERYTHING, ROOMY, identities, overlay, sealed_agent, sealed_agents, session_up, station

METRICS = {"metrics": "127.0.0.1:9910"}


def leak_test(agent, *options):
    """The leak test on an agent's host. Returns its exit status and its report."""
    done = agent.host.run(binary(), "verify", "--live", "--canary", "--vni", 42, "--socket", agent.socket_path, "-j",
                          *options, check=False, env=os.environ)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def plain_agents(lab):
    """Two agents with a plain segment."""
    for number in (1, 2):
        lab.agent(f"h{number}", segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"],
                                           "mac": mac_text(station(number))}])


def test_no_marker_of_a_sealed_segment_is_seen_and_each_arrives(lab):
    first, _ = sealed_agents(lab)
    status, report = leak_test(first, "--target", overlay(2))
    assert (status, report["verdict"]) == (0, "sealed"), report
    assert report["arrived"] == report["asked"] == 18 and report["leaked"] == 0
    assert report["datagrams"] - report["received"] >= report["asked"] <= report["received"], "the answers passed too"
    # Now the neighbour is known, and needs no naming.
    assert leak_test(first)[0] == 0


def test_markers_of_a_plain_segment_are_found(lab):
    plain_agents(lab)
    status, report = leak_test(lab.agents[0], "--target", overlay(2))
    assert (status, report["verdict"]) == (1, "clear"), report
    assert report["arrived"] == report["asked"] and report["leaked"] > report["asked"], \
        "packets, in which a busy host may have several datagrams"


def test_the_leak_test_fails_where_a_cipher_leaves_frames_in_clear(lab, broken):
    known = identities(lab)
    for name in known:
        sealed_agent(lab, name, known).start(broken["shifted"])
    for agent in lab.agents:
        session_up(agent)
    status, report = leak_test(lab.agents[0], "--target", overlay(2))
    assert (status, report["verdict"]) == (1, "leak"), report
    assert report["leaks"]


def test_who_is_on_the_same_bridge_proves_nothing(lab):
    known = identities(lab)
    bridged = {"vni": 42, "tap": "vx42", "sealed": True, "bridge": "br42"}
    first = sealed_agent(lab, "h1", known, [bridged], start=True)
    sealed_agent(lab, "h2", known, start=True)
    for agent in lab.agents:
        session_up(agent)
    guest = lab.add_host("guest")
    lab.cable(lab.h1, "g0", guest, "eth0")
    lab.h1.ip("link", "set", "g0", "master", "br42")
    lab.h1.ip("addr", "add", f"{overlay(1)}/24", "dev", "br42")
    guest.ip("addr", "add", f"{overlay(9)}/24", "dev", "eth0")
    lab.h1.ping(overlay(9))
    # Its own broadcasts to the peer are on the underlay, what the neighbour is asked is not.
    status, report = leak_test(first, "--device", "br42")
    assert status == 2 and "nobody to ask" in report, report
    status, report = leak_test(first, "--device", "br42", "--target", overlay(9))
    assert (status, report["verdict"]) == (2, "undecided") and report["arrived"] == report["asked"], report
    assert "datagrams of the segment left" in report["reason"], report
    lab.h1.ping(overlay(2))
    status, report = leak_test(first, "--device", "br42")
    assert (status, report["verdict"]) == (0, "sealed") and report["asked"] == 18, report
    status, report = leak_test(first, "--device", "br42", "--target", overlay(2), "--target", overlay(9))
    assert (status, report["verdict"]) == (2, "undecided") and report["arrived"] == report["asked"], report


def test_the_leak_test_judges_nothing_that_it_does_not_see(lab):
    first, second = sealed_agents(lab)
    assert leak_test(first)[0] == 2, "nobody is known who could be asked"
    assert leak_test(first, "--target", overlay(2), "-i", "lo")[0] == 2, "no datagram passes there"
    assert leak_test(first, "--target", overlay(2), "-i", "vx42")[0] == 2, "that is no underlay"
    second.stop()
    status, report = leak_test(first, "--target", overlay(2))
    assert status in (1, 2) and report["arrived"] == 0, "and what does not arrive is no success"


def test_a_worker_finds_what_its_cipher_leaves_in_clear_and_sends_nothing_of_it(lab, broken):
    known = identities(lab)
    capture = lab.capture(expression=EVERYTHING, **ROOMY)
    first = sealed_agent(lab, "h1", known, control=METRICS).start(broken["in-clear"])
    second = sealed_agent(lab, "h2", known).start()
    for agent in (first, second):
        session_up(agent)
    lab.h1.ping(overlay(2))
    assert Page.of(lab.h1).sum("vtep_leak_failures_total") == 0, "short frames are sealed"
    before = first.counters()
    marker = bytes(range(0xE0, 0xF0))
    lab.h1.ping(overlay(2), "-c", "20", "-i", "0.01", "-s", 400, "-p", marker.hex(), check=False)
    capture.close()
    assert marker not in b"".join(capture.frames()), "not even the first one left"
    dropped = first.counters().since(before).dropped("overlay")
    assert set(dropped) == {"no-session"} and dropped["no-session"] >= 20, "those of the kernel beside them too"
    wait_until(lambda: Page.of(lab.h1).sum("vtep_leak_failures_total") >= 1, 5, "the metric tells")
    assert Page.of(lab.h1).sum("vtep_leak_checks_total") >= 2
    assert "a sealed datagram showed what it was to hide" in first.stderr()


def without(path, number, to):
    """A copy of a capture without one of its packets."""
    with open(path, "rb") as file:
        data = file.read()
    offset = 24
    for _ in range(number):
        offset += 16 + struct.unpack_from("<I", data, offset + 8)[0]
    end = offset + 16 + struct.unpack_from("<I", data, offset + 8)[0]
    with open(to, "wb") as file:
        file.write(data[:offset] + data[end:])
    return to


def compare(host, *arguments):
    """Exit status and report of a comparison."""
    done = host.run(binary(), "verify", "-j", "--compare", *arguments, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_captures_of_two_hosts_are_compared(lab, tmp_path):
    plain_agents(lab)
    captures = [lab.capture(host, **ROOMY) for host in ("h1", "h2")]
    lab.h1.ping(overlay(2), "-c", "20", "-i", "0.01")
    for capture in captures:
        capture.close()
    paths = [capture.path for capture in captures]
    status, report = compare(lab.h1, *paths)
    assert status == 0, report
    ways = {way["direction"]: way for way in report["ways"]}
    assert all(ways[way]["matched"] >= 20 and ways[way]["latency"] for way in ("a-b", "b-a")), report
    count = report["a"]["packets"]
    status, report = compare(lab.h1, paths[0], without(paths[1], count // 2, tmp_path / "lost.pcap"))
    assert status == 1 and sum(way["lost"] for way in report["ways"]) == 1, report
    assert compare(lab.h1, paths[0], "/dev/null")[0] == 2


def test_captures_of_sealed_segments_are_compared_with_keys(lab):
    known = identities(lab)
    log = f"{lab.directory}/keys.log"
    sealed_agent(lab, "h1", known, control={"key-log": log}).start()
    sealed_agent(lab, "h2", known).start()
    for agent in lab.agents:
        session_up(agent)
    captures = [lab.capture(host, expression="udp port 4790", **ROOMY) for host in ("h1", "h2")]
    lab.h1.ping(overlay(2), "-c", "10", "-i", "0.01")
    for capture in captures:
        capture.close()
    paths = [capture.path for capture in captures]
    assert compare(lab.h1, *paths)[0] == 2, "without keys nobody can tell"
    status, report = compare(lab.h1, *paths, "--keys", log)
    assert status == 0 and sum(way["matched"] for way in report["ways"]) >= 20, report
