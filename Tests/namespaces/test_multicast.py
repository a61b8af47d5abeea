"""Multicast goes where somebody listens: real sockets that join groups, IPv4 and IPv6, and captures of the underlay."""

import contextlib
import socket
import struct

import pytest

from frames import Outer
from host import wait_until
from lab import Lab
from packets import Packets
from sealed import overlay, sealed_agents

IPV4, IPV6 = "239.7.8.9", "ff15::789"
MDNS = {"v4": "224.0.0.251", "v6": "ff02::fb"}
GROUPS = {"v4": IPV4, "v6": IPV6}
families = pytest.mark.parametrize("family", ("v4", "v6"))


def segment(number, **changes):
    """Segment 42 with addresses of both families."""
    return {"vni": 42, "tap": "vx42", "address": [f"10.42.0.{number}/24", f"fd42::{number}/64"], **changes}


class Member:
    """A UDP socket on an overlay device of a host, in a group or not."""

    def __init__(self, host, group, device="vx42", port=7878, joins=True):
        six = ":" in group
        self.group, self.port, self.six = group, port, six
        self.socket = host.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        self.index = host.link(device)["ifindex"]
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("::" if six else "0.0.0.0", port))
        if six:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self.index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            self.membership = socket.inet_pton(socket.AF_INET6, group) + struct.pack("I", self.index)
        else:
            self.membership = socket.inet_aton(group) + bytes(4) + struct.pack("I", self.index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("I", self.index))
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        if joins:
            self.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def join(self):
        """Joins the group; the kernel reports that."""
        if self.six:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, self.membership)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, self.membership)

    def leave(self):
        """Leaves it; the kernel reports that too."""
        if self.six:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, self.membership)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, self.membership)

    def send(self, payload):
        """Sends a datagram to the group."""
        self.socket.sendto(payload, (self.group, self.port, 0, self.index) if self.six else (self.group, self.port))

    def receive(self, seconds=5):
        """The next datagram, None after `seconds`."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(2048)
        except TimeoutError:
            return None


class Watch:
    """What h1 sends to another host of a payload."""

    def __init__(self, lab, host):
        self.packets = Packets(host, "u0", f"udp dst port 4789 and src host {lab.h1.address}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.packets.close()

    def copies(self, payload, least=0):
        """How many datagrams with the payload came since the last call; so many are waited for."""
        count = 0

        def enough():
            nonlocal count
            count += sum(payload in Outer(frame).inner for frame in self.packets.rest(0.1))
            return count >= least
        wait_until(enough, 5, f"{least} copies of {payload} come")
        return count


@contextlib.contextmanager
def three(kernels=False, **changes):
    """Three hosts with vtep each; or with the kernel's VTEP on h2 and h3."""
    with Lab(hosts=3, quiet=False) as lab:
        lab.agent("h1", segments=[segment(1, **changes)])
        for number, host in ((2, lab.h2), (3, lab.h3)):
            if kernels:
                host.kernel_vxlan(42, [each.address for each in (lab.h1, lab.h2, lab.h3) if each is not host],
                                  device="vx42", addresses=[f"10.42.0.{number}/24", f"fd42::{number}/64"])
            else:
                lab.agent(host.name, segments=[segment(number, **changes)])
        yield lab


def heard(sender, listeners, payload):
    """Sends until every listener has it, as after a join that is still on its way."""
    def arrives():
        sender.send(payload)
        return all(listener.receive(0.3) == payload for listener in listeners)
    wait_until(arrives, 10, f"{payload} is heard")


def reported(sender, copies, payload):
    """Sends until no copy is counted at a host where nobody listens: what its listeners said has arrived."""
    def is_spared():
        sender.send(payload)
        return copies() == 0
    wait_until(is_spared, 10, "no copy goes to where nobody listens")


def is_query(frame):
    """Whether a frame is a question of IGMP for all groups: behind an IPv4 header with the router alert option."""
    return frame[12:14] == b"\x08\0" and frame[23] == 2 and frame[38] == 0x11


def drained(member):
    """Takes what has arrived already."""
    while member.receive(0.2) is not None:
        pass


@families
@pytest.mark.parametrize("kernels", (False, True), ids=("three-vtep", "kernel-peers"))
def test_a_group_goes_to_the_host_that_listens_and_the_third_hosts_underlay_carries_no_copy(family, kernels):
    group = GROUPS[family]
    with three(kernels) as lab, Member(lab.h1, group, joins=False) as sender, Watch(lab, lab.h2) as to_two, \
            Watch(lab, lab.h3) as to_three:
        sender.send(b"nobody is known")
        assert [watch.copies(b"nobody is known", least=1) for watch in (to_two, to_three)] == [1, 1]
        with Member(lab.h2, group) as listener:
            reported(sender, lambda: to_three.copies(b"hello"), b"hello")
            to_two.copies(b"hello"), drained(listener)
            for number in range(20):
                payload = f"only for two {number}".encode()
                sender.send(payload)
                assert listener.receive() == payload
            assert to_two.copies(b"only for two") == 20
            assert to_three.copies(b"only for two") == 0
            with Member(lab.h3, group) as late:
                heard(sender, [late], b"three too")
        other = {"v4": "239.7.8.10", "v6": "ff15::78a"}[family]
        with Member(lab.h1, other, port=7879, joins=False) as elsewhere:
            elsewhere.send(b"an unknown group")
            assert to_three.copies(b"an unknown group", least=1) == 1


