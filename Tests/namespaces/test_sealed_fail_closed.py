"""Rows 14, 16 and 29 of the fault table: without keys nothing starts, and a sealed segment takes nothing in clear."""

import base64
import contextlib
import os
import socket
import subprocess

import pytest

import sealing
from agent import binary
from clear import COUNT, GUEST, forms, inject
from frames import MARK, ethernet, mac, mac_bytes, mac_text
from host import wait_until
from keys import Identity, secret_file
from packets import Packets
from sealed import identities, overlay, sealed_agent, sealed_segment, session_up
from sealed_peer import SealedPeer, is_kind
from stopwatch import Stopwatch

with open(f"{os.path.dirname(os.path.abspath(__file__))}/low-order-keys.txt", encoding="ascii") as points:
    LOW_ORDER = points.read().split()
"""Points whose product with every private key is known: those that WireGuard's own tests use."""


# Row 16: what is done to a good configuration, and a word that the refusal has.

def _without_key(lab, agent, known):
    del agent.config["local"]["private-key-file"]


def _private_key(content, mode=0o600):
    def change(lab, agent, known):
        agent.config["local"]["private-key-file"] = secret_file(lab, "bad.key", content, mode)
    return change


def _private_path(name):
    def change(lab, agent, known):
        os.mkdir(f"{lab.directory}/folder")
        agent.config["local"]["private-key-file"] = f"{lab.directory}/{name}"
    return change


def _psk(content, mode=0o600):
    def change(lab, agent, known):
        agent.config["local"]["psk-file"] = secret_file(lab, "bad.psk", content, mode)
    return change


def _peer(**keys):
    def change(lab, agent, known):
        peer = agent.config["peers"][0]
        peer.update({name: known["h1"].text if value == "own" else value for name, value in keys.items()})
        for name in [name for name, value in peer.items() if value is None]:
            del peer[name]
    return change


def _segment(**keys):
    def change(lab, agent, known):
        agent.config["segments"][0].update(keys)
    return change


GOOD_LINE = base64.b64encode(bytes(range(32))) + b"\n"
REFUSED = {
    "no-private-key": (_without_key, "private-key-file"),
    "key-file-missing": (_private_path("nothing.key"), "nothing.key"),
    "key-file-is-a-folder": (_private_path("folder"), "folder"),
    "key-empty": (_private_key(b""), "bad.key"),
    "key-short": (_private_key(GOOD_LINE[:20] + b"\n"), "bad.key"),
    "key-not-base64": (_private_key(b"!" * 44 + b"\n"), "bad.key"),
    "key-corrupt": (_private_key(b"\xff" + GOOD_LINE[1:]), "bad.key"),
    "key-twice": (_private_key(GOOD_LINE * 2), "bad.key"),
    "key-readable-by-the-group": (_private_key(GOOD_LINE, 0o640), "bad.key"),
    "key-readable-by-all": (_private_key(GOOD_LINE, 0o644), "bad.key"),
    "key-executable-by-others": (_private_key(GOOD_LINE, 0o601), "bad.key"),
    "psk-empty": (_psk(b""), "bad.psk"),
    "psk-three-lines": (_psk(GOOD_LINE * 3), "bad.psk"),
    "psk-not-a-key": (_psk(b"open sesame, please\n"), "bad.psk"),
    "psk-readable-by-all": (_psk(GOOD_LINE, 0o644), "bad.psk"),
    "peer-without-public-key": (_peer(**{"public-key": None}), "public-key"),
    "peer-with-the-own-key": (_peer(**{"public-key": "own"}), "public-key"),
    "public-key-not-a-key": (_peer(**{"public-key": "AAAA"}), "public-key"),
    "unknown-cipher": (_segment(cipher="rot13"), "cipher"),
    "own-ports-equal": (lambda lab, agent, known: agent.config["local"].update({"sealed-port": 4789}), "sealed-port"),
    "peers-ports-equal": (_peer(**{"sealed-port": 4789}), "sealed-port"),
    **{f"low-order-{number}": (_peer(**{"public-key": base64.b64encode(bytes.fromhex(point)).decode()}), "public-key")
       for number, point in enumerate(LOW_ORDER)},
}


def ended_at_once(lab, agent, environment=None):
    """Starts an agent that must refuse to: within a second, having made no device. Returns its exit status."""
    with lab.h1.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as monitor:
        monitor.bind((0, 1))  # RTMGRP_LINK: what happens to devices, from now on
        watch = Stopwatch()
        agent.launch(environment)
        status = agent.process.wait(timeout=30)
        taken = watch.seconds()
        lab.h1.ip("link", "add", "after", "type", "bridge")
        seen = b""
        monitor.settimeout(30)
        while b"after" not in seen:
            seen += monitor.recv(65_536)
    assert b"vx42" not in seen, "a TAP was made"
    assert taken < 1, f"it took {taken:.2f} s"
    assert not os.path.exists(agent.socket_path)
    return status


