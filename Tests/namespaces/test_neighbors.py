"""ARP and ND suppression on three hosts: what is answered on the spot, what must cross, and who is believed."""

import time

import pytest

from conftest import full
from frames import Outer, mac, mac_text
from host import wait_until
from lab import Lab
from neighbors import announcement, answered, arp, probe, reply, request
from packets import Packets

ALICE, BOB, CAROL = mac(0xA1), mac(0xB0B), mac(0xCA201)
"""Who asks behind the TAP of h1; a station behind h2, peer b; one behind h3, peer c."""
FAMILIES = ("v4", "v6")
NEIGHBORS = "arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))"


def address(family, number):
    """An overlay address."""
    return f"10.42.0.{number}" if family == "v4" else f"fd42::{number}"


class Village:
    """Sockets on the overlay devices of the three hosts, and one that sees what vtep sends."""

    def __init__(self, lab, family, **segment):
        self.lab, self.family = lab, family
        self.agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", **segment}])
        for host in (lab.h2, lab.h3):
            host.kernel_vxlan(42, [lab.h1.address])
        self.tap = Packets(lab.h1, "vx42", NEIGHBORS)
        self.b, self.c = (Packets(host, "vx0", NEIGHBORS) for host in (lab.h2, lab.h3))
        self.counted = None
        self.wire = Packets(lab.h1, "u0", f"udp dst port 4789 and src host {lab.h1.address}", incoming=False)

    def close(self):
        for each in (self.tap, self.b, self.c, self.wire):
            each.close()

    def at(self, number):
        """An overlay address in the family of the test."""
        return address(self.family, number)

    def hear(self, device, frame):
        """A station behind a kernel VTEP says something; returns once it came out of the TAP."""
        device.send(frame)
        wait_until(lambda: frame in self.tap.rest(0.02), 10, "the frame comes out of the TAP")

    def introduce(self, device, station, number):
        """A station answers Alice, so that its address is known."""
        self.hear(device, reply(station, self.at(number), ALICE, self.at(1)))

    def ask(self, number, times=1):
        """Alice asks for an address. Returns the answers from the TAP, and the number of datagrams for b and for c."""
        self.wire.rest(0)
        before = self.agent.counters()
        for _ in range(times):
            self.tap.send(request(ALICE, self.at(1), self.at(number)))
        self.counted = self.agent.settled(before, overlay=times)
        outers = [Outer(frame) for frame in self.wire.rest()]
        sent = tuple(sum(each.destination == host.address for each in outers) for host in (self.lab.h2, self.lab.h3))
        return [each for each in map(answered, self.tap.rest()) if each], sent

    def expect(self, number, station):
        """An address is answered with a station, and the question crosses to nobody."""
        answers, sent = self.ask(number)
        # Solicited, not a router, not overriding.
        assert answers == [(self.at(number), station, 0x40 if self.family == "v6" else 0)], answers
        assert sent == (0, 0)
        assert self.counted.overlay["consumed"] == 1 and self.counted.overlay["frames-out"] == 0


@pytest.fixture(params=FAMILIES)
def village(request, lab3):
    """The plain case, in both families."""
    made = Village(lab3, request.param)
    yield made
    made.close()


def test_of_a_hundred_requests_for_a_known_address_none_crosses_and_all_are_answered(village):
    village.introduce(village.b, BOB, 2)
    answers, sent = village.ask(2, times=100)
    assert len(answers) == 100 and {each[1] for each in answers} == {BOB}
    assert sum(sent) <= 1, "issue 6: at most one crosses the underlay"
    assert village.counted.overlay["consumed"] == 100 and village.counted.all["generated"] == 100
    assert village.agent.json("segments")[0]["neighbors"] == 1


def test_an_unknown_address_is_asked_of_all_and_the_first_answer_teaches_it(village):
    answers, sent = village.ask(2)
    assert (answers, sent) == ([], (1, 1))
    village.introduce(village.b, BOB, 2)
    village.expect(2, BOB)


def test_a_gratuitous_message_with_a_new_mac_is_believed_at_once(village):
    village.introduce(village.b, BOB, 2)
    village.hear(village.c, announcement(CAROL, village.at(2)))
    village.expect(2, CAROL)


def test_a_mac_that_moves_to_another_host_with_its_address_is_followed_at_once(village):
    village.introduce(village.b, BOB, 2)
    village.hear(village.c, announcement(BOB, village.at(2)))
    village.expect(2, BOB)
    assert village.agent.fdb()[mac_text(BOB)]["peer"] == "c"


def test_an_address_that_comes_home_behind_the_own_tap_is_answered_by_its_station_only(village):
    village.introduce(village.b, BOB, 2)
    village.tap.send(announcement(BOB, village.at(2)))
    assert len(village.wire.take(2)) == 2
    assert village.ask(2) == ([], (1, 1))


