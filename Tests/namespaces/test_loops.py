"""Row 55 of the fault table: loops built on purpose come to rest."""

import json
import time

import pytest

from frames import BROADCAST, ethernet, mac
from host import wait_until
from packets import Packets

GUEST, STRANGER = mac(0xB0B), mac(0x5757)
BOTH = [{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}]


def bridged(lab, host):
    """Joins the TAPs of both segments of a host by a bridge, with a station behind it."""
    host.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", 0, "forward_delay", 0)
    guest = lab.add_host(f"g{host.name}")
    lab.cable(host, "g0", guest, "eth0", mtu=1450)
    for device in ("vx42", "vx43", "g0"):
        host.ip("link", "set", device, "master", "br0")
    host.ip("link", "set", "br0", "up")
    return guest


def looped(host, device="vx42"):
    """Lets a TAP give back every frame that a bridge floods: it sends them to the port that they came from too."""
    host.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", 0, "forward_delay", 0)
    host.ip("link", "set", device, "master", "br0")
    host.ip("link", "set", device, "type", "bridge_slave", "hairpin", "on")
    host.ip("link", "set", "br0", "up")


def sent(agents):
    """Datagrams that the agents have sent so far."""
    total = 0
    for agent in agents:
        counters = agent.counters()
        total += counters.overlay["frames-out"] + counters.all["flood-copies"]
    return total


def rests(agents, before, what):
    """Waits until nothing is sent any more. Fails after 1 s of a free machine, or for more than 1000 packets."""
    last = [sent(agents)]

    def is_quiet():
        time.sleep(0.3)
        last.append(sent(agents))
        return last[-1] == last[-2]
    wait_until(is_quiet, 1.5, f"the underlay is quiet after {what}")
    assert last[-1] - before <= 1000, what
    print(f"row 55: {what}: {last[-1] - before} frames and copies sent")


@pytest.mark.parametrize("destination", (BROADCAST, STRANGER), ids=("broadcast", "unknown-unicast"))
def test_fault_row_55_two_segments_bridged_in_both_hosts_come_to_rest(lab, destination):
    agents = [lab.agent(name, segments=BOTH) for name in ("h1", "h2")]
    guests = [bridged(lab, host) for host in (lab.h1, lab.h2)]
    with Packets(guests[0], "eth0") as station:
        for number in range(5):
            before = sent(agents)
            station.send(ethernet(GUEST, destination, bytes([number]) * 50))
            rests(agents, before, f"frame {number}")
    drops = [agent.counters().dropped("overlay").get("loop", 0) for agent in agents]
    assert sum(drops) > 0, "what came to rest was a loop"


def test_fault_row_55_a_frame_that_came_into_one_segment_only_does_not_go_round_for_ever(lab3):
    # From a host with one segment, to one of the two that bridge: the other hears of it through the bridge alone.
    peers = [{"name": "b", "address": lab3.h2.address}]
    one = lab3.agent("h1", segments=BOTH, peers=peers + [{"name": "c", "address": lab3.h3.address}])
    two = lab3.agent("h2", segments=BOTH, peers=[{"name": "a", "address": lab3.h1.address}])
    third = lab3.agent("h3", peers=[{"name": "a", "address": lab3.h1.address}])
    for host in (lab3.h1, lab3.h2):
        bridged(lab3, host)
    with Packets(lab3.h3, "vx42") as station:
        before = sent([one, two, third])
        station.send(ethernet(GUEST, BROADCAST, b"round and round"))
        rests([one, two, third], before, "a frame that goes round in one direction")


@pytest.mark.parametrize("both", (False, True), ids=("one-tap", "both-taps"))
def test_fault_row_55_a_tap_that_gives_back_what_it_gets(lab, both):
    agents = [lab.agent(name) for name in ("h1", "h2")]
    looped(lab.h2)
    if both:
        looped(lab.h1)
    with Packets(lab.h1, "vx42") as station:
        for number in range(3):
            for destination in (BROADCAST, STRANGER):
                before = sent(agents)
                station.send(ethernet(GUEST, destination, bytes([number]) * 50))
                rests(agents, before, f"frame {number} to {destination.hex()}")
    assert agents[1].counters().dropped("overlay").get("loop", 0) >= 6
    # The station is still where it is.
    assert agents[1].fdb()[GUEST.hex(":")]["peer"] == "b"
    wait_until(lambda: "a loop" in agents[1].stderr(), 5, "the log tells of the loop")
    assert agents[1].stderr().count("a loop") == 1, json.dumps(agents[1].stderr())
