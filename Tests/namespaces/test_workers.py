"""Several workers: flows are spread over them, and each direction of one stays whole and in order with one of them."""

import hashlib
import os
import signal
import socket
import struct
import threading
import time

import pytest

from frames import BROADCAST, ethernet, ipv4, mac, mac_text, udp, vxlan
from host import wait_until
from lab import Lab
from packets import Packets
from peer import RawPeer
from transfer import random_bytes, tcp_hash

ADDRESSES = "10.42.0.1", "10.42.0.2"
SO_RCVBUFFORCE = 33
STREAMS = 8
BLOCK = 12_000_000


def pair(lab, workers, **local):
    """An agent on each host of the lab, with that many workers, or with one number for each."""
    each = workers if isinstance(workers, tuple) else (workers, workers)
    agents = [lab.agent(f"h{number + 1}", workers=each[number], local=local,
                        segments=[{"vni": 42, "tap": "vx42", "address": [f"{address}/24"]}])
              for number, address in enumerate(ADDRESSES)]
    assert lab.h1.ping(ADDRESSES[1])
    return agents


def flow(number, length=100):
    """A frame of UDP flow `number` from 10.42.0.1 to 10.42.0.2, from MAC 0xA1 to 0xB0B."""
    return ethernet(mac(0xA1), mac(0xB0B), ipv4(17, udp(20_000 + number, 5201, bytes(length))), ethertype=0x0800)


class Senders:
    """A raw peer at each of several ports of a host: the agent has a worker for each port."""

    def __init__(self, host, agent, count):
        self.peers = [RawPeer(host, agent, port=4789 + number) for number in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.socket.close()

    def __getitem__(self, number):
        return self.peers[number % len(self.peers)]


def thread_names(agent):
    """The names of the threads of an agent."""
    tasks, names = f"/proc/{agent.process.pid}/task", []
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as file:
            names.append(file.read().strip())
    return names


@pytest.mark.parametrize("workers", (2, 4, 15))
def test_flows_are_spread_over_the_workers_in_both_directions(lab, workers):
    agent = lab.agent(workers=workers)
    status = agent.json("status")
    assert (status["workers"], status["worker-frames"]) == (workers, [0] * workers)
    assert status["offload"]["tap-flow-steering"] == status["offload"]["udp-flow-steering"] == "on"
    assert {name for name in thread_names(agent) if name.startswith("vtep-worker-")} \
        == {f"vtep-worker-{number}" for number in range(workers)}
    before, flows = agent.counters(), 40 * workers
    with Packets(lab.h1, "vx42") as tap, Senders(lab.h2, agent, workers) as senders:
        for number in range(flows):
            tap.send(flow(number))
        agent.settled(before, overlay=flows)
        outgoing = agent.json("status")["worker-frames"]
        assert sum(outgoing) == flows and min(outgoing) > 0, outgoing
        # What spreads them is the outer source port, which each sender draws from the inner flow.
        for number in range(flows):
            senders[number].send_frame(flow(number))
        agent.settled(before, underlay=flows)
        both = agent.json("status")["worker-frames"]
        assert [after - own for after, own in zip(both, outgoing)] == [40] * workers


def test_a_buffer_of_many_flows_stays_together_and_in_order(lab):
    agent = lab.agent(workers=4)
    flows, rounds = 16, 100
    frames = [[ethernet(mac(0xA1), mac(0xB0B), ipv4(17, udp(20_000 + number, 5201, struct.pack("!II", turn, number))),
                        ethertype=0x0800) for number in range(flows)] for turn in range(rounds)]
    before = agent.counters()
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        # UDP_SEGMENT joins datagrams by outer port and length; which flow stands first changes from buffer to buffer.
        for turn, row in enumerate(frames):
            order = row[turn % flows:] + row[:turn % flows]
            payloads = [b"\x08\0\0\0" + (42).to_bytes(3, "big") + b"\0" + frame for frame in order]
            peer.send_segments(b"".join(payloads), len(payloads[0]))
        agent.settled(before, underlay=flows * rounds)
        seen = {number: [] for number in range(flows)}
        for frame in tap.take(flows * rounds):
            turn, number = struct.unpack("!II", frame[42:50])
            seen[number].append(turn)
    assert seen == {number: list(range(rounds)) for number in range(flows)}
    assert sorted(agent.json("status")["worker-frames"]) == [0, 0, 0, flows * rounds]


def test_one_worker_has_one_queue_and_needs_no_steering(lab):
    agent = lab.agent(workers=1)
    status = agent.json("status")
    assert status["workers"] == 1 and not any("steering" in name for name in status["offload"])
    assert not lab.h1.link("vx42")["linkinfo"]["info_data"]["multi_queue"]
    agent.stop()
    lab.agent(workers=2)
    assert lab.h1.link("vx42")["linkinfo"]["info_data"]["multi_queue"]


class Sequence:
    """A UDP flow with sequence numbers from one host to another, in bursts that do not run away from a receiver that
    has no processor. The receiver answers every 64th datagram.
    """

    BURST = 256

    def __init__(self, sender, receiver, address, port, count):
        self.count, self.seen, self.answers = count, [], 0
        self.incoming = receiver.bound(socket.SOCK_DGRAM, address, port)
        self.incoming.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.incoming.settimeout(3)
        self.outgoing = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outgoing.connect((address, port))
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._receive, self._send)]

    def _send(self):
        payload = bytes(96)
        for number in range(self.count):
            self.outgoing.send(struct.pack("!I", number) + payload)
            if number % self.BURST == self.BURST - 1:
                time.sleep(0.002)
                self._let_catch_up(number)

    def _let_catch_up(self, number):
        end = time.monotonic() + 1
        while (self.seen[-1] if self.seen else 0) < number - self.BURST // 2 and time.monotonic() < end:
            time.sleep(0.001)

    def _receive(self):
        try:
            while len(self.seen) < self.count:
                datagram, source = self.incoming.recvfrom(2048)
                self.seen.append(struct.unpack_from("!I", datagram)[0])
                if len(self.seen) % 64 == 0:
                    self.incoming.sendto(b"answer", source)
        except TimeoutError:
            pass

    def late(self):
        """Sequence numbers that came after a higher one."""
        return [later for earlier, later in zip(self.seen, self.seen[1:]) if later <= earlier]


