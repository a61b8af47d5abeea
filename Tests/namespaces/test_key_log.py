"""`control.key-log`: the keys that the agent writes open what was captured, by a decoder that is not ours; and only
root can have them written, to a file that is its own."""

import os
import stat
import subprocess

import pytest

import sealing
from dissector import expected, fields
from host import wait_until
from key_log import KeyLog
from privileges import user
from reloading import reload
from sealed import (ROOMY, Agreements, identities, overlay, sealed_agent, sealed_segment, session_up,
                    short_keys)
from succession import Succession

CIPHERS = ("aes256gcm", "chacha20poly1305")
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def log_of(lab, name="keys"):
    return f"{lab.directory}/{name}.log"


def payloads(capture):
    """The datagrams of a capture of IPv4."""
    return [frame[42:] for frame in capture.frames()]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_key_log_opens_every_datagram_of_a_capture_over_a_rekey(lab, cipher):
    known = identities(lab)
    agents = [sealed_agent(lab, name, known, [sealed_segment(int(name[1:]), cipher=cipher)],
                           control={"key-log": log_of(lab, name)}) for name in known]
    with Agreements(lab.h1) as agreements, lab.capture(expression="udp port 4790", **ROOMY) as capture:
        for agent in agents:
            agent.start(short_keys(4))
        for agent in agents:
            session_up(agent)
        agreements.wait_for(1, 10)
        for _ in range(2):
            lab.h1.ping(overlay(2), "-c", "20", "-i", "0.05")
            agreements.wait_for(1, 10)
        lab.h1.ping(overlay(2), "-c", "20", "-i", "0.05")
    logs = [KeyLog(log_of(lab, name)) for name in known]
    assert logs[0].lines() == logs[1].lines() and len(logs[0]) >= 6
    for log in logs:
        assert set(log.receivers) == {f"{host.address}:4790" for host in (lab.h1, lab.h2)}, log.receivers
    datagrams = payloads(capture)
    sealed = [each for each in datagrams if sealing.Header(each).kind != "handshake"]
    opened = [logs[0].open(each) for each in sealed]
    frames = [text for each, text in zip(sealed, opened) if sealing.Header(each).kind == "frame"]
    assert sum(text[12:14] == b"\x08\0" for text in frames) >= 120
    assert len({sealing.Header(each).index for each in sealed}) >= 4, "sessions were replaced"
    with pytest.raises(ValueError):
        logs[0].open(sealed[0][:-1] + bytes([sealed[0][-1] ^ 1]))
    assert fields(capture.path, "-Y", "vtep") == [expected(each) for each in datagrams]
    found = fields(capture.path, "-Y", "vtep.ciphertext", "-o", f"vtep.key_log:{log_of(lab, 'h1')}")
    assert all(cipher in each["key"] for each in found) and len(found) == len(sealed)


def test_the_file_is_roots_alone_and_the_agent_says_that_it_writes_it(lab):
    nobody, known = user(), identities(lab)
    os.chown(known["h1"].path, nobody.pw_uid, nobody.pw_gid)
    agent = sealed_agent(lab, "h1", known, user=nobody.pw_name, control={
        "key-log": log_of(lab), "socket": f"{lab.directory}/run/control.sock"})
    other = sealed_agent(lab, "h2", known, start=True)
    agent.start()
    session_up(agent)
    status = os.stat(log_of(lab))
    assert stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == 0 and len(KeyLog(log_of(lab))) >= 2
    assert agent.json("status")["key-log"] == log_of(lab) and "key-log: " in agent.ask("status").stdout
    assert "level=warning" in next(line for line in agent.stderr().splitlines() if "the keys of all sessions" in line)
    # The other was not told to: it has no word of it.
    assert "key-log" not in other.json("status") and "key" not in other.ask("status").stdout.replace("public key", "") \
        .replace("pre-shared keys", "")
    assert "key-log" not in other.stderr()


@pytest.mark.parametrize("prepare, words", (
    (lambda path: os.open(path, os.O_CREAT, 0o644), "chmod 600"),
    (lambda path: os.chown(os.open(path, os.O_CREAT, 0o600) and path, 1, 1), "user 1"),
    (lambda path: os.symlink("/dev/null", path), "no link"),
    (lambda path: os.mkdir(path), "cannot be written"),
    (lambda path: os.mkfifo(path), "cannot be written"),
), ids=("readable", "of another", "link", "directory", "pipe"))
def test_a_file_that_is_not_roots_alone_is_refused_before_anything_is_made(lab, prepare, words):
    prepare(log_of(lab))
    agent = sealed_agent(lab, "h1", identities(lab), control={"key-log": log_of(lab)}).launch()
    assert agent.process.wait(timeout=20) == 78
    line = next(at for at, text in enumerate(open(agent.config_path), 1) if "key-log" in text)
    assert agent.stderr().startswith(f"{agent.config_path}:{line}: control.key-log: ") and words in agent.stderr()


def test_an_agent_that_root_did_not_start_writes_no_keys(lab):
    known = identities(lab)
    os.chown(known["h1"].path, 65_534, 65_534)
    agent = sealed_agent(lab, "h1", known, control={"key-log": log_of(lab)})
    agent.launch(prefix=NOBODY + ("--inh-caps=+net_admin", "--ambient-caps=+net_admin"))
    assert agent.process.wait(timeout=20) == 78
    assert "root" in agent.stderr() and not os.path.exists(log_of(lab))


def test_a_reload_cannot_turn_it_on_and_who_takes_over_appends_to_it(lab):
    known = identities(lab)
    second = sealed_agent(lab, "h2", known, start=True)
    agent = sealed_agent(lab, "h1", known, start=True)
    session_up(agent)
    agent.config["control"]["key-log"] = log_of(lab)
    agent.write()
    assert "control.key-log" in reload(agent, expected=78).stderr
    assert not os.path.exists(log_of(lab))
    succession = Succession(agent)
    for count in (1, 2):
        succession.follow()
        session_up(agent)
        wait_until(lambda: len(KeyLog(log_of(lab))) >= 2 * count, 10, f"{count} sessions are logged")
    assert "key-log" not in second.stderr()


def test_a_full_disk_costs_keys_and_nothing_else_and_leaves_whole_lines(lab):
    folder = f"{lab.directory}/small"
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", folder], check=True)
    try:
        with open(f"{folder}/keys.log", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("#" + "x" * 3_800 + "\n")
        known = identities(lab)
        agents = [sealed_agent(lab, name, known, control={"key-log": f"{folder}/keys.log"} if name == "h1" else {})
                  for name in known]
        for agent in agents:
            agent.start(short_keys(3))
        session_up(agents[0])
        wait_until(lambda: "could not be written" in agents[0].stderr(), 15, "the log says that the disk is full")
        lab.h1.ping(overlay(2), "-c", "10", "-i", "0.2")
        with open(f"{folder}/keys.log", encoding="ascii") as file:
            text = file.read()
        assert text.endswith("\n") and all(line.count(" ") == 5 for line in text.splitlines()[1:])
        assert text.count("VTEP_TRANSPORT_KEY") >= 1
    finally:
        for agent in agents:
            agent.stop()
        subprocess.run(["umount", folder], check=True)
