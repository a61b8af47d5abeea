"""What somebody takes away from a running agent comes back: its TAP, its bridge; and the log stays short meanwhile."""

import collections
import datetime
import re
import time

from host import wait_until


def addressed(lab, **segment):
    """An agent with 10.42.0.1 on its TAP, and the kernel's VTEP with .2 on h2."""
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    return lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"], **segment}])


def pings_again(lab, seconds=5):
    wait_until(lambda: lab.h1.ping("10.42.0.2", check=False, seconds=0.2), seconds, "a ping is answered")


def test_a_tap_that_failed_once_while_being_mended_is_mended_later(lab):
    lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=0)
    agent = addressed(lab, address=["10.42.0.1/24", "fd42::1/64"])
    assert lab.h1.ping("10.42.0.2")
    # A device without IPv6 takes no IPv6 address: attaching succeeds, setting up does not.
    lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=1)
    lab.h1.ip("link", "del", "vx42")
    wait_until(lambda: "cannot be mended yet" in agent.stderr(), 2, "the agent says that it cannot mend the TAP yet")
    time.sleep(0.6)  # two more attempts
    lab.h1.sysctl(net__ipv6__conf__vx42__disable_ipv6=0)
    wait_until(lambda: "TAP is back" in agent.stderr(), 2, "the TAP is back")
    assert "fd42::1" in {each["local"] for each in lab.h1.link("vx42")["addr_info"]}
    pings_again(lab)


def test_a_tap_that_is_deleted_again_and_again_fills_no_log(lab):
    agent = addressed(lab)
    offloads = agent.json("status")["offload"]
    end, latest = time.monotonic() + 2, time.monotonic() + 60
    deleted = 0
    while time.monotonic() < end or deleted <= 25 and time.monotonic() < latest:
        deleted += lab.h1.ip("link", "del", "vx42", check=False).returncode == 0
    assert deleted > 25, "the loop was too slow to test anything"
    pings_again(lab)
    # A device that goes while it is being set up has refused nothing.
    assert agent.json("status")["offload"] == offloads
    written = collections.defaultdict(list)
    for line in agent.stderr().splitlines():
        found = re.search(r"time=(\S+)Z .*(TAP failed|TAP is back|cannot be mended yet)", line)
        if found:
            written[found[2]].append(datetime.datetime.fromisoformat(found[1]).timestamp())
    assert len(written["TAP failed"]) > 10, agent.stderr()
    for name, times in written.items():
        # Ten in any second; a line's time is taken a little after it was judged.
        assert all(later - earlier > 0.98 for earlier, later in zip(times, times[10:])), (name, times)
    assert "suppressed=" in agent.stderr()


def bridged(lab):
    """An agent whose TAP is a port of br42, which has the address and is created by the agent."""
    agent = addressed(lab, bridge="br42")
    assert lab.h1.ping("10.42.0.2")
    return agent


def is_port(lab):
    """Whether the TAP is a port of a bridge that is up."""
    tap, bridge = lab.h1.link("vx42"), lab.h1.link("br42")
    return bool(tap and bridge and tap.get("master") == "br42" and "UP" in bridge["flags"])


def test_a_deleted_bridge_is_back_within_two_seconds_and_goes_at_the_end(lab):
    agent = bridged(lab)
    for time_of_it in (1, 2):
        lab.h1.ip("link", "del", "br42")
        wait_until(lambda: is_port(lab), 2, "the TAP is a port of its bridge again")
        pings_again(lab)
        assert agent.stderr().count("lost its bridge") == time_of_it
    agent.stop()
    assert lab.h1.link("br42") is None


def test_a_tap_that_was_taken_out_of_its_bridge_is_put_back(lab):
    bridged(lab)
    lab.h1.ip("link", "set", "vx42", "nomaster")
    wait_until(lambda: is_port(lab), 2, "the TAP is a port of its bridge again")
    pings_again(lab)


def test_a_bridge_that_another_made_in_its_place_is_joined_and_stays(lab):
    agent = bridged(lab)
    lab.h1.ip("link", "del", "br42")
    lab.h1.ip("link", "add", "br42", "type", "bridge")
    wait_until(lambda: is_port(lab), 2, "the TAP is a port of the new bridge")
    agent.stop()
    assert lab.h1.link("br42") is not None


def test_what_is_no_bridge_in_its_place_is_told_once_and_mended_when_it_is_gone(lab):
    agent = bridged(lab)
    lab.h1.ip("link", "del", "br42")
    lab.h1.ip("link", "add", "br42", "type", "veth", "peer", "name", "other")
    wait_until(lambda: "cannot be put back yet" in agent.stderr(), 2, "the agent tells")
    time.sleep(2.2)  # two more attempts
    assert agent.stderr().count("cannot be put back yet") == 1
    lab.h1.ip("link", "del", "br42")
    wait_until(lambda: is_port(lab), 2, "the TAP is a port of its bridge again")
    pings_again(lab)


def test_bridge_and_tap_deleted_at_once_are_both_back(lab):
    bridged(lab)
    lab.h1.ip("link", "del", "br42")
    lab.h1.ip("link", "del", "vx42")
    wait_until(lambda: is_port(lab), 2, "the TAP is a port of its bridge again")
    pings_again(lab)