@pytest.mark.parametrize("workers, ports", (
    ((2, 2), 64), ((3, 3), 64), ((4, 4), 64), ((1, 4), 64), ((1, 4), 1), ((2, 3), 1)))
def test_no_flow_is_reordered_with_several_workers(lab, workers, ports):
    agents = pair(lab, workers, **{"source-ports": ports})
    # Flows both ways at once, each with a few answers: those must not move it to another worker.
    flows = [Sequence(*ends, 6000 + number, 4000) for number in range(4)
             for ends in ((lab.h1, lab.h2, ADDRESSES[1]), (lab.h2, lab.h1, ADDRESSES[0]))]
    for each in flows:
        for thread in each.threads:
            thread.start()
    for each in flows:
        for thread in each.threads:
            thread.join(60)
    assert [each.late() for each in flows] == [[]] * len(flows)
    # Somewhere on a busy machine a queue may overflow; a gap is no reordering.
    assert all(len(each.seen) > each.count / 2 for each in flows), [len(each.seen) for each in flows]
    for agent in agents:
        agent.check_identity()


@pytest.mark.parametrize("underlay", ("passing", "segmenting"))
def test_tcp_streams_both_ways_are_byte_exact_with_two_workers(underlay):
    with Lab(wire=False, cuts=underlay == "segmenting") as lab:
        agents = pair(lab, 2)
        data, results = random_bytes(BLOCK), {}
        before = [agent.json("status")["worker-frames"] for agent in agents]

        def stream(number):
            ends = (lab.h1, lab.h2, ADDRESSES[1]) if number % 2 == 0 else (lab.h2, lab.h1, ADDRESSES[0])
            results[number] = tcp_hash(*ends, data[number:], timeout=120, port=5300 + number)

        threads = [threading.Thread(target=stream, args=(number,), daemon=True) for number in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(150)
        expected = {number: hashlib.sha256(data[number:]).hexdigest() for number in range(STREAMS)}
        assert results == expected
        for agent, frames in zip(agents, before):
            agent.check_identity()
            worked = [now - then for now, then in zip(agent.json("status")["worker-frames"], frames)]
            assert min(worked) > 0, worked
            assert set(agent.json("status")["offload"].values()) == {"on"}


def test_a_deleted_tap_is_back_with_all_its_queues(lab):
    agent = lab.agent(workers=3)
    with RawPeer(lab.h2, agent) as peer:
        for _ in range(10):
            lab.h1.ip("link", "del", "vx42")
            wait_until(lambda: (lab.h1.link("vx42") or {}).get("operstate") in ("UP", "UNKNOWN"), 1, "the TAP is back")
        before = agent.counters()
        with Packets(lab.h1, "vx42") as tap:
            def carries():
                start = agent.counters()
                for number in range(60):
                    tap.send(flow(number))
                return agent.settled(start, overlay=60).overlay["frames-out"] == 60
            wait_until(carries, 2, "frames of all queues are sent")
            frames = agent.json("status")["worker-frames"]
            for number in range(60):
                peer.send_frame(flow(number))
            assert len(tap.take(60)) == 60
        assert min(frames) > 0
        assert agent.json("status")["offload"]["tap-flow-steering"] == "on"
        assert agent.settled(before).dropped("overlay") == {}


def test_a_station_that_moves_between_workers_is_where_it_was_last_seen(lab):
    agent = lab.agent(workers=4)

    def seen_in(station, number):
        """A frame of a station in flow `number`, which brings it to one of the workers."""
        return ethernet(station, BROADCAST, ipv4(17, udp(20_000 + number, 5201, b"moving")), ethertype=0x0800)

    with Packets(lab.h1, "vx42") as tap, RawPeer(lab.h2, agent) as peer:
        for number in range(20):
            station = mac(0x5A00 + number)
            # All within one second, through whichever workers: what one remembers must not hide another's move. Four
            # moves: a fifth would freeze the address. And no frame of the TAP is equal to one that was written to it.
            arriving = seen_in(station, number)
            for step in range(2):
                peer.send_frame(arriving)
                assert tap.next() == arriving
                tap.send(leaving := seen_in(station, number + step + 1))
                assert peer.receive() == vxlan(42, leaving)
            peer.send_frame(arriving)
            assert tap.next() == arriving
            assert agent.fdb()[mac_text(station)].get("peer") == "b"


def test_fragments_and_marks_are_seen_on_every_socket(lab):
    agent = lab.agent(workers=4)
    with Senders(lab.h2, agent, 4) as senders, Packets(lab.h1, "vx42") as tap:
        for peer in senders.peers:
            peer.allow_fragments()
        before = agent.counters()
        for number in range(40):
            senders[number].send_frame(flow(number, length=3000))
        assert agent.settled(before, underlay=40).dropped("underlay") == {"fragment": 40}
        # RFC 6040: congestion experienced outside, and an inner packet that cannot say so.
        before = agent.counters()
        for peer in senders.peers:
            peer.set_traffic_class(3)
        for number in range(40):
            senders[number].send_frame(flow(number))
        assert agent.settled(before, underlay=40).dropped("underlay") == {"ecn": 40}
        assert tap.rest() == []
    assert agent.json("status")["worker-frames"] == [20] * 4


def test_what_every_socket_lost_is_in_kernel_drops(lab):
    agent = lab.agent(workers=2)
    before = agent.counters()
    count = 120_000
    datagram = b"\x08\0\0\0" + (42).to_bytes(3, "big") + b"\0" + flow(1)
    agent.process.send_signal(signal.SIGSTOP)
    with Senders(lab.h2, agent, 2) as senders:
        for number in range(count):
            senders[number].send(datagram)
        agent.process.send_signal(signal.SIGCONT)
        wait_until(lambda: agent.counters().underlay["frames-in"] > 0, 10, "it reads again")
        for _ in range(20):
            for number in range(64):  # each brings the count of what its socket lost
                senders[number].send(datagram)
            time.sleep(0.05)
    counted = agent.settled(before, underlay=count + 20 * 64)
    assert counted.all["kernel-drops"] > 1000, "the sockets took it all: nothing was tested"
    assert counted.underlay["frames-in"] + counted.all["kernel-drops"] == count + 20 * 64
    assert min(agent.json("status")["worker-frames"]) > 0


def test_without_the_right_to_load_programs_the_kernels_own_table_steers_and_status_says_so(lab):
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    agent = lab.agent(start=False, workers=3, segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}])
    agent.start(prefix=("setpriv", "--bounding-set", "-bpf,-sys_admin"))
    assert agent.json("status")["offload"]["tap-flow-steering"] == "refused: Operation not permitted"
    assert agent.stderr().count("flows move between workers now and then") == 1
    data = random_bytes(2_000_000)
    for number in range(6):
        assert tcp_hash(lab.h1, lab.h2, ADDRESSES[1], data, port=5300 + number) == hashlib.sha256(data).hexdigest()
    assert min(agent.json("status")["worker-frames"]) > 0


