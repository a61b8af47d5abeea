"""`vtep top`: in a terminal, and for programs."""

import os
import re
import signal

import pytest

from agent import binary, vtep
from frames import ethernet, mac
from host import wait_until
from packets import Packets
from peer import RawPeer
from terminal import ENTERED, Terminal

ALICE, GUEST = mac(0xA1), mac(0xB0B)
HEADERS = (r"VNI +TAP +RX-FRAME/S +TX-FRAME/S +RX-BIT/S +TX-BIT/S", r"PEER +ADDRESS +SESSION +RX-BIT/S +TX-BIT/S",
           r"DROP +DIRECTION +FRAME/S +FRAMES")


def top(agent, *arguments, **size):
    """`vtep top` in a terminal."""
    return Terminal(binary(), "top", "--interval", "0.3", *arguments, "--socket", agent.socket_path, **size)


def shows(terminal, *patterns):
    """Waits until each pattern is found on one screen, whose lines `^` and `$` bound."""
    def found():
        text = "\n".join(terminal.screen())
        return all(re.search(each, text, re.MULTILINE) for each in patterns)
    wait_until(found, 10, f"the screen shows {patterns}: {terminal.screen()}")


@pytest.fixture
def agent(lab):
    """An agent with two segments."""
    return lab.agent(segments=[{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}])


def test_top_shows_rates_that_are_true_and_does_what_keys_say(lab, agent):
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, top(agent) as terminal:
        shows(terminal, *HEADERS, r"^ 42 +vx42", r"^b +192\.0\.2\.2 +none")
        peer.send_frame(ethernet(GUEST, length=125), vni=43, times=300)
        tap.send(ethernet(b"\x01" * 6))
        # 1000 bits each: 300 of them within some tenths of a second.
        shows(terminal, r"^ 43 +vx43 +[0-9.]+k? +0 +[0-9.]+k +0\n 42 ", r"^invalid-source-mac +overlay +[0-9.]+ +1$")
        terminal.press(b"n")
        shows(terminal, r"^vtep 192\.0\.2\.1 .* by name ", r"^ 42 .*\n 43 ")
        terminal.press(b"i")
        shows(terminal, r"by name, inverted")
        terminal.press(b"\x1b[C?")
        shows(terminal, r"by rx", r"q +quit")
        terminal.press(b"hp")
        shows(terminal, r"paused", *HEADERS)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_top_follows_the_size_of_its_window(agent):
    with top(agent, columns=100, rows=30) as terminal:
        shows(terminal, *HEADERS)
        terminal.resize(24, 5)
        wait_until(lambda: len(terminal.screen()) <= 5, 5, "it draws five lines")
        assert all(len(line) <= 24 for line in terminal.screen())
        terminal.resize(100, 30)
        shows(terminal, *HEADERS)
        terminal.press(b"q")
        assert terminal.end() == 0


@pytest.mark.parametrize("way", ("Ctrl-C", signal.SIGTERM, signal.SIGHUP, "the agent's end"))
def test_top_gives_the_terminal_back_however_it_ends(agent, way):
    with top(agent) as terminal:
        shows(terminal, *HEADERS)
        if way == "Ctrl-C":
            terminal.press(b"\x03")
        elif way == "the agent's end":
            agent.stop()
        else:
            os.kill(terminal.process.pid, way)
        status = terminal.end()
        if way == "the agent's end":
            assert status == 1 and b"no agent listens on" in terminal.output.rsplit(b"\x1b[?1049l", 1)[1]
        else:
            assert status == 0


def test_top_gives_the_terminal_back_while_it_is_stopped(agent):
    with top(agent) as terminal:
        shows(terminal, *HEADERS)
        terminal.press(b"\x1a")

        def state():
            terminal.read(0.05)
            with open(f"/proc/{terminal.process.pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0]
        wait_until(lambda: state() == "T", 5, "it stands still")
        terminal.is_given_back()
        drawn = len(terminal.output)
        terminal.process.send_signal(signal.SIGCONT)
        wait_until(lambda: state() != "T" and ENTERED in terminal.output[drawn:], 5, "it goes on")
        shows(terminal, *HEADERS)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_top_once_is_a_table_or_a_document(lab, agent):
    with RawPeer(lab.h2, agent) as peer:
        peer.send(b"short", times=3)
        wait_until(lambda: agent.json("drops")["short-header"] == 3, 5, "the drops are counted")
    shown = agent.ask("top", "--once", "-d", "0.2")
    assert shown.returncode == 0 and "\x1b" not in shown.stdout
    assert all(re.search(each, shown.stdout, re.MULTILINE) for each in HEADERS)
    document = agent.json("top", "--once", "-d", "0.2", "--sort", "name")
    assert set(document) == {"interval-seconds", "restarted", "address", "uptime-seconds", "segments", "peers", "drops"}
    assert [each["vni"] for each in document["segments"]] == [42, 43]
    assert set(document["segments"][0]) == {"vni", "tap", "rx-frames-per-second", "rx-bits-per-second",
                                            "tx-frames-per-second", "tx-bits-per-second"}
    assert set(document["peers"][0]) == {"name", "address", "session", "rx-bits-per-second", "tx-bits-per-second"}
    assert document["drops"] == [{"reason": "short-header", "direction": "underlay", "frames-per-second": 0,
                                  "frames": 3}]
    assert 0.2 <= document["interval-seconds"] < 5 and document["restarted"] is False


@pytest.mark.parametrize("arguments, said", (
    ((), "add --once"), (("-j",), "-j goes with --once"), (("--once", "-d", "0"), "0.1 to 3600"),
    (("--once", "--sort", "colour"), "'frames' or 'bits'"),
))
def test_top_says_what_is_wrong_with_how_it_is_used(agent, arguments, said):
    done = agent.ask("top", *arguments)
    assert done.returncode == 64 and said in done.stderr and done.stdout == ""


def test_top_without_an_agent_says_so():
    done = vtep("top", "--once", "--socket", "/nonexistent/control.sock")
    assert done.returncode == 1 and "no agent listens on /nonexistent/control.sock" in done.stderr
