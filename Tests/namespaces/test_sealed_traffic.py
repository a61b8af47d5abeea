"""Two and three vtep with sealed segments: what people do across them, and that the underlay sees what it should."""

import hashlib
import time

import pytest

from agent import vtep
from frames import Outer, mac_text
from host import wait_until
from keys import preshared_key, preshared_key_file
from lab import Lab
from sealed import (OVERHEAD, PORTS, ROOMY, identities, overlay, sealed_agent, sealed_agents, sealed_segment,
                    session_up, sessions, station)
from stopwatch import Stopwatch
from transfer import blocks, random_bytes, tcp_hash

CIPHERS = ("aes256gcm", "chacha20poly1305")
ICMP, IP, ETHERNET, SEALING = 8, 20, 14, 32
TCP_BYTES = 20_000_000


def outer(capture):
    """The UDP datagrams of a closed capture, taken apart."""
    return [Outer(frame) for frame in capture.frames()]


def nonce(each):
    """What must be unique in a capture: to whom, and the index, lane and counter."""
    return each.destination, each.payload[8:16]


def frames_of(datagrams):
    """Those that are sealed frames, not control or handshake."""
    return [each for each in datagrams if each.payload[:4] == b"\x0c\0\0\xfe"]


@pytest.mark.parametrize("family", ("v4", "v6"))
@pytest.mark.parametrize("cipher", CIPHERS)
def test_ping_tcp_and_the_largest_frame_cross_unfragmented(family, cipher):
    with Lab(family=family) as lab:
        capture = lab.capture(expression=PORTS, **ROOMY)
        agents = sealed_agents(lab, changes={"cipher": cipher})
        mtu = 1500 - OVERHEAD[family]
        for host, other in ((lab.h1, 2), (lab.h2, 1)):
            assert host.link("vx42")["mtu"] == mtu
            assert host.ping(overlay(other))
            assert host.ping(overlay(other), "-M", "do", "-s", mtu - IP - ICMP)
            assert not host.ping(overlay(other), "-M", "do", "-s", mtu - IP - ICMP + 1, check=False, seconds=1)
        capture.close()
        datagrams = outer(capture)
        assert {each.destination_port for each in datagrams} == {4790}
        longest = max(len(each.payload) for each in frames_of(datagrams))
        assert longest == mtu + ETHERNET + SEALING
        whole = [each for each in frames_of(datagrams) if len(each.payload) == longest]
        assert {each.source for each in whole} == {lab.h1.address, lab.h2.address}, "one each way"
        assert {len(each.frame) - ETHERNET for each in whole} == {1500}
        data_and_control = [nonce(each) for each in datagrams if each.payload[3] == 0xFE]
        assert len(data_and_control) == len(set(data_and_control)), "a nonce was used twice"
        assert all(each.dont_fragment and each.ttl == 64 for each in datagrams)
        data, expected = blocks(TCP_BYTES)
        assert tcp_hash(lab.h1, lab.h2, overlay(2), *data) == expected
        assert tcp_hash(lab.h2, lab.h1, overlay(1), *data) == expected
        for agent in agents:
            peer, = agent.json("peers")
            assert peer["session"] == "up" and peer["cipher"] == cipher and peer["path-mtu"] == 1500, peer
            segment, = agent.json("segments")
            assert segment["sealed"] is True and segment["mtu"] == mtu, segment
            agent.check_identity()
            # Of two initiations at once one may be for nothing.
            assert set(agent.counters().dropped("underlay")) <= {"handshake"}, agent.counters()


def test_aegis128l_carries_traffic_or_is_refused_with_what_it_needs(lab):
    known = identities(lab)
    first = sealed_agent(lab, "h1", known, [sealed_segment(1, cipher="aegis128l")])
    done = vtep("check", "--config", first.write())
    if done.returncode:
        assert done.returncode == 78 and "libsodium" in done.stderr and "1.0.19" in done.stderr, done
        return
    second = sealed_agent(lab, "h2", known, [sealed_segment(2, cipher="aegis128l")])
    for agent in (first, second):
        agent.start()
    session_up(first)
    assert lab.h1.link("vx42")["mtu"] == 1410 and first.json("peers")[0]["cipher"] == "aegis128l"
    assert lab.h1.ping(overlay(2), "-M", "do", "-s", 1410 - IP - ICMP)


@pytest.mark.parametrize("underlay", ("passing", "segmenting"))
def test_superframes_are_sealed_and_joined_again_with_two_workers(underlay):
    with Lab(wire=False, cuts=underlay == "segmenting") as lab:
        agents = sealed_agents(lab, workers=2)
        data = random_bytes(TCP_BYTES)
        expected = hashlib.sha256(data).hexdigest()
        for number in range(4):
            ends = (lab.h1, lab.h2, overlay(2)) if number % 2 else (lab.h2, lab.h1, overlay(1))
            assert tcp_hash(*ends, data, port=5300 + number) == expected
        for agent in agents:
            status = agent.json("status")
            assert status["workers"] == 2 and min(status["worker-frames"]) > 0, status
            agent.check_identity()


def test_one_source_port_is_the_sealed_one(lab):
    capture = lab.capture(expression=PORTS, allows=("source-port-range",), **ROOMY)
    sealed_agents(lab, local={"source-ports": 1})
    assert lab.h1.ping(overlay(2), "-c", "3", "-i", "0.1")
    data, expected = blocks(200_000)
    assert tcp_hash(lab.h1, lab.h2, overlay(2), *data) == expected
    capture.close()
    assert {(each.source_port, each.destination_port) for each in outer(capture)} == {(4790, 4790)}