@pytest.mark.parametrize("workers", (1, 3))
def test_a_second_agent_on_the_same_port_is_refused_whatever_its_workers(lab, workers):
    lab.agent(workers=2)
    second = lab.agent(start=False, workers=workers, segments=[{"vni": 43, "tap": "vx43"}]).launch()
    assert second.process.wait(timeout=5) == 1
    assert "the port is in use" in second.stderr()
    assert lab.h1.link("vx43") is None


def test_fault_row_44_a_tap_that_another_agent_has_is_refused_and_stays_as_it_is(lab):
    first = lab.agent(workers=2)
    mac_before = lab.h1.link("vx42")["address"]
    lab.h1.ip("address", "add", "192.0.2.77/24", "dev", "u0")
    second = lab.agent(start=False, workers=2, local={"address": "192.0.2.77"}).launch()
    assert second.process.wait(timeout=30) == 1
    assert "vx42: in use by another process" in second.stderr()
    assert lab.h1.link("vx42")["address"] == mac_before
    before = first.counters()
    with Packets(lab.h1, "vx42") as tap:
        for number in range(20):
            tap.send(flow(number))
        assert first.settled(before, overlay=20).overlay["frames-in"] == 20


def test_one_source_port_is_that_of_every_workers_listening_socket(lab):
    agent = lab.agent(workers=3, local={"source-ports": 1})
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        for number in range(30):
            tap.send(flow(number))
        for _ in range(30):
            payload, source = peer.socket.recvfrom(2048)
            assert source[1] == 4789 and payload[8:] in {flow(each) for each in range(30)}
    assert min(agent.json("status")["worker-frames"]) > 0
