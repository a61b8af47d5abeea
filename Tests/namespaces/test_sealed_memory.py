"""Row 51 of the fault table: what keys leave behind in the memory of the process. All of that is read, and searched for
keys that the peer in the tests' hands knows too.
"""

import base64
import os
import re
import signal

import pytest

from host import wait_until
from keys import preshared_key
from sealed import identities, sealed_agent, sealed_segment
from sealed_peer import SealedPeer
from test_sealed_reload import hangup, lines, write

WIPED_WITHIN = 1
CORES = ("prlimit", "--core=unlimited:unlimited")
DUMPED = 3  # CLD_DUMPED of waitid(2)


def mappings(pid):
    """The mappings of a process that can be read: (first address, last address, flags of smaps)."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ", line):
                span = int(head[1], 16), int(head[2], 16), head[3]
            elif line.startswith("VmFlags:") and span[2][0] == "r":
                found.append((*span[:2], set(line.split()[1:])))
    return found


def places(agent, secret):
    """The flags of every mapping of the agent in which these bytes lie."""
    found = []
    with open(f"/proc/{agent.process.pid}/mem", "rb", buffering=0) as memory:
        for first, last, flags in mappings(agent.process.pid):
            try:
                memory.seek(first)
                data = memory.read(last - first)
            except (OSError, OverflowError):
                continue  # the kernel's own pages
            if secret in data:
                found.append(flags)
    return found


def in_locked_memory(agent, secret):
    """Whether the agent has these bytes, and nowhere but in memory that is locked and left out of core dumps."""
    found = places(agent, secret)
    return bool(found) and all({"lo", "dd"} <= flags for flags in found)


@pytest.mark.parametrize("cipher", ("aes256gcm", "chacha20poly1305"))
def test_fault_row_51_keys_lie_in_locked_memory_and_old_ones_nowhere(lab, cipher, figure):
    known = identities(lab)
    agent = sealed_agent(lab, "h1", known, [sealed_segment(1, cipher=cipher)])
    with SealedPeer(lab.h2, agent, known["h2"], known["h1"].public, cipher=cipher) as peer:
        agent.start()
        old = peer.answer()
        for key in old.keys:
            assert in_locked_memory(agent, key), "the search finds what is there"
        receiving, sending = old.keys
        peer.connect()
        wait_until(lambda: not places(agent, sending), WIPED_WITHIN, "what nothing is sent with any more is wiped")
        assert in_locked_memory(agent, receiving), "it still receives"
        peer.connect()
        for key in (*old.keys, *old.secrets):
            wait_until(lambda: not places(agent, key), WIPED_WITHIN, "a key that has retired is wiped")
        for key in peer.session.keys:
            assert in_locked_memory(agent, key)
        for secret in peer.session.secrets:
            assert not places(agent, secret), "what the keys came from is wiped when they are made"
        private = known["h1"].private
        assert in_locked_memory(agent, private)
        assert not places(agent, base64.b64encode(private)[:40]), "the text of its file is wiped"
    figure("keys in use: in locked memory only; retired ones, their secrets and the key file's text: in no page")


def test_fault_row_51_keys_that_were_replaced_by_a_reload_are_nowhere(lab):
    known, keys = identities(lab), [preshared_key() for _ in range(2)]
    path = f"{lab.directory}/psk"
    write(path, lines(keys[0]))
    agent = sealed_agent(lab, "h1", known, local={"psk-file": path})
    agent.start()
    assert in_locked_memory(agent, keys[0])
    write(path, lines(keys[1]))
    hangup(agent, "pre-shared-keys=changed")
    wait_until(lambda: not places(agent, keys[0]), WIPED_WITHIN, "the old pre-shared key is wiped")
    assert in_locked_memory(agent, keys[1])
    private = known["h1"].private
    assert in_locked_memory(agent, private)
    write(known["h1"].path, base64.b64encode(os.urandom(32)) + b"\n")
    hangup(agent, "private-key=changed")
    wait_until(lambda: not places(agent, private), WIPED_WITHIN, "the old private key is wiped")


def ends_with_a_dump(process, number=signal.SIGABRT):
    """Whether the kernel has dumped the memory of a process that is killed now."""
    process.send_signal(number)
    how = os.WEXITED | os.WNOWAIT | os.WNOHANG
    done = wait_until(lambda: os.waitid(os.P_PID, process.pid, how), 30, "it has ended")
    process.wait(timeout=30)
    return done.si_code == DUMPED


def test_fault_row_51_an_agent_with_keys_leaves_no_core_dump_and_no_backtrace(lab):
    other = lab.h1.popen(*CORES, "sleep", "60", cwd=lab.directory)
    wait_until(lambda: os.readlink(f"/proc/{other.pid}/exe").endswith("sleep"), 5, "it sleeps")
    assert ends_with_a_dump(other), "this machine dumps cores of other programs"
    agent = sealed_agent(lab, "h1", identities(lab))
    agent.start(prefix=CORES)
    with open(f"/proc/{agent.process.pid}/limits", encoding="ascii") as file:
        assert re.search(r"Max core file size +unlimited +unlimited", file.read())
    agent.forget()
    before = agent.stderr()
    assert not ends_with_a_dump(agent.process)
    assert agent.stderr() == before, "no backtrace, which shows bytes of the memory"
