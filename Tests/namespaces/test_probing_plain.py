"""Between two vtep that have keys the path is probed for plain segments too, although nothing of them is sealed."""

import os
import pathlib
import socket

import pytest

from compiled import compiled
from conftest import full
from host import wait_until
from lab import Lab
from packets import Packets
from routed import RoutedLab
from sealed import identities, sealed_agent, session_up, sessions
from test_probing import (FOUND_SECONDS, agents_on, believes, found, largest, peer, plain_segment, too_big, wait_found,
                          way)
from transfer import blocks, tcp_hash

RAISE_SECONDS = 30 if full() else 1
TOLD = "paths are not probed"
SEALED = 4790


@pytest.fixture(params=("v4", "v6"))
def family(request):
    return request.param


def test_fault_row_35_with_keys_at_both_ends_plain_segments_alone_have_their_path_found(family):
    with RoutedLab(family=family) as lab:
        lab.forward(1400)
        agents = agents_on(lab, "plain", raise_seconds=RAISE_SECONDS)
        tap, address, overhead = way(lab, "plain")
        wait_found(agents, 1400)
        report = agents[0].json("mtu", "--peer", "h2")
        assert (report["underlay-mtu"], report["overhead"], report["path-source"]) == (1400, overhead, "probe"), report
        data, expected = blocks(1 << 20)
        assert tcp_hash(lab.h1, lab.h2, address, *data) == expected
        assert largest(lab.h1, address, 1400 - overhead)
        for agent in agents:
            wait_until(lambda: "the path MTU was found to be another" in agent.stderr(), FOUND_SECONDS, "it is settled")
        lab.forward(1500)
        wait_found(agents, 1500, RAISE_SECONDS + 4)
        for version in (4, 6):
            lab.h1.ip(f"-{version}", "route", "flush", "cache")  # what the inner sender was told of 1400
        assert largest(lab.h1, address, 1500 - overhead)
        assert lab.h1.link(tap)["mtu"] == 1500 - overhead


def forged(datagram):
    """A control datagram of the session with another counter: what it says is not authentic any more."""
    counter = int.from_bytes(datagram[11:16], "big") + 1000
    return datagram[:11] + counter.to_bytes(5, "big") + datagram[16:]


def test_fault_row_34_nothing_that_is_made_up_changes_the_path_of_plain_segments(family):
    kind, protocol = ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_ICMPV6))[family == "v6"]
    with Lab(family=family) as lab, Packets(lab.h1, "u0", f"udp dst port {SEALED}") as seen:
        agents = agents_on(lab, "plain")
        _, address, overhead = way(lab, "plain")
        wait_found(agents, 1500, 5)
        header = 14 + (20 if family == "v4" else 40) + 8
        control = [frame[header:] for frame in seen.rest() if frame[header + 3] == 0xFE]
        assert len(control) >= 2, "a probe and an answer came to h1 at the least"
        before = agents[0].counters()
        with lab.h2.socket(kind, socket.SOCK_DGRAM) as attacker:
            for each in control:
                for datagram in (each, forged(each)):
                    attacker.sendto(datagram, (lab.h1.address, SEALED))
        wait_until(lambda: agents[0].counters().since(before).dropped("underlay") == {
            "replay": len(control), "authentication": len(control)}, 5, "each is refused")
        with lab.h2.socket(kind, socket.SOCK_RAW, protocol) as router:
            for mtu in (1280, 600, 1280):
                router.sendto(too_big(family, mtu, lab.h1.address, lab.h2.address), (lab.h1.address, 0))
        assert believes(lab.h1, family, lab.h2.address), "the forgery was good: the kernel itself believes it"
        assert largest(lab.h1, address, 1500 - overhead)
        for agent in agents:
            assert found(agent, 1500), peer(agent)


