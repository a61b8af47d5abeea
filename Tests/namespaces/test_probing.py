"""The path MTU found by probing, between two vtep with keys: black holes, jumbo frames, forged ICMP."""

import errno
import ipaddress
import itertools
import socket
import struct
import threading
import time

import pytest

from capture import FRAGMENT
from conftest import full
from frames import checksum
from host import wait_until
from lab import Lab
from packets import Packets
from routed import RoutedLab
from sealed import OVERHEAD, identities, overlay, sealed_agent, sealed_agents, sealed_segment, session_up
from shrinking import KINDS
from stopwatch import Stopwatch
from transfer import blocks, tcp_hash

pytestmark = pytest.mark.long

FOUND_SECONDS, RECOVERED_SECONDS = 15, 20
RAISE_SECONDS = 30 if full() else 4
TCP_BYTES = 1_000_000_000 if full() else 200_000_000
EVERY_WAY = tuple(itertools.product(("v4", "v6"), KINDS))
"""Of these the short scale has two: each costs a quarter of a minute."""


@pytest.fixture(params=("v4", "v6"))
def family(request):
    return request.param


def peer(agent):
    """The one peer of an agent."""
    return agent.json("peers")[0]


def found(agent, mtu):
    """Whether the path MTU is that, found by a probe."""
    now = peer(agent)
    return (now["path-mtu"], now["path-mtu-source"]) == (mtu, "probe")


def wait_found(agents, mtu, seconds=FOUND_SECONDS):
    """Waits until all agents have found that path MTU. Returns how long it took."""
    watch = Stopwatch()
    for agent in agents:
        wait_until(lambda: found(agent, mtu), seconds - watch.seconds(),
                   f"{agent.host.name} finds a path MTU of {mtu}: {peer(agent)}")
    return watch.seconds()


def plain_segment(number):
    """Segment 43, in clear, on TAP vx43 of host `number`."""
    return {"vni": 43, "tap": "vx43", "address": [f"10.43.0.{number}/24"]}


def way(lab, kind):
    """Of the segment of a kind: its TAP, where h2 is in it, and its overhead."""
    return ("vx42", overlay(2), OVERHEAD[lab.family]) if kind == "sealed" else ("vx43", "10.43.0.2", lab.overhead)


def agents_on(lab, *kinds, raise_seconds=RAISE_SECONDS):
    """An agent on each host with keys for the other, and a segment of each of the kinds; sessions are up."""
    known, made = identities(lab), {"sealed": sealed_segment, "plain": plain_segment}
    agents = [sealed_agent(lab, f"h{number}", known, [made[kind](number) for kind in kinds],
                           {"path-mtu-raise": f"{raise_seconds}s"}, start=True) for number in (1, 2)]
    for agent in agents:
        session_up(agent)
    return agents


def largest(host, address, mtu):
    """The largest echo request that fits is answered, and one byte more is not."""
    return (host.ping(address, "-M", "do", "-s", mtu - 28, check=False, seconds=2)
            and not host.ping(address, "-M", "do", "-s", mtu - 27, check=False, seconds=1))


def test_a_sound_path_is_confirmed_by_a_probe_and_said_so(family):
    with RoutedLab(family=family) as lab:
        agents = agents_on(lab, "sealed")
        wait_found(agents, 1500, 5)
        report = agents[0].json("mtu", "--peer", "h2")
        assert (report["underlay-mtu"], report["path-source"]) == (1500, "probe"), report
        assert report["overlay-mtu"] == 1500 - OVERHEAD[family]
        assert "by probing" in agents[0].ask("mtu", "--peer", "h2").stdout
        assert "PATH-MTU-SOURCE" in agents[0].ask("peers").stdout


@pytest.mark.parametrize("family, kind", EVERY_WAY if full() else (("v4", "plain"), ("v6", "sealed")))
def test_fault_row_35_tcp_passes_a_router_of_1400_that_says_nothing_and_grows_again(family, kind, figure):
    with RoutedLab(family=family) as lab:
        cut = [Packets(lab.rt, device, FRAGMENT) for device in ("u1", "u2")]
        agents = agents_on(lab, kind)
        tap, address, overhead = way(lab, kind)
        wait_found(agents, 1500, 5)
        data, expected = blocks(TCP_BYTES)
        arrived, began = [], time.monotonic()
        transfer = threading.Thread(daemon=True, target=lambda: arrived.append(
            tcp_hash(lab.h1, lab.h2, address, *data, timeout=300)))
        transfer.start()
        wait_until(lambda: agents[1].counters().underlay["frames-out"] > 1000, 10, "the transfer is under way")
        lab.forward(1400)
        watch = Stopwatch()
        time.sleep(0.3)
        assert transfer.is_alive(), "the transfer was over before the path shrank"
        taken = watch.seconds() + wait_found(agents, 1400, FOUND_SECONDS - watch.seconds())
        before = agents[1].counters().underlay["frames-out"]
        wait_until(lambda: not transfer.is_alive() or agents[1].counters().underlay["frames-out"] > before + 1000,
                   RECOVERED_SECONDS - taken, "the transfer goes on")
        transfer.join(300)
        assert arrived == [expected]
        figure(f"{TCP_BYTES / 1e6:.0f} MB in {time.monotonic() - began:.0f} s, found after {taken:.1f} s")
        # A path that one peer has lowers no TAP; it is enforced frame by frame.
        assert lab.h1.link(tap)["mtu"] == 1500 - overhead
        assert agents[0].json("segments")[0]["mtu"] == 1500 - overhead
        wait_until(lambda: "the path MTU was found to be another" in agents[0].stderr(), FOUND_SECONDS, "it is settled")
        lab.forward(1500)
        wait_found(agents, 1500, RAISE_SECONDS + 4)
        assert [each.rest(quiet=0) for each in cut] == [[], []], "an outer datagram was cut"
        for each in cut:
            each.close()


