"""`vtep monitor` of frames that end: what is told of them, how many are, and that nothing is while nobody listens."""

import contextlib
import json
import subprocess
import time

import pytest

from agent import binary
from frames import ethernet, mac, mac_text, tagged, vxlan
from host import wait_until
from packets import Packets
from peer import RawPeer

GUEST, ALICE = mac(0xB0B), mac(0xA1)
RATE = 30_000


class Monitor:
    """`vtep monitor -j` with some options: the `events` and the `complaints` so far."""

    def __init__(self, agent, *options):
        self._paths = [f"{agent.socket_path}.{number}" for number in (1, 2)]
        with open(self._paths[0], "wb") as output, open(self._paths[1], "wb") as complaints:
            line = [binary(), "monitor", "-j", *options, "--socket", agent.socket_path]
            self.process = subprocess.Popen(line, stdout=output, stderr=complaints, stdin=subprocess.DEVNULL)

    def events(self):
        """What was printed."""
        with open(self._paths[0], encoding="utf-8") as lines:
            return [json.loads(each) for each in lines if each.endswith("\n")]

    def complaints(self):
        """What was said on standard error."""
        with open(self._paths[1], encoding="utf-8") as lines:
            return lines.read()


@contextlib.contextmanager
def monitor(agent, peer, *options):
    """A monitor that is heard of: `short-header` drops are made until one is told."""
    made = Monitor(agent, *options)
    try:
        def heard():
            peer.send(b"short")
            return any(each.get("reason") == "short-header" for each in made.events())
        wait_until(heard, 20, "the monitor hears of a drop", every=0.1)
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def told(made, reason):
    """The first event of a reason, without its time."""
    for each in made.events():
        if each.get("reason") == reason:
            assert each.pop("time").endswith("Z")
            return each
    return None


@pytest.mark.parametrize("workers", (1, 2))
def test_a_drop_is_told_with_what_is_known_of_it(lab, workers):
    lab.h2.ip("addr", "add", "192.0.2.9/24", "dev", "u0")
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42"}])
    with RawPeer(lab.h2, agent) as peer, RawPeer(lab.h2, agent, "192.0.2.9") as stranger, \
            Packets(lab.h1, "vx42") as tap, monitor(agent, peer) as made:
        peer.send_frame(tagged(ethernet(GUEST, length=60)))
        peer.send_frame(ethernet(GUEST, length=60), vni=77)
        stranger.send_frame(ethernet(GUEST, length=60))
        tap.send(tagged(ethernet(ALICE, length=60)))
        wait_until(lambda: told(made, "unknown-peer"), 5, "the last is told")
        wait_until(lambda: sum(each.get("reason") == "vlan-tag" for each in made.events()) == 2, 5, "both are told")
        ways = {each["direction"]: each for each in made.events() if each.get("reason") == "vlan-tag"}
        assert {name: ways["underlay"].get(name) for name in ("event", "mac", "vni", "peer")} == {
            "event": "drop", "mac": mac_text(GUEST), "vni": 42, "peer": "b"}
        assert ways["overlay"]["mac"] == mac_text(ALICE) and "peer" not in ways["overlay"]
        assert told(made, "unknown-vni") == {"event": "drop", "reason": "unknown-vni", "direction": "underlay",
                                             "peer": "b"}
        assert told(made, "unknown-peer") == {"event": "drop", "reason": "unknown-peer", "direction": "underlay",
                                              "vni": 42}


def test_a_flood_of_drops_is_told_in_part_and_hides_no_other_reason(lab, blaster, figure):
    agent = lab.agent()
    count = 60_000
    with RawPeer(lab.h2, agent) as peer, monitor(agent, peer) as made:
        before, heard, began = agent.counters(), len(made.events()), time.monotonic()
        flood = (vxlan(77, ethernet(GUEST, length=60)) for _ in range(count))
        # By hand: port 4789 of h2 is the peer's.
        lab.h2.ip("addr", "add", "192.0.2.9/24", "dev", "u0")
        sent = blaster.send(lab.h2, lab.h1.address, flood, rate=RATE, source="192.0.2.9")
        peer.send_frame(tagged(ethernet(GUEST, length=60)))
        counted = agent.settled(before, underlay=sent + 1)
        wait_until(lambda: told(made, "vlan-tag"), 5, "the rare one is told")
        seconds = time.monotonic() - began
        flooded = counted.dropped("underlay")["unknown-peer"]
        shown = sum(each.get("reason") == "unknown-peer" for each in made.events())
        figure(f"{flooded} drops in {seconds:.1f} s, {shown} of them told")
        # One in a hundredth of a second, of which a busy machine may leave some out.
        assert 20 * count / RATE <= shown <= 120 * (seconds + 1), f"{shown} in {seconds:.1f} s"
        assert len(made.events()) - heard <= 320 * (seconds + 1)

        def hidden():
            # A line comes with the next answer, and ten seconds after the one before.
            peer.send(b"short")
            lines = [line.split() for line in made.complaints().splitlines() if "more frames were dropped" in line]
            return sum(int(line[2]) for line in lines)
        wait_until(lambda: hidden() >= flooded - shown, 30, "the others are counted, every one", every=0.2)
        assert hidden() <= agent.counters().all["drops"] - len(made.events()), "and none that was shown"


def test_types_are_filtered_and_drops_are_not_looked_at_for_those_who_want_none(lab):
    agent = lab.agent()
    with RawPeer(lab.h2, agent) as peer:
        made = Monitor(agent, "-t", "learned,moved")
        try:
            number = 0

            def heard():
                nonlocal number
                number += 1
                peer.send(b"short")
                peer.send_frame(ethernet(mac(number), length=60))
                return made.events()
            wait_until(heard, 20, "the monitor hears of a new address", every=0.1)
            time.sleep(0.5)
            assert {each["event"] for each in made.events()} == {"learned"}
            assert made.complaints() == ""
        finally:
            made.process.kill()
            made.process.wait()
    wrong = agent.ask("monitor", "-t", "learned,drops")
    assert wrong.returncode == 64 and '"drops" is no event' in wrong.stderr and "path-mtu" in wrong.stderr
