"""`vtep capture -i` of what a card joins and cuts: datagrams of a TCP transfer between two agents."""

import os
import signal

import pytest

from decoders import tcpdump_reads
from host import wait_until
from sealed import identities, overlay, sealed_agent, sealed_segment, session_up
from test_capture import Capturing
from transfer import random_bytes, tcp_hash


DATAGRAMS = (1 << 20) // 1450


class Both:
    """`vtep capture` on the underlay of both hosts."""

    def __init__(self, lab, *arguments):
        self.captures = []
        for host in (lab.h1, lab.h2):
            directory = f"{lab.directory}/{host.name}"
            os.makedirs(directory, exist_ok=True)
            named = [each.format(directory) if isinstance(each, str) else each for each in arguments]
            self.captures.append(Capturing(host, "-i", "u0", *named, directory=directory))

    def end(self, enough):
        """What both show, when `enough` of each says that all has come."""
        for each in self.captures:
            wait_until(lambda each=each: enough(each), 20, "all was captured", every=0.1)
        assert [each.end(signal.SIGINT) for each in self.captures] == [0, 0]
        assert all(" 0 packets dropped by kernel" in each.said() for each in self.captures)
        return [each.lines() for each in self.captures]


def has_all(count):
    """That so many datagrams are shown, and no more come."""
    last = {}

    def enough(capture):
        before, last[capture] = last.get(capture), len(capture.lines())
        return last[capture] >= count and last[capture] == before
    return enough


def from_h1(lab, lines):
    return [line for line in lines if f" {lab.h1.address}." in line.split(" > ")[0]]


@pytest.fixture(name="sealed_pair")
def _sealed_pair(lab):
    known = identities(lab)
    logs = [f"{lab.directory}/{name}.keys" for name in known]
    agents = [sealed_agent(lab, name, known, [sealed_segment(int(name[1:]))], control={"key-log": log}).start()
              for name, log in zip(known, logs)]
    for agent in agents:
        session_up(agent)
    lab.h1.ping(overlay(2))
    keys = f"{lab.directory}/both.keys"
    with open(keys, "w", encoding="utf-8") as text:
        for log in logs:
            with open(log, encoding="utf-8") as each:
                text.write(each.read())
    return agents, keys


def test_plain_datagrams_of_a_transfer_are_shown_one_by_one(lab):
    _ = [lab.agent(host, segments=[{"vni": 42, "tap": "vx42", "address": [f"10.42.0.{number}/24"]}])
         for number, host in ((1, "h1"), (2, "h2"))]
    lab.h1.ping("10.42.0.2")
    both = Both(lab)
    tcp_hash(lab.h1, lab.h2, "10.42.0.2", random_bytes(1 << 20))
    shown = [from_h1(lab, lines) for lines in both.end(has_all(DATAGRAMS))]
    assert all(int(line.split(" len ")[1].split()[0]) <= 1500 for lines in shown for line in lines)
    assert abs(len(shown[0]) - len(shown[1])) <= 4 and len(shown[0]) >= DATAGRAMS


def test_sealed_datagrams_of_a_transfer_are_all_opened_and_written(lab, sealed_pair):
    agents, keys = sealed_pair
    both = Both(lab, "--keys", keys)
    tcp_hash(lab.h1, lab.h2, overlay(2), random_bytes(1 << 20))
    shown = both.end(has_all(DATAGRAMS))
    for lines in shown:
        sealed = [line for line in from_h1(lab, lines) if ": sealed vni" in line]
        assert len(sealed) >= DATAGRAMS
        assert all(" | " in line and "not authentic" not in line and "no key" not in line for line in sealed)
        assert all(int(line.split(" len ")[1].split()[0]) <= 1500 for line in sealed)
    both = Both(lab, "--keys", keys, "-U", "-w", "{}/inner.pcap")
    tcp_hash(lab.h1, lab.h2, overlay(2), random_bytes(1 << 20))
    paths = [f"{lab.directory}/{host}/inner.pcap" for host in ("h1", "h2")]
    both.end(lambda _: all(os.path.getsize(path) > 1 << 20 for path in paths))
    for path in paths:
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert len(tcpdump_reads(path).stdout.splitlines()) > DATAGRAMS
    assert all(agent.process.poll() is None for agent in agents)