def test_a_path_that_is_small_from_the_start_is_found_and_plain_segments_of_the_peer_keep_to_it(family):
    with RoutedLab(family=family) as lab:
        lab.forward(1400)
        agents = agents_on(lab, *KINDS)
        wait_found(agents, 1400)
        report = agents[0].json("mtu", "--peer", "h2")
        assert (report["underlay-mtu"], report["overlay-mtu"]) == (1400, 1400 - OVERHEAD[family]), report
        data, expected = blocks(5_000_000)
        for _, address, overhead in (way(lab, kind) for kind in KINDS):
            assert tcp_hash(lab.h1, lab.h2, address, *data) == expected
            assert largest(lab.h1, address, 1400 - overhead)
            assert f"mtu {1400 - overhead}" in lab.h1.ip("route", "get", address).stdout, "the sender was not told"


def test_an_odd_size_is_found_to_the_byte_and_each_way_has_its_own(lab):
    # No router: one host's filter drops what is larger than it likes, as some provider's network does.
    agents = sealed_agents(lab, local={"path-mtu-raise": "600s"})
    wait_found(agents, 1500, 5)
    lab.h2.run("nft", "table inet hole { chain arriving { type filter hook input priority 0; "
                      "udp dport 4790 meta length > 1337 drop; }; }")
    ping = lab.h1.popen("ping", "-n", "-q", "-i", "0.2", overlay(2), stdout=-3)
    wait_found(agents[:1], 1337)
    assert found(agents[1], 1500), peer(agents[1])
    ping.kill()


def test_another_next_hop_is_reason_enough_to_ask_for_more(family):
    with RoutedLab(family=family) as lab:
        lab.forward(1400)
        agents = sealed_agents(lab, local={"path-mtu-raise": "600s"})
        wait_found(agents, 1400)
        for agent in agents:
            wait_until(lambda: "the path MTU was found to be another" in agent.stderr(), FOUND_SECONDS, "it is settled")
        lab.forward(1500)
        other = lab.second_gateway(1)
        lab.h1.ip("route", "replace", "default", "via", other)
        wait_found(agents[:1], 1500, 8)
        assert found(agents[1], 1400), "the other host's route has not changed"


def test_the_way_to_a_peer_that_moved_is_read_where_the_peer_is(family):
    with RoutedLab(family=family) as lab:
        agents = sealed_agents(lab, local={"path-mtu-raise": "600s"})
        wait_found(agents, 1500, 5)
        moved = lab.second_gateway(1)
        lab.translate(2, moved)
        # Where frames leave, probes do, and those are heard.
        ping = lab.h2.popen("ping", "-n", "-q", "-i", "0.2", overlay(1), stdout=-3)
        prefix = 32 if family == "v4" else 128
        gateway = lab.h1.ip(f"-{family[1]}", "route", "show", "default").stdout.split()[2]
        lab.h1.ip("route", "add", f"{moved}/{prefix}", "via", gateway, "mtu", 1350)
        wait_until(lambda: "peer has moved" in agents[0].stderr(), 20, "the peer is heard from its other address")
        wait_until(lambda: peer(agents[0])["path-mtu"] == 1350, 5, "the route to that address counts")
        assert lab.h1.ping(overlay(2), "-M", "do", "-s", 1350 - OVERHEAD[family] - 28, check=False)
        ping.kill()