SHOWN_LENGTH = 8


def shown(agent, known):
    """The first bytes of a private key or of a key file that the agent printed, if there are any: so many of it, one
    behind the other, as they are in the file, and of the private key as hexadecimal digits too."""
    secrets = [base64.b64encode(known["h1"].private), known["h1"].private.hex().encode()]
    for name in ("private-key-file", "psk-file"):
        path = agent.config["local"].get(name)
        if path and os.path.isfile(path):
            with open(path, "rb") as file:
                secrets.append(file.read())
    with open(agent.stderr_path, "rb") as file:
        said = file.read()
    runs = [secret[at:at + SHOWN_LENGTH] for secret in secrets for at in range(len(secret) - SHOWN_LENGTH + 1)]
    return next((run for run in runs if run in said), None)


@pytest.mark.parametrize("case", REFUSED)
def test_fault_row_16_without_good_keys_nothing_is_bound_and_nothing_made(lab, case, figure):
    change, words = REFUSED[case]
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known)
    change(lab, agent, known)
    # Both ports belong to somebody else: an agent that got as far as binding one would complain of that.
    with contextlib.ExitStack() as taken:
        for port in (4789, 4790):
            taken.enter_context(lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, port))
        status = ended_at_once(lab, agent)
    assert status == 78 and words in agent.stderr(), (status, agent.stderr())
    assert f"{agent.config_path}:" in agent.stderr(), "the line is named"
    assert not shown(agent, known)
    figure(f"ended with {status} within a second, no port bound, no TAP")


def test_the_judge_of_row_16_finds_any_part_of_a_key(lab):
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known)
    _private_key(b"\xff" + GOOD_LINE[1:])(lab, agent, known)
    private = known["h1"].private
    for part in (GOOD_LINE[20:29], base64.b64encode(private)[30:39], private.hex().encode()[50:59], GOOD_LINE[20:27]):
        with open(agent.stderr_path, "wb") as file:
            file.write(b"bad.key: " + part + b" is no key\n")
        assert bool(shown(agent, known)) == (len(part) >= SHOWN_LENGTH)


@pytest.mark.parametrize("limit, status", [("65536:65536", 1), ("65536:1048576", 0)])
def test_keys_need_locked_memory_and_the_hard_limit_counts(lab, limit, status):
    agent = sealed_agent(lab, "h1", identities(lab))
    agent.write()
    # Who may lock what it wants has no limit, and root may.
    with open(agent.stderr_path, "w", encoding="utf-8") as stderr:
        agent.process = lab.h1.popen(
            "setpriv", "--bounding-set=-ipc_lock", "prlimit", f"--memlock={limit}", binary(), "run", "--config",
            agent.config_path, stderr=stderr, stdout=subprocess.DEVNULL)
    if status == 0:
        wait_until(lambda: agent.ready() or agent.process.poll() is not None, 30, "the agent is ready")
        assert agent.ready(), agent.stderr()
        agent.stop()
        return
    assert agent.process.wait(timeout=30) == status
    assert "KiB of locked memory" in agent.stderr() and "LimitMEMLOCK" in agent.stderr(), agent.stderr()
    assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)


def test_fault_row_16_with_good_keys_a_taken_port_is_what_stops_it(lab):
    agent = sealed_agent(lab, "h1", identities(lab))
    with lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, 4790):
        assert ended_at_once(lab, agent) == 1
    assert "4790" in agent.stderr(), agent.stderr()


@pytest.mark.parametrize("what, cipher", (("aes", "aes256gcm"), ("chacha", "chacha20poly1305")))
@pytest.mark.parametrize("choice", ("auto", "named"))
def test_fault_row_16_a_cipher_that_encrypts_to_other_bytes_starts_nothing(lab, broken, what, cipher, choice, figure):
    segment = sealed_segment(1, cipher=cipher if choice == "named" else "auto")
    agent = sealed_agent(lab, "h1", identities(lab), [segment])
    assert ended_at_once(lab, agent, broken[what]) == 1
    assert "self-test" in agent.stderr() and cipher in agent.stderr(), agent.stderr()
    figure("ended with 1 within a second, no TAP")


def test_fault_row_16_aes_that_is_named_needs_hardware_and_auto_does_without(lab, broken):
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known, [sealed_segment(1, cipher="aes256gcm")])
    assert ended_at_once(lab, agent, broken["no-aes"]) == 78
    assert "no AES in hardware" in agent.stderr(), agent.stderr()
    agents = [sealed_agent(lab, name, known) for name in known]
    for agent in agents:
        agent.start(broken["no-aes"] if agent.host is lab.h1 else None)
    for agent in agents:
        session_up(agent)
        assert agent.json("peers")[0]["cipher"] == "chacha20poly1305"
    assert lab.h1.ping(overlay(2))


