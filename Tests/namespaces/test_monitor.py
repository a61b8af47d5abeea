"""`vtep monitor` of peers, sessions and paths, and of as many readers as there are places."""

import subprocess
import time

from agent import binary
from frames import ethernet, mac
from host import wait_until
from peer import RawPeer
from sealed import identities, sealed_agent, sealed_segment, session_up, short_keys
from shrinking import set_link_mtu
from test_fdb import listening, monitor

MONITORS = 64


def of_peers(events, kind):
    """The events of a kind, without the time, which each of them has."""
    return [{key: value for key, value in each.items() if key not in ("time", "event")}
            for each in events() if each["event"] == kind and each["time"].endswith("Z")]


def test_monitor_tells_of_sessions_that_come_and_go(lab):
    known = identities(lab)
    segments = {name: [{"vni": 42, "tap": "vx42"}, sealed_segment(int(name[1:]), vni=43, tap="vx43")] for name in known}
    first, second = [sealed_agent(lab, name, known, segments[name]) for name in known]
    first.start(short_keys(6))
    with monitor(first) as events:
        with RawPeer(lab.h2, first) as peer:
            listening(first, events, peer)
        second.start(short_keys(6))
        session_up(first)
        wait_until(lambda: of_peers(events, "session"), 5, "the session is told")
        assert of_peers(events, "session") == [{"peer": "h2", "session": "up"}]
        time.sleep(7)
        assert len(of_peers(events, "session")) == 1, "a session that is replaced is no event"
        second.kill()
        wait_until(lambda: len(of_peers(events, "session")) == 2, 20, "the loss is told")
        lost = of_peers(events, "session")[1]
        assert lost["peer"] == "h2" and lost["session"] in ("handshake", "none")


def test_monitor_tells_of_paths_that_take_another_size(lab):
    agent = lab.agent()
    with RawPeer(lab.h2, agent) as peer, monitor(agent) as events:
        listening(agent, events, peer)
        for number, mtu in enumerate((1400, 1500), 1):
            set_link_mtu(lab, mtu)
            wait_until(lambda: len(of_peers(events, "path-mtu")) == number, 10, f"a path of {mtu} bytes is told")
    assert of_peers(events, "path-mtu") == [{"peer": "b", "path-mtu": 1400}, {"peer": "b", "path-mtu": 1500}]


def test_64_monitors_hear_of_everything_and_other_commands_go_on(lab):
    agent = lab.agent()
    paths = [f"{lab.directory}/monitor-{number}" for number in range(MONITORS)]
    line = [binary(), "monitor", "-j", "--socket", agent.socket_path]
    monitors = []
    try:
        for path in paths:
            with open(path, "wb") as output, open(f"{path}.stderr", "wb") as complaints:
                monitors.append(subprocess.Popen(line, stdout=output, stderr=complaints, stdin=subprocess.DEVNULL))

        def said(ending):
            texts = []
            for path in paths:
                with open(path + ending, encoding="utf-8") as file:
                    texts.append(file.read())
            return texts
        wait_until(lambda: sum("once a second" in each for each in said(".stderr")) >= MONITORS - 32, 30,
                   "those without a place say so")
        for _ in range(20):
            assert agent.ask("status").returncode == 0
        with RawPeer(lab.h2, agent) as peer:
            peer.send_frame(ethernet(mac(0xE1), length=60))
            wait_until(lambda: all("learned" in each for each in said("")), 15, "each of them hears")
        assert all(each.poll() is None for each in monitors), said(".stderr")
        assert all(each.count("\n") == 1 for each in said("")), "once each"
        assert all(each.count("\n") <= 1 for each in said(".stderr")), "said once"
    finally:
        for each in monitors:
            each.kill()
            each.wait()