def test_flows_are_told_apart_by_the_source_port_and_control_leaves_from_the_listening_one(lab):
    capture = lab.capture(expression=PORTS, **ROOMY)
    sealed_agents(lab)
    for number in range(12):
        tcp_hash(lab.h1, lab.h2, overlay(2), random_bytes(1000), port=5300 + number)
    capture.close()
    datagrams = outer(capture)
    assert {each.source_port for each in datagrams if each.payload[0] == 0x0D} == {4790}
    ports = {each.source_port for each in frames_of(datagrams)}
    assert len(ports) > 4 and all(port >= 49_152 for port in ports), ports


def test_sealed_ports_may_be_others_than_the_usual(lab):
    known = identities(lab)
    ports = {"h1": 5790, "h2": 6790}
    for name, other in (("h1", "h2"), ("h2", "h1")):
        agent = sealed_agent(lab, name, known, local={"sealed-port": ports[name]})
        agent.config["peers"][0]["sealed-port"] = ports[other]
        agent.start()
    for agent in lab.agents:
        session_up(agent)
    assert lab.h1.ping(overlay(2)) and lab.h2.ping(overlay(1))


def test_plain_and_sealed_segments_live_beside_each_other_on_their_ports(lab):
    known, capture = identities(lab), lab.capture(expression=PORTS, **ROOMY)
    for number, name in enumerate(known, 1):
        plain = {"vni": 43, "tap": "vx43", "address": [f"10.43.0.{number}/24"]}
        sealed_agent(lab, name, known, [sealed_segment(number), plain]).start()
    for agent in lab.agents:
        session_up(agent)
        assert {each["vni"]: (each["sealed"], each["mtu"]) for each in agent.json("segments")} \
            == {42: (True, 1426), 43: (False, 1450)}
    for network in ("10.42.0", "10.43.0"):
        assert lab.h1.ping(f"{network}.2", "-c", "5", "-i", "0.1") and lab.h2.ping(f"{network}.1")
    assert lab.h1.ping("10.43.0.2", "-M", "do", "-s", 1450 - IP - ICMP)
    capture.close()
    ports = {42: set(), 43: set()}
    for each in outer(capture):
        if each.payload[0] != 0x0D:
            ports[each.vni].add((each.destination_port, each.payload[0]))
    assert ports == {42: {(4790, 0x0C)}, 43: {(4789, 0x08)}}


def test_three_hosts_flood_and_learn_over_three_sessions(lab3):
    agents = sealed_agents(lab3)
    for host in (lab3.h1, lab3.h2, lab3.h3):
        for number in (1, 2, 3):
            if lab3.address(number) != host.address:
                assert host.ping(overlay(number))
    for number, agent in enumerate(agents, 1):
        places = {other: agent.fdb()[mac_text(station(other))].get("peer") for other in (1, 2, 3)}
        assert places == {other: None if other == number else f"h{other}" for other in (1, 2, 3)}


@pytest.mark.parametrize("lower", ("h1", "h2"))
def test_traffic_flows_soon_after_both_are_up(lab, figure, lower):
    """The first host has initiated to nobody, once. If its key is lower it does so again when it hears of the other."""
    known = identities(lab)
    if (known["h1"].public < known["h2"].public) != (lower == "h1"):
        known = {"h1": known["h2"], "h2": known["h1"]}
    first, second = (sealed_agent(lab, name, known) for name in known)
    first.start()
    lab.h1.ip("neigh", "replace", overlay(2), "lladdr", mac_text(station(2)), "dev", "vx42", "nud", "permanent")
    time.sleep(0.3)
    second.start()
    watch, began = Stopwatch(), time.monotonic()
    lab.h2.ip("neigh", "replace", overlay(1), "lladdr", mac_text(station(1)), "dev", "vx42", "nud", "permanent")
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), 1.5, "a frame crosses", every=0.01)
    taken, by_the_wall = watch.seconds(), time.monotonic() - began
    figure(f"first frame {1000 * by_the_wall:.0f} ms after both were ready")
    assert taken <= 1.5


def test_network_wide_keys_are_changed_on_one_host_after_the_other(lab3):
    """Each host restarts with its next file, of which any two that follow each other fit. By SIGHUP: row 24."""
    known, old, new = identities(lab3), preshared_key(), preshared_key()
    files = {step: preshared_key_file(lab3, f"psk-{step}", *keys)
             for step, keys in enumerate(((old,), (old, new), (new, old), (new,)))}
    agents = {name: sealed_agent(lab3, name, known, local={"psk-file": files[0]}) for name in known}
    for agent in agents.values():
        agent.start()
    orders = {1: ("h1", "h2", "h3"), 2: ("h3", "h1", "h2"), 3: ("h2", "h3", "h1")}
    for step, order in orders.items():
        for name in order:
            agent = agents[name]
            agent.stop()
            agent.config["local"]["psk-file"] = files[step]
            agent.start()
            for each in agents.values():
                session_up(each)
            for host in (lab3.h1, lab3.h2, lab3.h3):
                for number in (1, 2, 3):
                    if lab3.address(number) != host.address:
                        assert host.ping(overlay(number)), (step, name)
    # And the old key alone opens nothing any more.
    agents["h1"].stop()
    agents["h1"].config["local"]["psk-file"] = files[0]
    agents["h1"].start()
    assert not lab3.h1.ping(overlay(2), check=False, seconds=1)
    assert "up" not in sessions(agents["h1"]).values()
