"""The underlay's MTU, followed while the agent runs: links and routes, the TAP, the data path. Plain segments."""

import socket
import struct
import threading
import time

import pytest

from conftest import full
from host import wait_until
from lab import Lab
from shrinking import DOWN_SECONDS, KINDS, UP_SECONDS, agents, overhead, segment_mtu, set_link_mtu
from transfer import blocks, tcp_hash


@pytest.fixture(params=("v4", "v6"))
def underlay(request):
    with Lab(family=request.param) as lab:
        yield lab


def path_mtu(agent, peer="b"):
    return next(each["path-mtu"] for each in agent.json("peers") if each["name"] == peer)


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


@pytest.mark.parametrize("bridge", ("own", "foreign"))
def test_the_port_of_a_bridge_is_raised_and_never_lowered_while_it_is_one(underlay, bridge):
    """A bridge of the configuration, and one that somebody put the TAP into."""
    agent = underlay.agent("h1", segments=[
        {"vni": 42, "tap": "vx42", **({"bridge": "br42"} if bridge == "own" else {})}])
    if bridge == "foreign":
        underlay.h1.ip("link", "add", "br42", "type", "bridge")
        underlay.h1.ip("link", "set", "vx42", "master", "br42")
    for mtu, largest in ((1400, 1500), (9000, 9000), (1300, 9000), (1500, 9000)):
        set_link_mtu(underlay, mtu)
        wait_until(lambda: segment_mtu(agent) == mtu - underlay.overhead, UP_SECONDS, "the segment follows")
        fits = largest - underlay.overhead
        wait_until(lambda: underlay.h1.link("vx42")["mtu"] == fits, DOWN_SECONDS, f"the device has {fits}")
        time.sleep(0.2)
        assert underlay.h1.link("vx42")["mtu"] == fits
    if bridge == "foreign":
        underlay.h1.ip("link", "set", "vx42", "nomaster")
        wait_until(lambda: underlay.h1.link("vx42")["mtu"] == 1500 - underlay.overhead, UP_SECONDS,
                   "a port no more, it follows down")


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_fault_row_39_a_shrinking_link_costs_one_burst_of_a_tenth_of_a_second(underlay, kind, figure):
    agents(underlay, kind, {name: {"address": [f"10.42.0.{number}/24"]} for number, name in enumerate(("h1", "h2"), 1)})
    large = 1500 - overhead(underlay, kind) - 28
    underlay.h1.ping("10.42.0.2")
    with Stream(underlay.h1, underlay.h2, "10.42.0.2", large) as stream:
        time.sleep(0.5)
        changed = time.monotonic()
        set_link_mtu(underlay, 1400)
        time.sleep(1.0)
    lost = stream.lost()
    times = [stream.sent[number] - changed for number in lost]
    figure(f"{len(lost)} lost, the last {1000 * max(times, default=0):.0f} ms after the change")
    assert len(stream.sent) > 500 and stream.sent[-1] - changed > 0.9 and len(stream.arrived) > 500
    assert max(times, default=0) - min(times, default=0) <= 0.1, times


class Stream:
    """Numbered UDP datagrams of one size from host to host, about four a millisecond, while the `with` lasts.

    They have DF while they fit the device, and are cut by their sender's kernel once that knows of less, as UDP is
    sent unless a program says otherwise.
    """

    def __init__(self, sender, receiver, address, byte_count):
        self.sent, self.arrived, self._ended = [], set(), threading.Event()
        self._incoming = receiver.bound(socket.SOCK_DGRAM, address, 5301)
        self._incoming.settimeout(0.5)
        self._incoming.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self._outgoing = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outgoing.connect((address, 5301))
        self._rest = bytes(byte_count - 4)
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._send, self._receive)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        self._incoming.close()
        self._outgoing.close()

    def lost(self):
        """The numbers of those that did not arrive, in order."""
        return [number for number in range(len(self.sent)) if number not in self.arrived]

    def _send(self):
        while not self._ended.wait(0.001):
            for _ in range(4):
                self.sent.append(time.monotonic())
                try:
                    self._outgoing.send(struct.pack(">I", len(self.sent) - 1) + self._rest)
                except OSError:  # the kernel has just learnt of less: that one is lost
                    pass

    def _receive(self):
        try:
            while True:
                self.arrived.add(struct.unpack(">I", self._incoming.recv(1 << 16)[:4])[0])
        except TimeoutError:
            return


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