def test_two_peers_with_one_key_are_refused(lab3):
    known = identities(lab3)
    known["h3"] = known["h2"]
    agent = sealed_agent(lab3, "h1", known)
    agent.launch()
    assert agent.process.wait(timeout=30) == 78 and "public key" in agent.stderr(), agent.stderr()


def test_segments_that_name_different_ciphers_are_refused(lab):
    agent = sealed_agent(lab, "h1", identities(lab), [
        sealed_segment(1, cipher="aes256gcm"),
        {"vni": 43, "tap": "vx43", "sealed": True, "cipher": "chacha20poly1305"}])
    agent.launch()
    assert agent.process.wait(timeout=30) == 78 and "cipher" in agent.stderr(), agent.stderr()


def told_low_order(lab, point, environment=None):
    """What the agent of h1 says to an initiation of a peer of it that is in order but for its ephemeral key, a point of
    low order, and what it counted. The decoder of the tests, which does not mind, opens it.
    """
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known)
    with SealedPeer(lab.h2, agent, known["h2"], known["h1"].public) as peer:
        agent.start(environment)
        peer.answer()
        peer.rest()
        initiation = peer.initiation(point=bytes.fromhex(point)).initiation
        assert sealing.Responder(known["h1"].private, initiation).remote == known["h2"].public
        before = agent.counters()
        peer.send(initiation)
        counted = agent.settled(before, underlay=1)
        told = peer.rest()
        peer.connect()  # with a key that is none of these
    return told, counted


@pytest.mark.parametrize("point", LOW_ORDER)
def test_fault_row_29_an_initiation_with_a_key_of_low_order_is_not_answered(lab, point, figure):
    told, counted = told_low_order(lab, point)
    assert told == [] and counted.dropped("underlay") == {"handshake": 1}, counted
    figure("0 answered")


def test_the_judge_of_row_29_is_answered_where_an_agreement_on_zero_is_not_refused(lab, broken):
    told, counted = told_low_order(lab, LOW_ORDER[0], broken["low-order"])
    assert [each for each in told if is_kind(each, "handshake", sealing.RESPONSE)], counted


# Row 14.

@pytest.mark.parametrize("state", ("steady", "no-session"))
def test_fault_row_14_frames_in_clear_are_neither_delivered_nor_learned_nor_answered(lab, blaster, state, figure):
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known)
    with SealedPeer(lab.h2, agent, known["h2"], known["h1"].public) as peer:
        agent.start()
        if state == "steady":
            peer.answer()
        with Packets(lab.h2, "u0", f"udp and src host {lab.h1.address}") as replies:
            inject(lab, agent, blaster, COUNT)
            told = [frame[42:] for frame in replies.rest()]
        # Its own initiations and keepalives go on; an answer to the request would be a frame.
        assert not [each for each in told if is_kind(each, "frame") or each[0] & 0xF7 == 0], told
        if state == "steady":
            with Packets(lab.h1, "vx42", f"ether proto {MARK}") as tap:
                good = ethernet(mac(0x600D), mac_bytes(lab.h1.mac("vx42")), b"sealed")
                peer.send_frame(good)
                assert tap.take(1) == [good], "what is sealed is still delivered"
    figure(f"{12 * COUNT} frames of six forms to two ports: 0 delivered, 0 learned, 0 answered")


def test_fault_row_14_a_host_without_peers_takes_nothing_either(lab, blaster, figure):
    known = {"h1": Identity(lab, "h1")}
    agent = sealed_agent(lab, "h1", known).start()
    datagrams = forms()
    with Packets(lab.h1, "vx42") as tap, Packets(lab.h2, "u0", f"udp and src host {lab.h1.address}") as replies:
        before = agent.counters()
        for datagram, *_ in datagrams.values():
            for port in (4789, 4790):
                blaster.send(lab.h2, lab.h1.address, [datagram] * 100, rate=20_000, port=port)
        sent = 100 * 2 * len(datagrams)
        counted = wait_until(lambda: agent.settled(before, underlay=sent), 20, "all is counted")
        assert counted.underlay["frames-out"] == 0 and counted.underlay["drops"] == sent, counted
        assert tap.rest() == [] and replies.rest() == []
    assert agent.fdb(state="dynamic").get(mac_text(GUEST)) is None
    figure(f"{sent} frames: 0 delivered, 0 learned, 0 answered")


def test_fault_row_14_a_segment_that_ignores_reserved_bits_is_as_closed(lab):
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known, [sealed_segment(1, reserved="ignore")]).start()
    before, sent = agent.counters(), 0
    with lab.h2.bound(socket.SOCK_DGRAM, lab.h2.address, 4790) as outgoing, Packets(lab.h1, "vx42") as tap:
        for name in ("plain", "gpe", "gpe-sealed"):
            for _ in range(20):
                outgoing.sendto(forms()[name][0], (lab.h1.address, 4789))
                sent += 1
        assert agent.settled(before, underlay=sent).dropped("underlay") == {"plain-for-sealed": sent}
        assert tap.rest() == []
