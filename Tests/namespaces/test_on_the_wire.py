"""What vtep sends, as tshark and tcpdump decode it."""

import socket

import pytest

from frames import ethernet, ipv4, mac, udp, vxlan
from host import wait_until
from lab import Lab
from packets import Packets
from peer import RawPeer

ALICE, BOB = mac(0xA1), mac(0xB0B)


def udp_frame(source_port, length=100):
    """A frame with IPv4 and UDP; each source port is an inner flow of its own."""
    return ethernet(ALICE, BOB, ipv4(17, udp(source_port, 40_000, bytes(length))), 0x0800)


def sent(lab, frames, vni=42, allows=(), **sections):
    """Runs an agent, sends frames into its TAP, and returns the closed capture of what left the host, where the rules
    of `allows` may be broken.
    """
    agent = lab.agent(segments=[{"vni": vni, "tap": "vx42"}], **sections)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, \
            lab.capture(direction="out", allows=allows) as capture:
        for frame in frames:
            tap.send(frame)
        payloads = [peer.receive() for _ in frames]
        wait_until(lambda: len(capture.lines()) >= len(frames), 10, "the capture has every datagram")
    assert payloads == [vxlan(vni, frame) for frame in frames], "the payload is header and frame, to the byte"
    return capture


@pytest.mark.parametrize("family", ("v4", "v6"))
def test_tshark_finds_nothing_wrong_with_any_datagram(family):
    with Lab(family=family) as lab:
        mtu = lab.mtu - lab.overhead
        frames = [udp_frame(30_000 + number, length) for number, length in enumerate((0, 1, 18, 100, 1000, mtu - 28))]
        frames += [ethernet(ALICE, BOB, length=length) for length in (14, 61, mtu + 14)]
        capture = sent(lab, frames, vni=0xABCDE)
        rows = capture.fields("vxlan.vni", "vxlan.flags", "udp.dstport", "udp.checksum.status", "udp.length",
                              "eth.type", "_ws.malformed")
        ethertype = "0x0800" if family == "v4" else "0x86dd"
        assert rows == [[str(0xABCDE), "0x0800", "4789", "1", str(16 + len(frame)), ethertype, ""] for frame in frames]
        if family == "v4":
            rows = capture.fields("ip.flags.df", "ip.ttl", "ip.checksum.status", "ip.src", "ip.dst", "ip.flags.mf",
                                  "ip.frag_offset")
            assert rows == [["1", "64", "1", lab.h1.address, lab.h2.address, "0", "0"]] * len(frames)
        else:
            rows = capture.fields("ipv6.hlim", "ipv6.src", "ipv6.dst", "ipv6.nxt")
            assert rows == [["64", lab.h1.address, lab.h2.address, "17"]] * len(frames)


def test_tshark_sees_the_inner_frame_whole(lab):
    capture = sent(lab, [udp_frame(30_000 + number) for number in range(3)])
    inner = [row.split(",") for row, in capture_all(capture, "udp.srcport")]
    assert [ports[1] for ports in inner] == ["30000", "30001", "30002"]
    macs = [row.split(",") for row, in capture_all(capture, "eth.src")]
    assert all(pair[1] == ALICE.hex(":") for pair in macs)
    statuses = [row.split(",") for row, in capture_all(capture, "ip.checksum.status")]
    assert statuses == [["1", "1"]] * 3


def capture_all(capture, name):
    """Every value of a field, outer and inner, separated by commas."""
    return capture.fields(name, options=("-E", "occurrence=a"))


def test_tcpdump_names_the_vni_and_the_inner_addresses(lab):
    text = "\n".join(sent(lab, [ethernet(ALICE, BOB, length=60)] * 2, allows=("duplicate",)).lines("", "-e", "-v"))
    assert text.count("VXLAN, flags [I] (0x08), vni 42") == 2
    assert text.count(f"{ALICE.hex(':')} > {BOB.hex(':')}") == 2
    assert "bad cksum" not in text and "bad udp cksum" not in text and "[DF]" in text


def source_ports(capture):
    """Outer source ports by inner source port."""
    ports = {}
    for row, in capture_all(capture, "udp.srcport"):
        outer, inner = row.split(",")
        ports.setdefault(inner, []).append(int(outer))
    return ports


def used(ports):
    """Every outer source port of all flows."""
    return {outer for each in ports.values() for outer in each}


