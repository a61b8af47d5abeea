"""How the agent starts: in which order, within which limits, and what a start that fails leaves."""

import os
import socket
import subprocess

from agent import binary
from host import wait_until
from stopwatch import Stopwatch


def limited(lab, agent, limit):
    """Starts the agent's process with a limit of open files, `soft:hard`."""
    agent.write()
    with open(agent.stderr_path, "w", encoding="utf-8") as stderr:
        agent.process = lab.h1.popen("prlimit", f"--nofile={limit}", binary(), "run", "--config", agent.config_path,
                                     stderr=stderr, stdout=subprocess.DEVNULL)


def test_too_few_open_files_are_named_with_the_limit(lab):
    agent = lab.agent(start=False)
    limited(lab, agent, "64:64")
    assert agent.process.wait(timeout=30) == 1
    assert "limit of 64 open files" in agent.stderr() and "LimitNOFILE" in agent.stderr()
    assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)


def test_the_hard_limit_of_open_files_counts(lab):
    agent = lab.agent(start=False)
    limited(lab, agent, "64:4096")
    wait_until(lambda: agent.ready() or agent.process.poll() is not None, 30, "the agent is ready")
    assert agent.ready(), agent.stderr()
    agent.stop()


def test_a_second_instance_with_the_same_control_socket_makes_no_device(lab):
    first = lab.agent()
    second = lab.agent(start=False, local={"port": 4799}, control={"socket": first.socket_path},
                       segments=[{"vni": 43, "tap": "vx43"}])
    with lab.h1.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as monitor:
        monitor.bind((0, 1))  # RTMGRP_LINK: what happens to devices, from now on
        second.launch()
        assert second.process.wait(timeout=30) == 1 and "another agent listens" in second.stderr()
        lab.h1.ip("link", "add", "after", "type", "bridge")
        seen = b""
        monitor.settimeout(30)
        while b"after" not in seen:
            seen += monitor.recv(65_536)
    assert b"vx43" not in seen
    assert first.json("status") is not None and os.path.exists(first.socket_path)


def test_a_start_that_fails_at_its_devices_leaves_nothing(lab):
    lab.agent(segments=[{"vni": 42, "tap": "vx42"}])
    second = lab.agent(start=False, local={"port": 4799},
                       segments=[{"vni": 43, "tap": "vx43", "bridge": "br43"}, {"vni": 42, "tap": "vx42"}])
    watch = Stopwatch()
    second.launch()
    assert second.process.wait(timeout=30) == 1 and "in use" in second.stderr()
    assert watch.seconds() <= 2
    assert lab.h1.link("vx43") is None and lab.h1.link("br43") is None and not os.path.exists(second.socket_path)