def test_probes_and_announcements_from_the_tap_always_cross_and_end_the_answering(village):
    village.introduce(village.b, BOB, 2)
    for frame in (probe(CAROL, village.at(2)), announcement(ALICE, village.at(1))):
        before = village.agent.counters()
        village.wire.rest(0)
        village.tap.send(frame)
        counted = village.agent.settled(before, overlay=1)
        assert counted.overlay["consumed"] == 0 and counted.overlay["frames-out"] == 1
        assert [Outer(each).inner for each in village.wire.take(2)] == [frame, frame]
    assert village.ask(2) == ([], (1, 1)), "whoever is about to take the address must be seen by all"
    village.introduce(village.b, BOB, 2)
    village.expect(2, BOB)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_station_that_is_gone_is_not_answered_for(family, lab3):
    # At full scale the binding itself ends, after 120 s; else the forwarding table has forgotten the station.
    ageing, wait = ("300s", 121) if full() else ("2s", 4)
    village = Village(lab3, family, ageing=ageing)
    village.introduce(village.b, BOB, 2)
    village.expect(2, BOB)
    time.sleep(wait)
    assert village.ask(2) == ([], (1, 1))
    village.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_with_suppression_off_every_request_goes_to_all(family, lab3):
    village = Village(lab3, family, **{"neighbor-suppression": False})
    village.introduce(village.b, BOB, 2)
    assert village.ask(2, times=10) == ([], (10, 10))
    assert village.counted.all["consumed"] == 0 and village.counted.all["generated"] == 0
    assert village.agent.json("segments")[0]["neighbors"] == 0
    village.close()


def test_a_unicast_request_and_one_behind_a_tag_always_cross(lab3):
    village = Village(lab3, "v4", vlan="pass")
    village.introduce(village.b, BOB, 2)
    unicast = arp(ALICE, village.at(1), village.at(2), to=BOB)
    question = request(ALICE, village.at(1), village.at(2))
    behind_tag = question[:12] + bytes.fromhex("81000005") + question[12:]
    for frame, copies in ((unicast, 1), (behind_tag, 2)):
        village.tap.send(frame)
        assert [Outer(each).inner for each in village.wire.take(copies)] == [frame] * copies
        assert village.wire.rest() == []
    village.close()


def overlay(host, device, number):
    """Gives a device of a kernel both overlay addresses of a number, with IPv6 on it."""
    host.sysctl(**{f"net__ipv6__conf__{device}__disable_ipv6": 0, f"net__ipv6__conf__{device}__accept_dad": 1})
    host.ip("addr", "add", f"10.42.0.{number}/24", "dev", device)
    host.ip("addr", "add", f"fd42::{number}/64", "dev", device, "nodad")


def kernels(lab):
    """Kernels on all overlay devices, h2 as a router. Returns the agent."""
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42"}])
    lab.h2.sysctl(net__ipv6__conf__all__forwarding=1)
    overlay(lab.h1, "vx42", 1)
    for host, number in ((lab.h2, 2), (lab.h3, 3)):
        host.kernel_vxlan(42, [lab.h1.address])
        overlay(host, "vx0", number)
    for family in FAMILIES:
        for number in (2, 3):
            wait_until(lambda: lab.h1.ping(address(family, number), check=False, seconds=0.3), 10, "a first ping")
    return agent


def test_kernels_resolve_by_what_the_agent_answers_and_know_which_is_a_router(lab3):
    agent = kernels(lab3)
    before = agent.counters()
    lab3.h1.ip("neigh", "flush", "dev", "vx42")
    for family in FAMILIES:
        assert lab3.h1.ping(address(family, 2)) and lab3.h1.ping(address(family, 3))
    assert agent.counters().since(before).overlay["consumed"] >= 4
    known = {number: lab3.h1.ip("neigh", "show", f"fd42::{number}", "dev", "vx42").stdout for number in (2, 3)}
    assert " router " in known[2] and " router " not in known[3], known


def test_an_address_that_another_host_has_is_noticed_by_duplicate_address_detection(lab3):
    agent = kernels(lab3)
    wait_until(lambda: agent.json("segments")[0]["neighbors"] >= 4, 10, "the addresses are known")
    lab3.h1.ip("addr", "add", "fd42::2/64", "dev", "vx42")

    def refused():
        return "dadfailed" in lab3.h1.ip("addr", "show", "dev", "vx42").stdout
    wait_until(refused, 10, "the kernel of h1 finds the duplicate of h2's address")
    # RFC 5227, as `arping -D` does it: the kernel of h2 answers to whoever has no address yet.
    with Packets(lab3.h1, "vx42", "arp") as tap:
        tap.send(probe(ALICE, "10.42.0.2"))
        owner = lab3.h2.link("vx0")["address"]
        wait_until(lambda: ("10.42.0.2", bytes.fromhex(owner.replace(":", "")), 0) in map(answered, tap.rest()), 10,
                   "the owner answers the probe")


def test_on_an_underlay_of_ipv6_the_same():
    with Lab(hosts=3, family="v6") as lab:
        village = Village(lab, "v6")
        village.introduce(village.b, BOB, 2)
        village.expect(2, BOB)
        village.close()