@families
def test_the_last_listener_that_leaves_is_forgotten_within_seconds_and_its_neighbour_is_not(family):
    group = GROUPS[family]
    with three() as lab, Member(lab.h1, group, joins=False) as sender, Watch(lab, lab.h3) as to_three, \
            Member(lab.h2, group) as stays, Member(lab.h3, group) as leaves:
        heard(sender, [stays, leaves], b"both")
        leaves.leave()
        reported(sender, lambda: to_three.copies(b"gone?"), b"gone?")
        heard(sender, [stays], b"still here")
        assert to_three.copies(b"still here") == 0


@families
def test_mdns_reaches_every_host_whoever_has_joined(family):
    group = MDNS[family]
    with three() as lab, Member(lab.h1, group, port=5353) as one, Member(lab.h2, group, port=5353) as two, \
            Member(lab.h3, group, port=5353) as other:
        for number, sender in enumerate((one, two, other)):
            query = struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + b"\4vtep\5local\0" + struct.pack(">HH", 1, 1)
            sender.send(query)
            for receiver in (one, two, other):
                if receiver is not sender:
                    assert receiver.receive() == query


@families
def test_the_members_of_a_cluster_find_each_other_by_multicast(family):
    # As JGroups and others do: everybody says its name, everybody answers whom it has not heard before.
    with three() as lab:
        members = {name: Member(lab.hosts[name], GROUPS[family]) for name in ("h1", "h2", "h3")}
        found = {name: set() for name in members}

        def everybody_is_found():
            for name, member in members.items():
                member.send(name.encode())
            for name, member in members.items():
                while (said := member.receive(0.1)) is not None:
                    found[name].add(said.decode())
            return all(found[name] >= set(members) - {name} for name in members)
        wait_until(everybody_is_found, 10, f"everybody is found: {found}")
        for member in members.values():
            member.socket.close()


def test_on_a_sealed_segment_the_third_hosts_underlay_carries_no_copy_either():
    with Lab(hosts=3) as lab:
        sealed_agents(lab)
        # What it says cannot be read, so copies are known by their length, which nothing else has.
        size = 777
        length = 8 + 16 + 14 + 20 + 8 + size + 16  # UDP, sealed header, Ethernet, IP, UDP, payload, tag

        def copies(watch):
            return sum(len(frame) - 14 - 20 == length for frame in watch.rest(0.1))
        seen = f"udp dst port 4790 and src host {lab.h1.address}"
        with Packets(lab.h2, "u0", seen) as to_two, Packets(lab.h3, "u0", seen) as to_three, \
                Member(lab.h1, IPV4, joins=False) as sender, Member(lab.h2, IPV4) as listener:
            reported(sender, lambda: copies(to_three), bytes(size))
            copies(to_two), drained(listener)
            for number in range(1, 21):
                sender.send(bytes([number]) * size)
                assert listener.receive() == bytes([number]) * size
            assert (copies(to_two), copies(to_three)) == (20, 0)


def test_a_host_whose_bridge_asks_from_no_address_gets_every_group():
    with three() as lab, Member(lab.h1, IPV4, joins=False) as sender, Watch(lab, lab.h2) as to_two, \
            Member(lab.h3, IPV4) as listener:
        heard(sender, [listener], b"three")
        # The agents' own queries, from 0.0.0.0 too, have brought it nothing.
        reported(sender, lambda: to_two.copies(b"not for two"), b"not for two")
        lab.h2.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "1", "mcast_querier", "1")
        lab.h2.ip("link", "set", "vx42", "master", "br0")
        with Packets(lab.h2, "vx42", "igmp[0] = 0x11 and src host 0.0.0.0", incoming=False) as queries:
            lab.h2.ip("link", "set", "br0", "up")
            wait_until(queries.rest, 10, "the bridge asks")

        def is_copied():
            sender.send(b"for its listeners")
            return to_two.copies(b"for its listeners") > 0
        wait_until(is_copied, 10, "a copy goes to the bridge that asks")


def test_with_snooping_off_every_group_is_flooded():
    with three(**{"multicast-snooping": False}) as lab, Member(lab.h1, IPV4, joins=False) as sender, \
            Member(lab.h2, IPV4) as listener, Watch(lab, lab.h3) as to_three:
        heard(sender, [listener], b"for all")
        assert to_three.copies(b"for all") >= 1


def test_listeners_that_were_there_before_the_agent_are_asked_for_and_not_cut_off_by_one_that_speaks():
    with Lab(hosts=4, quiet=False) as lab:
        for number in (2, 3, 4):
            lab.agent(f"h{number}", segments=[segment(number)])
        first = lab.agent("h1", segments=[segment(1)])
        with Member(lab.h2, IPV4) as two, Member(lab.h3, IPV4) as other, \
                Packets(lab.h3, "vx42", f"igmp and host {overlay(3)}", incoming=False) as reports, \
                Packets(lab.h3, "u0", f"udp dst port 4789 and src host {lab.h1.address}") as from_h1:
            first.stop()
            # What the third host says by itself, it has said.
            reports.rest(quiet=2)
            again = lab.agent("h1", segments=[segment(1)])
            with Member(lab.h1, IPV4, joins=False) as sender, Watch(lab, lab.h4) as to_four:
                sender.send(b"nobody is known")
                assert to_four.copies(b"nobody is known", least=1) == 1
                # One reports anew, as after a restart of its program: the other must not be forgotten for that.
                two.leave(), two.join()
                reported(sender, lambda: to_four.copies(b"hello"), b"hello")
                heard(sender, [two, other], b"both of you")
                assert to_four.copies(b"both of you") == 0
            assert again.counters().all["generated"] > 0
            assert any(is_query(Outer(frame).inner) for frame in from_h1.rest()), "the third host was asked"
            assert reports.rest() != [], "and has answered"