@pytest.mark.parametrize("smaller", (8500, 1500))
def test_jumbo_frames_really_pass_and_a_smaller_path_is_found(family, smaller):
    with RoutedLab(family=family, mtu=9000) as lab:
        seen = Packets(lab.rt, "u1", "udp port 4790 and greater 8990" if family == "v4" else "ip6 and greater 8990")
        agents = agents_on(lab, "sealed")
        wait_found(agents, 9000, 5)
        assert lab.h1.link("vx42")["mtu"] == 9000 - OVERHEAD[family]
        assert largest(lab.h1, overlay(2), 9000 - OVERHEAD[family])
        assert max(len(frame) for frame in seen.rest()) == 9014
        seen.close()
        lab.forward(smaller)
        wait_found(agents, smaller)
        wait_until(lambda: largest(lab.h1, overlay(2), smaller - OVERHEAD[family]), 5, "what fits passes")
        lab.forward(9000)
        wait_found(agents, 9000, RAISE_SECONDS + 4)


def test_fault_row_36_a_link_that_shrinks_and_grows_is_followed_by_route_and_probe(family):
    with Lab(family=family) as lab:
        agents = agents_on(lab, "sealed")
        wait_found(agents, 1500, 5)
        for mtu in (1400, 9000):
            for host in (lab.h1, lab.h2):
                host.ip("link", "set", "u0", "mtu", mtu)
            wait_found(agents, mtu, 5)
            wait_until(lambda: lab.h1.link("vx42")["mtu"] == mtu - OVERHEAD[family], 5, "the TAP follows the link")
            assert largest(lab.h1, overlay(2), mtu - OVERHEAD[family])


def too_big(family, mtu, source, destination):
    """ICMP "fragmentation needed" or ICMPv6 "packet too big" about a sealed datagram from `source` to `destination`."""
    ports = struct.pack(">HHHH", 4790, 4790, 1480, 0)
    source, destination = (ipaddress.ip_address(each).packed for each in (source, destination))
    if family == "v6":
        quoted = struct.pack(">IHBB", 6 << 28, 1480, 17, 64) + source + destination + ports
        return struct.pack(">BBHI", 2, 0, 0, mtu) + quoted
    quoted = struct.pack(">BBHHHBBH", 0x45, 0, 1500, 1, 0x4000, 64, 17, 0) + source + destination
    quoted = quoted[:10] + struct.pack(">H", checksum(quoted)) + quoted[12:] + ports
    message = struct.pack(">BBHHH", 3, 4, 0, 0, mtu) + quoted
    return message[:2] + struct.pack(">H", checksum(message)) + message[4:]


def believes(host, family, address):
    """Whether the host's kernel has taken a smaller path for true: a socket with DF as the kernel likes it fails."""
    four = family == "v4"
    with host.socket(socket.AF_INET if four else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        if four:
            probe.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
        else:
            probe.setsockopt(socket.IPPROTO_IPV6, 23, 2)
        try:
            probe.sendto(bytes(1400), (address, 9))
        except OSError as error:
            assert error.errno == errno.EMSGSIZE, error
            return True
        return False


def test_fault_row_34_forged_icmp_about_our_datagrams_changes_nothing(family):
    with Lab(family=family) as lab:
        agents = agents_on(lab, "sealed")
        wait_found(agents, 1500, 5)
        protocol = socket.IPPROTO_ICMP if family == "v4" else socket.IPPROTO_ICMPV6
        kind = socket.AF_INET if family == "v4" else socket.AF_INET6
        with lab.h1.socket(kind, socket.SOCK_RAW, protocol) as at_h1, \
                lab.h2.socket(kind, socket.SOCK_RAW, protocol) as at_h2:
            ends = ((at_h2, lab.h1.address, lab.h2.address), (at_h1, lab.h2.address, lab.h1.address))
            data, expected = blocks(TCP_BYTES // 4)
            arrived, over = [], threading.Event()

            def transfers():
                while not over.is_set():
                    arrived.append(None)
                    arrived[-1] = tcp_hash(lab.h1, lab.h2, overlay(2), *data, timeout=120)
            transfer = threading.Thread(daemon=True, target=transfers)
            transfer.start()
            for number in range(60 if full() else 8):
                before = agents[1].counters().underlay["frames-out"]
                for attacker, source, destination in ends:
                    attacker.sendto(too_big(family, (600, 1280)[number % 2] if family == "v4" else 1280, source,
                                            destination), (source, 0))
                for agent in agents:
                    assert found(agent, 1500), peer(agent)
                time.sleep(1 if full() else 0.5)
                assert agents[1].counters().underlay["frames-out"] > before + 100, "the path is in use"
            over.set()
            transfer.join(120)
            assert set(arrived) == {expected}
        # The forgery was good: the kernel itself believes it, for sockets that ask it.
        assert believes(lab.h1, family, lab.h2.address) and believes(lab.h2, family, lab.h1.address)
        assert largest(lab.h1, overlay(2), 1500 - OVERHEAD[family])
        for agent in agents:
            assert found(agent, 1500), peer(agent)
            assert agent.counters().dropped("overlay").get("too-big", 0) == 0
