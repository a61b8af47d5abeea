"""The underlay's MTU, followed while the agent runs: links and routes, the TAP, the data path. Plain segments."""

import threading
import time

import pytest

from conftest import full
from host import wait_until
from lab import Lab
from transfer import blocks, tcp_hash

# What design.md promises; a change is followed far sooner.
DOWN_SECONDS, UP_SECONDS = 5, 40


@pytest.fixture(params=("v4", "v6"))
def underlay(request):
    with Lab(family=request.param) as lab:
        yield lab


def path_mtu(agent, peer="b"):
    return next(each["path-mtu"] for each in agent.json("peers") if each["name"] == peer)


def segment_mtu(agent, vni=42):
    return next(each["mtu"] for each in agent.json("segments") if each["vni"] == vni)


def set_link_mtu(lab, mtu):
    for host in (lab.h1, lab.h2):
        host.ip("link", "set", "u0", "mtu", mtu)


def joined(lab, **segment):
    """vtep on both hosts, with addresses on the TAPs."""
    return [lab.agent(host, segments=[{"vni": 42, "tap": "vx42", "address": [f"10.42.0.{number}/24"], **segment}])
            for number, host in enumerate(("h1", "h2"), 1)]


def test_the_tap_follows_the_link_down_and_up_again(underlay):
    first, second = joined(underlay)
    for mtu, seconds in ((1400, DOWN_SECONDS), (1500, UP_SECONDS), (9000, UP_SECONDS)):
        set_link_mtu(underlay, mtu)
        fits = mtu - underlay.overhead
        for agent, host in ((first, underlay.h1), (second, underlay.h2)):
            wait_until(lambda: host.link("vx42")["mtu"] == fits, seconds, f"the TAP has an MTU of {fits}")
            assert (path_mtu(agent), segment_mtu(agent)) == (mtu, fits)
        underlay.h1.ping("10.42.0.2", "-M", "do", "-s", fits - 28)
        assert not underlay.h1.ping("10.42.0.2", "-M", "do", "-s", fits - 27, check=False, seconds=1)


def test_a_route_to_one_peer_is_followed(underlay):
    first, _ = joined(underlay)
    far = f"{underlay.h2.address}/{32 if underlay.family == 'v4' else 128}"
    underlay.h1.ip("route", "add", far, "dev", "u0", "mtu", 1350)
    wait_until(lambda: path_mtu(first) == 1350, DOWN_SECONDS, "the route's MTU is the path's")
    wait_until(lambda: underlay.h1.link("vx42")["mtu"] == 1350 - underlay.overhead, DOWN_SECONDS, "the TAP follows")
    underlay.h1.ip("route", "del", far)
    wait_until(lambda: path_mtu(first) == 1500, UP_SECONDS, "the link's MTU is the path's again")
    wait_until(lambda: underlay.h1.link("vx42")["mtu"] == 1500 - underlay.overhead, UP_SECONDS, "the TAP follows")


def test_a_fixed_mtu_stays_and_the_sender_is_told_what_fits(underlay):
    mtu = 1500 - underlay.overhead
    first, _ = joined(underlay, mtu=mtu)
    set_link_mtu(underlay, 1400)
    wait_until(lambda: path_mtu(first) == 1400, DOWN_SECONDS, "the path is the link's")
    assert underlay.h1.link("vx42")["mtu"] == mtu == segment_mtu(first)
    wait_until(lambda: "does not fit" in first.stderr(), DOWN_SECONDS, "the log says that the MTU does not fit")
    # The first is answered with ICMP 3/4; the kernel keeps the value as its route's and refuses the next itself.
    underlay.h1.ping("10.42.0.2", "-M", "do", "-s", mtu - 28, check=False, seconds=1)
    route = underlay.h1.ip("route", "get", "10.42.0.2").stdout
    assert f"mtu {1400 - underlay.overhead}" in route, route
    underlay.h1.ping("10.42.0.2", "-M", "do", "-s", 1400 - underlay.overhead - 28)
    # Without DF the packet is cut inside the tunnel, and arrives.
    underlay.h1.ping("10.42.0.2", "-M", "dont", "-s", mtu - 28)


def test_the_port_of_a_bridge_is_not_lowered_and_its_stations_are_told(underlay):
    agent = underlay.agent("h1", segments=[{"vni": 42, "tap": "vx42", "bridge": "br42"}])
    underlay.agent("h2", segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.2/24"]}])
    mtu, fits = 1500 - underlay.overhead, 1400 - underlay.overhead
    guest = underlay.add_host("guest")
    underlay.cable(underlay.h1, "g0", guest, "eth0", mtu=mtu)
    underlay.h1.ip("link", "set", "g0", "master", "br42")
    guest.ip("addr", "add", "10.42.0.9/24", "dev", "eth0")
    guest.ping("10.42.0.2", "-M", "do", "-s", mtu - 28)
    set_link_mtu(underlay, 1400)
    wait_until(lambda: segment_mtu(agent) == fits, DOWN_SECONDS, "the segment carries what the link leaves")
    assert underlay.h1.link("vx42")["mtu"] == mtu
    guest.ping("10.42.0.2", "-M", "do", "-s", mtu - 28, check=False, seconds=1)
    route = guest.ip("route", "get", "10.42.0.2").stdout
    assert f"mtu {fits}" in route, route
    guest.ping("10.42.0.2", "-M", "do", "-s", fits - 28)


def test_a_transfer_goes_on_while_the_link_shrinks_and_grows(underlay):
    joined(underlay)
    data, expected = blocks(1_000_000_000 if full() else 100_000_000)
    done, changed = threading.Event(), []

    def change():
        for mtu in (1400, 1500) * 100:
            if done.wait(0.1):
                return
            set_link_mtu(underlay, mtu)
            changed.append(mtu)

    changes = threading.Thread(target=change)
    changes.start()
    try:
        assert tcp_hash(underlay.h1, underlay.h2, "10.42.0.2", *data, timeout=120) == expected
    finally:
        done.set()
        changes.join()
    assert 1400 in changed, "the transfer was over before the link shrank"


@pytest.mark.parametrize("clamps", (True, False), ids=("clamped", "left"))
def test_the_mss_of_a_connection_is_what_the_path_takes(underlay, clamps):
    mtu, fits = 1500 - underlay.overhead, 1400 - underlay.overhead
    first, second = joined(underlay, mtu=mtu, **{"mss-clamp": clamps})
    set_link_mtu(underlay, 1400)
    for agent in (first, second):
        wait_until(lambda: path_mtu(agent) == 1400, DOWN_SECONDS, "the path is the link's")
    capture = underlay.capture()
    data, expected = blocks(100_000)
    assert tcp_hash(underlay.h1, underlay.h2, "10.42.0.2", *data) == expected
    time.sleep(0.2)
    capture.close()
    sizes = capture.fields("tcp.options.mss_val", expression="tcp.flags.syn == 1")
    assert sizes == [[str((fits if clamps else mtu) - 40)]] * 2