def test_a_peer_without_keys_has_no_session_hears_nothing_of_it_and_carries_its_traffic(lab3):
    known = identities(lab3)
    agents = {name: sealed_agent(lab3, name, known, [plain_segment(int(name[1]))]) for name in ("h1", "h2")}
    # h1 knows no key of h3, which has none; h2 believes that it has.
    del agents["h1"].config["peers"][1]["public-key"]
    with lab3.h3.bound(socket.SOCK_DGRAM, lab3.h3.address, SEALED) as nobody:
        third = lab3.agent("h3", segments=[plain_segment(3)])
        for agent in agents.values():
            agent.start()
        wait_until(lambda: sessions(agents["h1"]) == {"h2": "up", "h3": "none"}, 10, "h1 has its one session")
        assert sessions(agents["h2"]) == {"h1": "up", "h3": "handshake"}
        assert set(sessions(third).values()) == {"none"}
        for host, number in ((lab3.h1, 2), (lab3.h1, 3), (lab3.h2, 3), (lab3.h3, 1), (lab3.h3, 2)):
            assert host.ping(f"10.43.0.{number}", "-M", "do", "-s", 1450 - 28)
        for agent in (agents["h1"], agents["h2"]):
            assert agent.json("peers")[1]["path-mtu-source"] == "route"
        nobody.settimeout(1)
        senders = set()
        try:
            while len(senders) < 2:
                senders.add(nobody.recvfrom(2048)[1][0])
        except TimeoutError:
            pass
        assert senders == {lab3.h2.address}


def test_where_there_is_nobody_to_have_a_session_with_the_sealed_port_stays_closed(lab):
    known = identities(lab)
    with lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, SEALED):
        agent = sealed_agent(lab, "h1", known, [plain_segment(1)])
        del agent.config["peers"][0]["public-key"]
        agent.start()
        assert "sealing" not in agent.json("status") and TOLD not in agent.stderr()


def test_where_the_sealed_port_is_taken_plain_segments_do_without_sessions_and_the_log_says_so(lab):
    known = identities(lab)
    first, second = (sealed_agent(lab, name, known, [plain_segment(int(name[1]))]) for name in known)
    with lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, SEALED):
        first.start()
    second.start()
    assert TOLD in first.stderr() and str(SEALED) in first.stderr(), first.stderr()
    assert lab.h1.ping("10.43.0.2") and lab.h2.ping("10.43.0.1")
    assert sessions(first) == {"h2": "none"} and sessions(second) == {"h1": "handshake"}
    assert "sealing" not in first.json("status") and peer(first)["path-mtu-source"] == "route"


def threads(process):
    """The names of a process's threads, in the order in which they were made."""
    numbers = sorted(map(int, os.listdir(f"/proc/{process.pid}/task")))
    return [pathlib.Path(f"/proc/{process.pid}/task/{number}/comm").read_text().strip() for number in numbers]


def test_where_the_thread_of_the_sessions_cannot_be_had_plain_segments_do_without_and_the_log_says_so(lab, tmp_path):
    known = identities(lab)
    first, second = (sealed_agent(lab, name, known, [plain_segment(int(name[1]))]) for name in known)
    second.start()
    first.start()
    session_up(first)
    number = threads(first.process).index("vtep-sessions")
    first.stop()
    first.start({"LD_PRELOAD": compiled(tmp_path, "refuse", library=True), "REFUSE": "thread",
                 "REFUSE_NUMBER": str(number)})
    assert TOLD in first.stderr() and "starting the sessions" in first.stderr(), first.stderr()
    assert lab.h1.ping("10.43.0.2") and lab.h2.ping("10.43.0.1")
    assert sessions(first) == {"h2": "none"} and "sealing" not in first.json("status")
    assert peer(first)["path-mtu-source"] == "route"


def test_a_session_that_ends_leaves_plain_traffic_as_it_was(lab):
    agents = agents_on(lab, "plain")
    wait_found(agents, 1500, 5)
    agents[1].stop()
    del agents[1].config["peers"][0]["public-key"]
    agents[1].start()
    assert sessions(agents[1]) == {"h1": "none"}
    assert lab.h1.ping("10.43.0.2", "-M", "do", "-s", 1450 - 28) and lab.h2.ping("10.43.0.1")
    assert agents[1].counters().dropped("underlay").get("unknown-peer", 0) == 0
    agents[1].stop()
    agents[1].config["peers"][0]["public-key"] = agents[0].json("status")["sealing"]["public-key"]
    agents[1].start()
    session_up(agents[1])
