"""vtep on h1 between two kernel VTEPs, h2 (peer b) and h3 (peer c): where frames go, and where never."""

import time

import pytest

from frames import BROADCAST, MARK, Outer, ethernet, mac, mac_text
from host import wait_until
from packets import Packets

MARKED = f"ether proto {MARK}"
ALICE, GUEST, STRANGER = mac(0xA1), mac(0xB0B), mac(0x5757)
"""The one who sends from the TAP; a station behind a kernel VTEP; a MAC that nobody has."""


class Triangle:
    """Sockets on the three hosts: `tap`, `b` and `c` are overlay devices, `at_b` and `at_c` see what vtep sends."""

    def __init__(self, lab, agent, vnis=(42,)):
        self.lab, self.agent, self.sockets = lab, agent, []
        for vni in vnis:
            lab.h2.kernel_vxlan(vni, [lab.h1.address], device=f"vx{vni}")
            lab.h3.kernel_vxlan(vni, [lab.h1.address], device=f"vx{vni}")
        self.taps = {vni: self._open(lab.h1, f"vx{vni}", MARKED) for vni in vnis}
        self.bs = {vni: self._open(lab.h2, f"vx{vni}", MARKED) for vni in vnis}
        self.cs = {vni: self._open(lab.h3, f"vx{vni}", MARKED) for vni in vnis}
        self.tap, self.b, self.c = self.taps[vnis[0]], self.bs[vnis[0]], self.cs[vnis[0]]
        from_vtep = f"udp dst port 4789 and src host {lab.h1.address}"
        self.at_b, self.at_c = self._open(lab.h2, "u0", from_vtep), self._open(lab.h3, "u0", from_vtep)

    def _open(self, host, device, expression):
        self.sockets.append(Packets(host, device, expression))
        return self.sockets[-1]

    def close(self):
        for each in self.sockets:
            each.close()

    def learn(self, device, station=GUEST, vni=42, to=BROADCAST):
        """The station sends from behind a kernel VTEP; returns once its frame came out of the TAP."""
        frame = ethernet(station, to, b"learn me")
        device.send(frame)
        assert self.taps[vni].take(1) == [frame]

    def copies(self, destination, source=ALICE, vni=42):
        """Sends a frame from the TAP. Returns how many copies went to b and to c."""
        frame, before = ethernet(source, destination, b"where to?"), self.agent.counters()
        self.taps[vni].send(frame)
        counted = self.agent.settled(before, overlay=1)
        sent = counted.all["flood-copies"] or counted.overlay["frames-out"]
        seen = [[], []]
        # As many as were sent, however long the machine takes; and then no more.
        wait_until(lambda: self._look(seen) >= sent, 10, f"{sent} copies arrive")
        time.sleep(0.1)
        self._look(seen)
        assert all((each.inner, each.vni) == (frame, vni) for side in seen for each in side)
        return tuple(map(len, seen))

    def _look(self, seen):
        """Adds what arrived at b and c to the two lists. Returns how many they have."""
        for side, watch in zip(seen, (self.at_b, self.at_c)):
            side += map(Outer, watch.rest(0))
        return sum(map(len, seen))


@pytest.fixture
def triangle(lab3):
    """The plain case: segment 42, no static entries."""
    made = Triangle(lab3, lab3.agent())
    yield made
    made.close()


def test_an_unknown_destination_is_flooded_to_both_and_a_known_one_goes_to_its_vtep_only(triangle):
    assert triangle.copies(GUEST) == (1, 1)
    triangle.learn(triangle.b)
    assert triangle.copies(GUEST) == (1, 0)
    assert triangle.copies(BROADCAST) == (1, 1)
    assert triangle.copies(bytes.fromhex("01005e7f0001")) == (1, 1)
    assert triangle.copies(STRANGER) == (1, 1)


def test_a_flooded_frame_is_one_frame_out_and_its_copies_are_counted_apart(triangle):
    before = triangle.agent.counters()
    triangle.copies(BROADCAST)
    counted = triangle.agent.settled(before, overlay=1)
    assert (counted.overlay["frames-in"], counted.overlay["frames-out"]) == (1, 1)
    assert (counted.all["flood-copies"], counted.all["flood-copy-drops"]) == (2, 0)


def test_a_mac_that_moves_is_followed_from_its_first_frame(triangle):
    triangle.learn(triangle.b)
    assert triangle.copies(GUEST) == (1, 0)
    triangle.learn(triangle.c)
    assert triangle.copies(GUEST) == (0, 1)
    entry = triangle.agent.fdb()[mac_text(GUEST)]
    assert (entry["peer"], entry["address"], entry["state"]) == ("c", triangle.lab.h3.address, "dynamic")


def test_a_mac_that_moves_behind_the_tap_is_no_longer_sent_to_its_old_vtep_alone(triangle):
    triangle.learn(triangle.b)
    triangle.copies(BROADCAST, source=GUEST)
    assert "peer" not in triangle.agent.fdb()[mac_text(GUEST)]
    # Unicast from the TAP to a MAC behind the TAP is flooded as unknown.
    assert triangle.copies(GUEST) == (1, 1)