def test_a_flow_keeps_its_source_port_and_flows_are_spread(lab):
    frames = [udp_frame(20_000 + number) for number in range(64)] * 4
    ports = source_ports(sent(lab, frames, allows=("duplicate",)))
    assert len(ports) == 64
    for inner, outer in ports.items():
        assert len(outer) == 4 and len(set(outer)) == 1, f"flow {inner} left from {outer}"
    chosen = used(ports)
    assert all(49152 <= port <= 65535 for port in chosen), chosen
    # 64 flows on 64 ports: a uniform hash leaves about 40 of them in use.
    assert len(chosen) >= 24, f"64 flows use {len(chosen)} ports"


def test_fragments_of_one_inner_datagram_share_a_source_port(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}])
    with RawPeer(lab.h2, agent), lab.capture(direction="out") as capture:
        lab.h1.ip("neigh", "add", "10.42.0.2", "lladdr", BOB.hex(":"), "dev", "vx42")
        with lab.h1.socket(socket.AF_INET, socket.SOCK_DGRAM) as socket_:
            socket_.sendto(bytes(5000), ("10.42.0.2", 9))
        wait_until(lambda: len(capture.lines("udp[8] == 8")) >= 4, 10, "four fragments were sent")
    outer = {row[0] for row in capture.fields("udp.srcport", expression="ip.frag_offset > 0 || ip.flags.mf == 1")}
    assert len(outer) == 1, f"the fragments left from {outer}"


@pytest.mark.parametrize("count", (1, 4))
def test_source_ports_sets_how_many_ports_are_used(lab, count):
    frames = [udp_frame(20_000 + number) for number in range(64)]
    allows = ("source-port-range",) if count == 1 else ()
    chosen = used(source_ports(sent(lab, frames, allows=allows, local={"source-ports": count})))
    if count == 1:
        assert chosen == {4789}, "the only one is the listening port"
    else:
        assert len(chosen) == count


def test_a_source_port_that_is_taken_is_replaced_by_the_next(lab):
    held = []
    for port in range(49152, 65536, 2):
        held.append(lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, port))
        if len(held) == 800:
            break
    chosen = used(source_ports(sent(lab, [udp_frame(20_000 + number) for number in range(64)])))
    assert len(chosen) >= 24 and not chosen & {each.getsockname()[1] for each in held}
    for each in held:
        each.close()


@pytest.mark.parametrize("family", ("v4", "v6"))
def test_a_frame_that_no_longer_fits_the_link_is_dropped_and_never_sent_in_fragments(family):
    with Lab(family=family) as lab:
        mtu = lab.mtu - lab.overhead
        agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "mtu": mtu}])
        lab.h1.ip("link", "set", "u0", "mtu", 1400)
        with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
            before = agent.counters()
            tap.send(ethernet(ALICE, BOB, length=mtu + 14))
            tap.send(ethernet(ALICE, BOB, length=100))
            dropped = agent.settled(before, overlay=2).dropped("overlay")
            assert dropped == {"too-big": 1}, "whoever refuses it, the kernel or the agent, it is too big"
            assert peer.take(1) == [vxlan(42, ethernet(ALICE, BOB, length=100))] and peer.rest() == []


def test_other_ports_are_those_of_the_configuration(lab):
    agent = lab.agent(local={"port": 8472}, peers=[{"name": "b", "address": lab.h2.address, "port": 14789}])
    frame = ethernet(ALICE, length=100)
    with RawPeer(lab.h2, agent, port=14789) as peer, Packets(lab.h1, "vx42") as tap:
        tap.send(frame)
        assert peer.receive() == vxlan(42, frame)
        peer.destination = (lab.h1.address, 8472)
        peer.send_frame(ethernet(BOB, length=100))
        assert tap.next() == ethernet(BOB, length=100)


def test_the_sending_sockets_take_nothing_in(lab):
    agent = lab.agent()
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap, lab.capture(direction="out") as capture:
        tap.send(udp_frame(30_000))
        assert peer.receive() is not None
        wait_until(capture.lines, 10, "the capture has the datagram")
        port = int(capture.fields("udp.srcport")[0][0])
        before = agent.counters()
        peer.destination = (lab.h1.address, port)
        peer.send_frame(ethernet(BOB, length=100), times=10)
        peer.destination = (lab.h1.address, 4789)
        peer.send_frame(ethernet(BOB, length=100))
        assert agent.settled(before, underlay=1).underlay["frames-in"] == 1
        assert len(tap.rest()) == 1
    # The socket filter refuses them: they do not wait in the socket either.
    for line in lab.h1.run("cat", "/proc/net/udp").stdout.splitlines()[1:]:
        address, queues = line.split()[1], line.split()[4]
        if address.endswith(f":{port:04X}"):
            assert queues.split(":")[1] == "00000000", line
            break
    else:
        raise AssertionError(f"no socket is bound to port {port}")
