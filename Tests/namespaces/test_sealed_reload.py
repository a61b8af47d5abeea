"""Keys that change while agents run: SIGHUP reads key files again, row 24's second half. What is wrong with a file, and
any other change of the configuration, leaves everything as it was.
"""

import base64
import contextlib
import itertools
import os
import signal

import pytest

from conftest import full
from host import wait_until
from keys import Identity, preshared_key
from numbered import nothing_lost
from sealed import Agreements, identities, overlay, sealed_agent, session_up, sessions, short_keys
from stopwatch import Stopwatch

KEY_SECONDS = 3
RATE = 2000


def write(path, text, mode=0o600):
    """Replaces a key file by another, whole, as people should."""
    with open(f"{path}.new", "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    os.rename(f"{path}.new", path)


def lines(*keys):
    """A file's text with these pre-shared keys."""
    return b"".join(base64.b64encode(key) + b"\n" for key in keys)


def hangup(agent, word):
    """Sends SIGHUP, and waits for the line that says what came of it. Returns the line."""
    before = len(agent.stderr().splitlines())
    agent.process.send_signal(signal.SIGHUP)

    def line():
        return next((each for each in agent.stderr().splitlines()[before:] if "reload" in each), None)

    said = wait_until(line, 5, "the agent says what came of SIGHUP")
    assert word in said, said
    return said


def with_psk_files(lab, known, *keys, environment=None):
    """Started agents, each with a file of its own with these pre-shared keys: path by agent."""
    paths = {}
    for name in known:
        path = f"{lab.directory}/{name}.psk"
        write(path, lines(*keys))
        agent = sealed_agent(lab, name, known, local={"psk-file": path})
        agent.start(environment)
        paths[agent] = path
    for agent in paths:
        session_up(agent)
    return paths


def test_fault_row_24_pre_shared_keys_change_in_any_order_of_three_hosts_and_nothing_is_lost(lab3, numbered, figure):
    """Two orders, one the other backwards, at the short scale, and at the full one all six. After every change of a
    file the host that has it agrees on a session with each of the others, before the next host changes.
    """
    keys = [preshared_key() for _ in range(7)]
    paths = with_psk_files(lab3, identities(lab3), keys[0], environment=short_keys(KEY_SECONDS))
    orders = list(itertools.permutations(paths))[::1 if full() else 5]
    for sender, receiver in itertools.permutations((1, 2, 3), 2):
        lab3.hosts[f"h{sender}"].ping(overlay(receiver))
    count = RATE * len(orders) * 9 * 3 * KEY_SECONDS
    with contextlib.ExitStack() as stack:
        agreements = {agent: stack.enter_context(Agreements(agent.host)) for agent in paths}
        flows = [numbered.flow(lab3, *ends, count, RATE) for ends in ((1, 2), (2, 3), (3, 1))]
        for order, (old, new) in zip(orders, zip(keys, keys[1:])):
            for file in ((old, new), (new, old), (new,)):
                for agent in order:
                    write(paths[agent], lines(*file))
                    hangup(agent, "pre-shared-keys=changed")
                    agreements[agent].wait_for_each([each.host for each in paths if each is not agent], 3 * KEY_SECONDS)
        assert not any(flow.is_over() for flow in flows), "there was traffic all the time"
        for flow in flows:
            flow.stop()
        arrived, of_kernels = nothing_lost(flows, paths)
        agreed = sum(each.seen() for each in agreements.values()) // 2
    for agent in paths:
        assert "session is lost" not in agent.stderr() and "refused" not in agent.stderr()
        assert agent.json("status")["sealing"]["pre-shared-keys"] == 1
    figure(f"{len(orders)} orders, {9 * len(orders)} changes of a file, {agreed} agreements, {arrived} frames, "
           f"0 lost by agents, {of_kernels} dropped by kernels")


def _mode(path):
    os.chmod(path, 0o644)


def _garbage(path):
    write(path, b"secret\n")


def _three(path):
    write(path, lines(*(bytes([number]) * 32 for number in range(3))))


@pytest.mark.parametrize("spoil, reason", ((_mode, "mode 0644"), (_garbage, "no pre-shared key"),
                                           (_three, "has 3 lines"), (os.remove, "does not exist")))
def test_a_bad_file_is_named_and_everything_stays(lab, spoil, reason):
    key = preshared_key()
    paths = with_psk_files(lab, identities(lab), key, environment=short_keys(KEY_SECONDS))
    agent, path = next(iter(paths.items()))
    spoil(path)
    said = hangup(agent, "reload refused")
    assert reason in said and path in said and "level=error" in said, said
    assert set(sessions(agent).values()) == {"up"}
    with Agreements(lab.h1) as agreements:
        agreements.wait_for(1, 2 * KEY_SECONDS)  # with the key that there was
    session_up(agent)
    write(path, lines(key))
    assert "pre-shared-keys=kept" in hangup(agent, "reloaded")


def test_what_needs_a_restart_is_refused_whole_and_named(lab):
    paths = with_psk_files(lab, identities(lab), preshared_key())
    agent, path = next(iter(paths.items()))
    write(path, lines(preshared_key(), preshared_key()))
    local = agent.config["local"]
    for section, key, value, name in ((local, "source-ports", 3, "local.source-ports"),
                                      (agent.config, "workers", 3, "workers"),
                                      (local, "sealed-port", 4999, "local.sealed-port"),
                                      (local, "port", 4788, "local.port")):
        before = dict(section)
        section[key] = value
        agent.write()
        said = hangup(agent, "reload refused")
        assert name in said and "restart" in said, said
        section.clear()
        section.update(before)
    with open(agent.config_path, "a", encoding="utf-8") as file:
        file.write("nonsense: 1\n")
    assert "nonsense" in hangup(agent, "reload refused")
    assert agent.json("status")["sealing"]["pre-shared-keys"] == 1, "nothing of it was taken"
    agent.write()
    hangup(agent, "pre-shared-keys=changed")
    assert agent.json("status")["sealing"]["pre-shared-keys"] == 2
    assert lab.h1.ping(overlay(2)) and set(sessions(agent).values()) == {"up"}


def test_another_private_key_ends_all_sessions_and_its_own_return_brings_them_back(lab):
    known = identities(lab)
    first, second = (sealed_agent(lab, name, known) for name in known)
    for agent in (first, second):
        agent.start()
    session_up(first)
    with open(known["h1"].path, "rb") as file:
        own = file.read()
    other = Identity(lab, "other")
    write(known["h1"].path, base64.b64encode(other.private) + b"\n")
    said = hangup(first, "private-key=changed")
    assert "sessions=ended" in said
    assert first.json("status")["sealing"]["public-key"] == other.text
    wait_until(lambda: sessions(first) == {"h2": "handshake"}, 2, "the session has ended")
    assert not lab.h1.ping(overlay(2), check=False, seconds=1), "nobody knows the new key"
    assert "session is lost" not in first.stderr(), "it was asked for"
    write(known["h1"].path, own)
    watch = Stopwatch()
    hangup(first, "private-key=changed")
    session_up(first)
    assert lab.h1.ping(overlay(2)) and watch.seconds() <= 1.5
    for agent in (first, second):
        for key in (own, base64.b64encode(other.private)):
            assert key.strip().decode() not in agent.stderr()


def test_a_plain_agent_reads_its_configuration_again_and_tells_of_no_keys(lab):
    agent = lab.agent("h1")
    assert "changes=0" in hangup(agent, "reloaded")
    agent.config["segments"][0]["ageing"] = "5s"
    agent.write()
    said = hangup(agent, "reloaded")
    assert "changes=1" in said and "key" not in said