def test_an_entry_ages_out_while_traffic_flows_only_towards_it(lab3):
    triangle = Triangle(lab3, lab3.agent(segments=[{"vni": 42, "tap": "vx42", "ageing": "2s"}]))
    triangle.learn(triangle.b)
    begin, known, gone = time.monotonic(), 0, None
    while gone is None and known < 30:
        asked = time.monotonic() - begin
        b, c = triangle.copies(GUEST)
        assert b == 1
        if c == 1:
            gone = time.monotonic() - begin
        else:
            known = asked
    triangle.close()
    # 2 s, stamps of 1 s, a scan every 0.2 s; and half a second for whoever scans to get a processor.
    assert gone is not None and gone >= 1.0 and known <= 3.7, f"still known after {known} s, forgotten after {gone} s"
    assert mac_text(GUEST) not in triangle.agent.fdb()


def test_an_entry_stays_while_its_station_sends_and_for_ever_with_ageing_0s(lab3):
    agent = lab3.agent(segments=[{"vni": 42, "tap": "vx42", "ageing": "2s"},
                                 {"vni": 43, "tap": "vx43", "ageing": "0s"}])
    triangle = Triangle(lab3, agent, vnis=(42, 43))
    triangle.learn(triangle.bs[43], vni=43)
    judged, begin = 0, time.monotonic()
    while (judged < 6 or time.monotonic() - begin < 4) and time.monotonic() - begin < 30:
        sent = time.monotonic()
        triangle.learn(triangle.b)
        time.sleep(0.5)
        copies = triangle.copies(GUEST)
        # A stamp counts whole seconds: what is 1 s old may be as good as 2. Later than that says nothing.
        if time.monotonic() - sent < 1:
            assert copies == (1, 0), f"after {judged} rounds"
            judged += 1
    assert judged >= 6, "the machine was too busy to tell"
    assert triangle.copies(GUEST, vni=43) == (1, 0)
    triangle.close()


def test_no_frame_from_a_peer_is_ever_sent_to_a_peer(triangle):
    triangle.learn(triangle.c)
    sent = Packets(triangle.lab.h1, "u0", f"udp dst port 4789 and src host {triangle.lab.h1.address}", incoming=False)
    before = triangle.agent.counters()
    for destination in (BROADCAST, bytes.fromhex("01005e7f0001"), bytes.fromhex("333300000001"), STRANGER, GUEST):
        triangle.b.send(ethernet(mac(0xB2), destination, b"not for c"))
    counted = triangle.agent.settled(before, underlay=5)
    assert counted.underlay["frames-out"] == 5, counted
    assert sent.rest(0.3) == [] and triangle.c.rest() == [] and triangle.at_c.rest() == []
    assert counted.all["flood-copies"] == 0
    sent.close()


def test_segments_with_the_same_macs_and_addresses_never_meet(lab3):
    agent = lab3.agent(segments=[{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}])
    triangle = Triangle(lab3, agent, vnis=(42, 43))
    triangle.learn(triangle.bs[42], vni=42)
    triangle.learn(triangle.cs[43], vni=43)
    assert triangle.taps[42].rest() == [] and triangle.taps[43].rest() == []
    assert triangle.copies(GUEST, vni=42) == (1, 0)
    assert triangle.copies(GUEST, vni=43) == (0, 1)
    triangle.bs[42].rest(), triangle.cs[43].rest()
    assert triangle.copies(BROADCAST, vni=42) == (1, 1)
    assert len(triangle.bs[42].take(1)) == 1 and len(triangle.cs[42].take(1)) == 1
    assert triangle.bs[42].rest() == [] and triangle.cs[42].rest() == []
    assert triangle.bs[43].rest() == [] and triangle.cs[43].rest() == []
    assert agent.fdb(42)[mac_text(GUEST)]["peer"] == "b"
    assert agent.fdb(43)[mac_text(GUEST)]["peer"] == "c"
    triangle.close()


def test_segments_with_the_same_addresses_ping_their_own_far_side_only(lab3):
    lab3.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}, {"vni": 43, "tap": "vx43"}],
               peers=[{"name": "b", "address": lab3.h2.address, "segments": [42]},
                      {"name": "c", "address": lab3.h3.address, "segments": [43]}])
    lab3.h2.kernel_vxlan(42, [lab3.h1.address], addresses=["10.42.0.2/24"])
    lab3.h3.kernel_vxlan(43, [lab3.h1.address], addresses=["10.42.0.2/24"])
    assert lab3.h1.ping("10.42.0.2", "-I", "vx42")
    lab3.h2.ip("link", "set", "vx0", "down")
    lab3.h1.ip("neigh", "flush", "all")
    assert not lab3.h1.ping("10.42.0.2", "-I", "vx42", check=False, seconds=1), "segment 43 answered for segment 42"


def test_a_static_entry_of_the_configuration_is_used_without_learning(lab3):
    pinned = {"mac": mac_text(GUEST), "peer": "c"}
    triangle = Triangle(lab3, lab3.agent(segments=[{"vni": 42, "tap": "vx42", "fdb": [pinned]}]))
    assert triangle.copies(GUEST) == (0, 1)
    entry = triangle.agent.fdb()[mac_text(GUEST)]
    assert (entry["peer"], entry["state"]) == ("c", "static")
    triangle.close()


def test_with_learning_off_known_macs_are_only_those_of_the_configuration(lab3):
    triangle = Triangle(lab3, lab3.agent(segments=[{"vni": 42, "tap": "vx42", "learning": False}]))
    triangle.learn(triangle.b)
    assert triangle.copies(GUEST) == (1, 1)
    assert triangle.agent.fdb() == {}
    triangle.close()
