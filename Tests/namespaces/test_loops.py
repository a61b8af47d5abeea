"""Row 55 of the fault table: loops built on purpose come to rest."""

import json
import select
import socket
import time

import pytest

from frames import BROADCAST, ethernet, mac
from host import wait_until
from packets import Packets
from peer import RawPeer
from stopwatch import Stopwatch

GUEST, STRANGER = mac(0xB0B), mac(0x5757)
BOTH = [{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}]
QUIET_SECONDS = 0.5
"""What has said nothing for so long is at rest: a round of any of these loops takes a millisecond."""


def bridged(lab, host):
    """Joins the TAPs of both segments of a host by a bridge, with a station behind it."""
    host.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", 0, "forward_delay", 0)
    guest = lab.add_host(f"g{host.name}")
    lab.cable(host, "g0", guest, "eth0", mtu=1450)
    for device in ("vx42", "vx43", "g0"):
        host.ip("link", "set", device, "master", "br0")
    host.ip("link", "set", "br0", "up")
    return guest


def looped(host, device="vx42", bridge="br0"):
    """Lets a TAP give back every frame that a bridge floods: it sends them to the port that they came from too."""
    host.ip("link", "add", bridge, "type", "bridge", "mcast_snooping", 0, "forward_delay", 0)
    host.ip("link", "set", device, "master", bridge)
    host.ip("link", "set", device, "type", "bridge_slave", "hairpin", "on")
    host.ip("link", "set", bridge, "up")


def loop_drops(agents):
    """Frames that were dropped for being in a loop, at all agents."""
    return sum(agent.counters().dropped("overlay").get("loop", 0) for agent in agents)


class Underlay:
    """The datagrams that agents send, seen where each leaves its host."""

    def __init__(self, agents):
        self.agents, self.count, self.slowest = agents, 0, 0.0
        self._seen = [Packets(each.host, "u0", f"udp dst port 4789 and src host {each.host.address}", incoming=False)
                      for each in agents]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self._seen:
            each.close()

    def loops_and_rests(self, send, what):
        """Sends something that goes round. At least one frame is dropped as a loop; the last datagram leaves within 1 s
        of a free machine, and there are at most 1000.
        """
        before, count, last = loop_drops(self.agents), 0, 0.0
        watch = Stopwatch()
        send()
        while ready := select.select([each.socket for each in self._seen], [], [], QUIET_SECONDS)[0]:
            last = watch.seconds()
            count += sum(len(each.rest(quiet=0)) for each in self._seen if each.socket in ready)
            assert last <= 1 and count <= 1000, f"{what}: {count} datagrams, the last after {last:.2f} s"
        assert count > 0, f"{what}: nothing was sent"
        wait_until(lambda: loop_drops(self.agents) > before, 5, f"{what}: what came to rest was a loop")
        self.count, self.slowest = max(self.count, count), max(self.slowest, last)

    def __str__(self):
        return f"at most {self.count} datagrams, the last after {1000 * self.slowest:.0f} ms"


@pytest.mark.parametrize("destination", (BROADCAST, STRANGER), ids=("broadcast", "unknown-unicast"))
def test_fault_row_55_two_segments_bridged_in_both_hosts_come_to_rest(lab, destination, figure):
    agents = [lab.agent(name, segments=BOTH) for name in ("h1", "h2")]
    guests = [bridged(lab, host) for host in (lab.h1, lab.h2)]
    with Packets(guests[0], "eth0") as station, Underlay(agents) as underlay:
        for number in range(5):
            frame = ethernet(GUEST, destination, bytes([number]) * 50)
            underlay.loops_and_rests(lambda frame=frame: station.send(frame), f"frame {number}")
    figure(underlay)


def test_fault_row_55_a_frame_that_came_into_one_segment_only_does_not_go_round_for_ever(lab3, figure):
    # From a host with one segment, to one of the two that bridge: the other hears of it through the bridge alone.
    peers = [{"name": "b", "address": lab3.h2.address}]
    one = lab3.agent("h1", segments=BOTH, peers=peers + [{"name": "c", "address": lab3.h3.address}])
    two = lab3.agent("h2", segments=BOTH, peers=[{"name": "a", "address": lab3.h1.address}])
    third = lab3.agent("h3", peers=[{"name": "a", "address": lab3.h1.address}])
    for host in (lab3.h1, lab3.h2):
        bridged(lab3, host)
    with Packets(lab3.h3, "vx42") as station, Underlay([one, two, third]) as underlay:
        underlay.loops_and_rests(lambda: station.send(ethernet(GUEST, BROADCAST, b"round and round")),
                                 "a frame that goes round in one direction")
    figure(underlay)


@pytest.mark.parametrize("both", (False, True), ids=("one-tap", "both-taps"))
def test_fault_row_55_a_tap_that_gives_back_what_it_gets(lab, both, figure):
    agents = [lab.agent(name) for name in ("h1", "h2")]
    looped(lab.h2)
    if both:
        looped(lab.h1)
    with Packets(lab.h1, "vx42") as station, Underlay(agents) as underlay:
        for number in range(3):
            for destination in (BROADCAST, STRANGER):
                frame = ethernet(GUEST, destination, bytes([number]) * 50)
                underlay.loops_and_rests(lambda frame=frame: station.send(frame), f"{number} to {destination.hex()}")
    figure(underlay)
    assert agents[1].counters().dropped("overlay").get("loop", 0) >= 6
    # The station is still where it is.
    assert agents[1].fdb()[GUEST.hex(":")]["peer"] == "b"
    wait_until(lambda: "a loop" in agents[1].stderr(), 5, "the log tells of the loop")
    assert agents[1].stderr().count("a loop") == 1, json.dumps(agents[1].stderr())


def test_a_loop_of_a_segment_that_leaves_is_told_with_its_vni(lab):
    """What was noted of a slot is told before the slot is somebody else's."""
    numbers = range(43, 47)
    agent = lab.agent(segments=[{"vni": number, "tap": f"vx{number}"} for number in (42, *numbers)])
    for number in (42, *numbers):
        looped(lab.h1, f"vx{number}", f"br{number}")
    with RawPeer(lab.h2, agent) as peer:
        for number in numbers:
            # The first has the main thread pause between two looks; the second waits for the next, unless it is asked.
            for vni in (42, number):
                peer.send_frame(ethernet(GUEST, BROADCAST, bytes([number]) * 50), vni=vni)
            path = f"/v1/segments/{number}"
            assert request(agent, "DELETE", path) == 200
            assert request(agent, "POST", "/v1/segments", {"vni": number + 100, "tap": f"vx{number}n"}) == 200
            told = [line for line in agent.stderr().splitlines() if "a loop" in line]
            assert any(f"vni={number}" in line.split() for line in told), (number, told)
            assert not any(f"vni={number + 100}" in line.split() for line in told), told
            # A second after the last one a segment tells of a loop again.
            time.sleep(1.1)
    agent.forget()


def request(agent, method, path, body=None):
    """Asks the agent without a command, which takes longer than its main thread pauses. Returns the status."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(20)
        asking.connect(agent.socket_path)
        content = json.dumps(body).encode() if body else b""
        asking.sendall(f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n".encode()
                       + content)
        return int(asking.recv(65536).split(b" ")[1])
