"""A segment whose TAP is a port of a Linux bridge: stations behind the bridge are on the overlay."""

import pytest

from frames import ethernet, mac_bytes
from host import wait_until
from peer import RawPeer


def build(lab, found):
    """h1 with a bridged segment and a guest behind the bridge; the kernel's VTEP on h2."""
    if found:
        lab.h1.ip("link", "add", "br42", "type", "bridge")
        lab.h1.ip("link", "set", "br42", "up")
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "bridge": "br42"}])
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    guest = lab.add_host("guest")
    lab.cable(lab.h1, "g0", guest, "eth0", mtu=1450)
    lab.h1.ip("link", "set", "g0", "master", "br42")
    guest.ip("addr", "add", "10.42.0.9/24", "dev", "eth0")
    # A cable, not a kernel that trusts a kernel: checksums are filled in.
    guest.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
    return agent, guest


@pytest.mark.parametrize("found", (False, True), ids=("created", "found"))
def test_a_station_behind_the_bridge_reaches_the_other_host(lab, found):
    agent, guest = build(lab, found)
    assert lab.h1.link("vx42")["master"] == "br42"
    assert "UP" in lab.h1.link("br42")["flags"]
    guest.ping("10.42.0.2", "-c", 3, "-i", 0.05)
    lab.h2.ip("neigh", "flush", "all")
    lab.h2.ping("10.42.0.9", "-M", "do", "-s", 1450 - 28)
    entries = agent.fdb()
    assert "peer" not in entries[guest.mac("eth0")] and entries[guest.mac("eth0")]["state"] == "dynamic"
    assert entries[lab.h2.mac("vx0")]["peer"] == "b"


@pytest.mark.parametrize("found", (False, True), ids=("created", "found"))
def test_a_created_bridge_goes_with_the_agent_and_a_found_one_stays(lab, found):
    agent, _ = build(lab, found)
    assert lab.h1.link("br42") is not None
    agent.stop()
    wait_until(lambda: lab.h1.link("vx42") is None, 5, "the TAP is gone")
    assert (lab.h1.link("br42") is not None) == found


def test_the_mac_of_a_created_bridge_is_the_own_one(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "bridge": "br42"}])
    with RawPeer(lab.h2, agent) as peer:
        before = agent.counters()
        peer.send_frame(ethernet(mac_bytes(lab.h1.mac("br42"))), times=10)
        assert agent.settled(before, underlay=10).dropped("underlay") == {"own-source-mac": 10}
