"""How the agent starts: in which order, within which limits, and what a start that fails leaves."""

import os
import subprocess

from agent import binary


def limited(lab, agent, limit):
    """Starts the agent's process with a limit of open files, `soft:hard`."""
    agent.write()
    with open(agent.stderr_path, "w", encoding="utf-8") as stderr:
        agent.process = lab.h1.popen("prlimit", f"--nofile={limit}", binary(), "run", "--config", agent.config_path,
                                     stderr=stderr, stdout=subprocess.DEVNULL)


def test_too_few_open_files_are_named_with_the_limit(lab):
    agent = lab.agent(start=False)
    limited(lab, agent, "64:64")
    assert agent.process.wait(timeout=5) == 1
    assert "limit of 64 open files" in agent.stderr() and "LimitNOFILE" in agent.stderr()
    assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)


def test_the_hard_limit_of_open_files_counts(lab):
    agent = lab.agent(start=False)
    limited(lab, agent, "64:4096")
    try:
        agent.process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        pass
    assert agent.ready(), agent.stderr()
    agent.stop()
