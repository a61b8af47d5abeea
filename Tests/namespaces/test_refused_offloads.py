"""A kernel that refuses an offload while traffic flows: nothing of the batch that finds out is lost; status tells."""

import contextlib
import ctypes
import os
import random
import socket

import pytest

from compiled import compiled
from datagrams import exchange
from lab import Lab
from transfer import blocks, tcp_hash

_PIDFD_GETFD, _SO_NO_CHECK = 438, 11
V4 = "10.42.0.1", "10.42.0.2"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """By what is refused, the environment of a process that makes it so."""
    library = compiled(tmp_path_factory.mktemp("refuse"), "refuse", library=True)
    return {what: {"LD_PRELOAD": library, "REFUSE": what} for what in ("send", "steer", "uso", "write")}


@contextlib.contextmanager
def datagram_sockets(process):
    """Every UDP socket of a process, as sockets of our own on the same ones."""
    libc, opened = ctypes.CDLL(None, use_errno=True), []
    target = os.pidfd_open(process.pid)
    try:
        for name in os.listdir(f"/proc/{process.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(f"/proc/{process.pid}/fd/{name}").startswith("socket:"):
                    number = libc.syscall(_PIDFD_GETFD, target, int(name), 0)
                    assert number >= 0, os.strerror(ctypes.get_errno())
                    opened.append(socket.socket(fileno=number))
        yield [each for each in opened if each.type == socket.SOCK_DGRAM and each.family != socket.AF_UNIX]
    finally:
        os.close(target)
        for each in opened:
            each.close()


def pair(lab, environment, **sections):
    """Two agents with an address each on their TAP; the first runs in `environment`."""
    agents = [lab.agent(host, start=False, segments=[{"vni": 42, "tap": "vx42", "address": [f"{address}/24"]}],
                        **sections)
              for host, address in zip(("h1", "h2"), V4)]
    agents[0].start(environment)
    agents[1].start()
    return agents


def judge(lab, agents, offload, words):
    """The first agent is refused an offload in the midst of traffic, and says so with `words`. Nothing is lost."""
    lab.h1.ping(V4[1])
    before = agents[0].counters()
    # Of equal length and at once: the first of them find out.
    for sender, receiver, address in ((lab.h1, lab.h2, V4[1]), (lab.h2, lab.h1, V4[0])):
        sent, lost, _ = exchange(sender, receiver, address, 2_000, 1400, random.Random(words))
        assert (sent, lost) == (2_000, 0), agents[0].counters()
    data, expected = blocks(20_000_000)
    assert tcp_hash(lab.h1, lab.h2, V4[1], *data) == expected
    assert tcp_hash(lab.h2, lab.h1, V4[0], *data) == expected
    counted = agents[0].counters().since(before)
    assert counted.all["drops"] == counted.all["kernel-drops"] == 0, counted
    states = [agent.json("status")["offload"] for agent in agents]
    assert states[0].pop(offload) == f"refused: {words}", states
    assert {state for each in states for state in each.values()} == {"on"}, states
    assert f"refused: {words}" in agents[0].ask("status").stdout


def test_runs_refused_with_eio_are_sent_one_by_one_and_none_is_lost(refusing):
    with Lab(wire=False) as lab:
        judge(lab, pair(lab, refusing["send"]), "udp-segmentation", "Input/output error")


def test_runs_refused_by_the_kernel_itself_are_sent_one_by_one_and_none_is_lost():
    # UDP_SEGMENT on a socket without checksums is EINVAL on every kernel.
    with Lab(wire=False) as lab:
        agents = pair(lab, {})
        assert agents[0].json("status")["offload"]["udp-segmentation"] == "on"
        with datagram_sockets(agents[0].process) as sockets:
            assert len(sockets) > 64, "the pool and the listening socket"
            for each in sockets:
                each.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
        judge(lab, agents, "udp-segmentation", "Invalid argument")


def test_superframes_refused_by_the_tap_are_written_in_segments_and_none_is_lost(refusing):
    with Lab(wire=False) as lab:
        judge(lab, pair(lab, refusing["write"]), "tap-write-superframes", "Invalid argument")


def test_sockets_whose_steering_is_refused_are_chosen_by_the_kernel_and_none_is_lost(refusing):
    with Lab(wire=False) as lab:
        judge(lab, pair(lab, refusing["steer"], workers=2), "udp-flow-steering", "Operation not permitted")


def test_udp_superframes_refused_by_the_tap_are_done_without_and_none_is_lost(refusing):
    with Lab(wire=False) as lab:
        judge(lab, pair(lab, refusing["uso"]), "tap-read-udp-superframes", "Invalid argument")
