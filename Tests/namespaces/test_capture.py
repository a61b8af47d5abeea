"""`vtep capture` beside tcpdump and tshark on the same traffic, its files, and what stops it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from agent import binary, vtep
from decoders import tcpdump_reads
from frames import ethernet, mac, mac_text, tagged
from host import wait_until
from lab import Lab
from packets import Packets
from peer import RawPeer

VNI = 42
MARK_PORT = 40999
# What the kernel does otherwise (low source ports, for each socket rather than for each flow; DF only where the inner
# frame has it), and what these tests send.
KERNEL = ("df-clear", "duplicate", "flow-port-unstable", "source-port-range", "vlan-tag")
NUMBERS = ("ip.src", "ip.dst", "udp.srcport", "udp.dstport", "vxlan.vni")


class Capturing:
    """`vtep capture` on a host, from when it listens until it is ended."""

    def __init__(self, host, *arguments, directory):
        self.out, self.err = (f"{directory}/capture.{name}" for name in ("out", "err"))
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = host.popen(binary(), "capture", *arguments, stdout=out, stderr=err)
        wait_until(lambda: "listening" in self.said(), 10, "vtep capture listens")

    def said(self):
        with open(self.err, encoding="utf-8") as text:
            return text.read()

    def lines(self):
        with open(self.out, encoding="utf-8") as text:
            return text.read().splitlines()

    def end(self, number=signal.SIGINT):
        """Its exit status after a signal, or of itself."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=20)


def overlay(lab, prefixes=("10.99.0.{}/24",)):
    """The kernel's VXLAN between both hosts."""
    for host, other, number in ((lab.h1, lab.h2, 1), (lab.h2, lab.h1, 2)):
        host.kernel_vxlan(VNI, [other.address], addresses=[prefix.format(number) for prefix in prefixes])


def traffic(lab):
    """ARP, ICMP, neighbour discovery, ICMPv6, TCP, UDP, a tag; in front and behind, a mark."""
    mark(lab)
    lab.h1.ip("neigh", "flush", "dev", "vx0")
    lab.h1.ping("10.99.0.2", "-c", 3, "-i", "0.05")
    lab.h1.ping("fd99::2", "-c", 2, "-i", "0.05")
    with lab.h2.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("10.99.0.2", 5201))
        listener.listen()
        with lab.h1.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect(("10.99.0.2", 5201))
            other, _ = listener.accept()
            with other:
                client.sendall(b"x" * 3000)
                assert len(other.recv(3000, socket.MSG_WAITALL)) == 3000
    with lab.h1.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        # Nobody is there: the answer is ICMP.
        datagrams.sendto(b"y" * 99, ("10.99.0.2", 40001))
    with Packets(lab.h1, "vx0") as raw:
        raw.send(tagged(ethernet(mac(7), length=100)))
        time.sleep(0.1)
    mark(lab)
    time.sleep(0.5)


def mark(lab):
    """A UDP datagram that begins or ends what is compared; nothing answers it."""
    with lab.h2.bound(socket.SOCK_DGRAM, "10.99.0.2", MARK_PORT), \
            lab.h1.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"mark", ("10.99.0.2", MARK_PORT))
        time.sleep(0.1)


@pytest.fixture(params=("v4", "v6"))
def recorded(request):
    """A lab with what tcpdump captured of the traffic, and `vtep capture` at the same time: lines and a file."""
    with Lab(family=request.param, quiet=False) as lab:
        overlay(lab, ("10.99.0.{}/24", "fd99::{}/64"))
        capture = lab.capture(expression="udp port 4789", allows=KERNEL)
        lines = Capturing(lab.h1, "-i", "u0", "--immediate-mode", directory=lab.directory)
        written = f"{lab.directory}/own.pcap"
        file = subprocess.Popen(lab.h1.command(binary(), "capture", "-i", "u0", "-U", "-w", written),
                                stderr=subprocess.PIPE, text=True)
        assert "listening" in file.stderr.readline()
        traffic(lab)
        assert lines.end() == 0
        file.send_signal(signal.SIGTERM)
        assert file.wait(timeout=20) == 0
        capture.close()
        yield lab, capture, lines, written, file.stderr.read()


def inner_of(line):
    """The inner part of tcpdump's two lines in our words."""
    line = re.sub(r"^(\S+ > [^,]+), ", r"\1 ", line)
    line = re.sub(r"ethertype ARP \(0x0806\), length \d+: ", "ARP ", line)
    line = re.sub(r"ethertype IPv4 \(0x0800\), length \d+: ", "IP ", line)
    line = re.sub(r"ethertype IPv6 \(0x86dd\), length \d+: ", "IP6 ", line)
    line = re.sub(r"ARP Request (who-has.*), length \d+$", r"ARP \1", line)
    line = re.sub(r"ARP Reply (.*), length \d+$", r"ARP reply \1", line)
    return re.sub(r"who-has (\S+) \(\S+\) tell", r"who-has \1 tell", line)


def between_marks(rows, marks):
    """The part of `rows` between the first and the last of `marks` that has a mark: what all captures saw."""
    places = [place for place, text in enumerate(marks) if f".{MARK_PORT}: UDP" in text]
    assert len(places) == 2
    return rows[places[0]:places[1] + 1]


def test_every_packet_is_told_as_tcpdump_and_tshark_tell_it(recorded):
    lab, capture, lines, written, said = recorded
    own = between_marks(lines.lines(), lines.lines())
    # tcpdump -e shows the link header of both: the inner one is on the second line.
    theirs = [line for line in capture.lines("", "-S", "-e") if not line.startswith("\t")]
    names = [name.replace("ip.", "ipv6.") if lab.family == "v6" else name for name in NUMBERS]
    inners = between_marks(theirs[1::2], theirs[1::2])
    fields = between_marks(capture.fields(*names), theirs[1::2])
    assert len(own) == len(inners) == len(fields) > 20
    compared = set()
    for ours, inner, (source, destination, port, to, vni) in zip(own, inners, fields):
        head, _, tail = ours.partition(" | ")
        name = "IP" if lab.family == "v4" else "IP6"
        assert f" {name} {source}.{port} > {destination}.{to}: VXLAN vni {vni} len " in head
        expected = inner_of(inner)
        if "MLD" in expected or "multicast listener" in expected or "router solicitation" in expected or (
                "vlan" in expected or "802.1Q" in expected):
            compared.add("named")
            continue
        # Of options tcpdump knows more, and its advertisement has flags.
        expected = re.sub(r", Flags \[[a-z, ]+\]", "", expected)
        assert tail == expected, ours
        compared.add(re.sub(r".* (ARP|ICMP6?|UDP|Flags)\b.*", r"\1", tail))
    assert compared >= {"ARP", "ICMP", "ICMP6", "UDP", "Flags"}
    assert any(" | " in line and "vlan 5, p 0, " in line or "vlan " in line.partition(" | ")[2] for line in own)
    # The file holds the same packets, and tcpdump reads it.
    read = tcpdump_reads(written, "-e", "-S")
    inners_read = [line for line in read.stdout.splitlines() if not line.startswith("\t")][1::2]
    assert between_marks(inners_read, inners_read) == inners
    # What is read again is what was shown.
    again = vtep("capture", "-r", written)
    assert again.returncode == 0
    shown = between_marks(again.stdout.splitlines(), again.stdout.splitlines())
    assert [line.split(" ", 1)[1] for line in shown] == [line.split(" ", 1)[1] for line in own]
    assert f"{len(again.stdout.splitlines())} packets captured" in said and "0 packets dropped by kernel" in said


def test_filters_counts_and_json_agree_with_tcpdump_on_one_file(recorded):
    _, capture, _, written, _ = recorded
    capture.path = written
    total = len(capture.fields("frame.number"))
    for arguments, expression in ((("--vni", 42), "vxlan"), (("--vni", 43), "vxlan.vni == 43"),
                                  (("--inner", "arp"), "arp"), (("--inner", "icmp"), "icmp"),
                                  (("--inner", "tcp port 5201"), "tcp.port == 5201")):
        done = vtep("capture", "-r", written, "--count", *arguments)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout.split()[0]) == len(capture.fields("frame.number", expression=expression)), arguments
    done = vtep("capture", "-r", written, "-j")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["packet"] for record in records] == list(range(1, total + 1))
    assert all(record["vni"] == VNI and record["kind"] == "vxlan" for record in records)
    assert vtep("capture", "-r", written, "-c", 3).stdout.count("\n") == 3
    refused = vtep("capture", "-r", written, "vxlan")
    assert refused.returncode == 1 and 'the filter "vxlan" is refused' in refused.stderr


def test_a_device_of_all_interfaces_and_standard_input_show_the_same(lab):
    overlay(lab)
    any_of_all = Capturing(lab.h1, "-i", "any", "--immediate-mode", "-c", 4, "--inner", "icmp",
                           directory=lab.directory)
    lab.h1.ping("10.99.0.2", "-c", 2, "-i", "0.05")
    assert any_of_all.end(None) == 0
    lines = any_of_all.lines()
    assert len(lines) == 4 and all("ICMP echo" in line for line in lines)
    capture = lab.capture(allows=KERNEL)
    lab.h1.ping("10.99.0.2", "-c", 2, "-i", "0.05")
    capture.close()
    with open(capture.path, "rb") as file:
        piped = subprocess.run([binary(), "capture", "-r", "-"], stdin=file, capture_output=True, text=True, timeout=30)
    assert piped.returncode == 0 and piped.stdout == vtep("capture", "-r", capture.path).stdout != ""


def test_files_follow_each_other_as_tcpdump_has_them(lab):
    overlay(lab)
    lab.h1.ping("10.99.0.2", "-c", 1)
    capture = lab.capture(snaplen=2000, allows=KERNEL)
    lab.h1.ping("10.99.0.2", "-q", "-c", 1800, "-f", "-s", 1300, seconds=20)
    capture.close()
    for name in ("own", "theirs"):
        os.mkdir(f"{lab.directory}/{name}")
    rotation = ("-C", "1", "-W", "3")
    vtep("capture", "-r", capture.path, "-w", f"{lab.directory}/own/f", *rotation, check=True)
    tcpdump_reads(capture.path, "-Z", "root", "-w", f"{lab.directory}/theirs/f", *rotation)
    assert sorted(os.listdir(f"{lab.directory}/own")) == ["f0", "f1", "f2"]
    for name in ("f0", "f1", "f2"):
        with open(f"{lab.directory}/own/{name}", "rb") as own, open(f"{lab.directory}/theirs/{name}", "rb") as theirs:
            assert own.read() == theirs.read(), name
    timed = Capturing(lab.h1, "-i", "u0", "--immediate-mode", "-G", 1, "-W", 2, "-w", f"{lab.directory}/t-%s",
                      directory=lab.directory)
    # Each packet looks whether it is time for the next file.
    lab.h1.ping("10.99.0.2", "-q", "-c", 40, "-i", "0.1", seconds=20)
    assert timed.end(None) == 0
    names = [name for name in os.listdir(lab.directory) if name.startswith("t-")]
    assert len(names) == 2
    for name in names:
        assert vtep("capture", "-r", f"{lab.directory}/{name}", "--count").returncode == 0


def test_a_full_disk_ends_a_capture_and_what_was_written_is_whole(lab):
    overlay(lab)
    lab.h1.ping("10.99.0.2", "-c", 1)
    place = f"{lab.directory}/full"
    os.mkdir(place)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], check=True)
    try:
        full = Capturing(lab.h1, "-i", "u0", "-w", f"{place}/f", directory=lab.directory)
        lab.h1.ping("10.99.0.2", "-q", "-c", 1800, "-f", "-s", 1300, seconds=20)
        assert full.end(None) == 1
        assert f"{place}/f: No space left on device" in full.said()
        shutil.copy(f"{place}/f", f"{lab.directory}/left")
    finally:
        subprocess.run(["umount", place], check=True)
    # To the last byte: tcpdump would say that the file is cut short.
    assert "truncated" not in tcpdump_reads(f"{lab.directory}/left").stderr
    size = os.path.getsize(f"{lab.directory}/left")
    assert (1 << 20) - 1500 < size <= 1 << 20


def test_an_agent_shows_its_frames_opened_and_says_why_it_drops(lab):
    agent = lab.agent()
    frame, written = ethernet(mac(0xB0B), length=100), f"{lab.directory}/agent.pcap"
    shown = Capturing(lab.h1, "--socket", agent.socket_path, "--vni", VNI, directory=lab.directory)
    file = subprocess.Popen(lab.h1.command(binary(), "capture", "--socket", agent.socket_path, "--outer", "-U", "-w",
                                           written), stderr=subprocess.PIPE, text=True)
    assert "listening" in file.stderr.readline()
    with RawPeer(lab.h2, agent) as peer:
        peer.send_frame(frame, vni=VNI)
        peer.send_frame(tagged(frame), vni=VNI)
        peer.send_frame(frame, vni=77)
    wait_until(lambda: len(shown.lines()) >= 2 and os.path.getsize(written) > 24 + 3 * 100, 10, "the frames are shown")
    assert shown.end() == 0
    file.send_signal(signal.SIGINT)
    assert file.wait(timeout=20) == 0
    # Those of one batch have one time, and what ends is told first.
    lines = sorted((line.split(" ", 1)[1] for line in shown.lines()), key=len)
    assert lines[0] == f"In  vni 42 len 100 | {mac_text(mac(0xB0B))} > ff:ff:ff:ff:ff:ff ethertype 0x88b5, length 86"
    assert lines[1].endswith("vlan 5, p 0, ethertype 0x88b5, length 86 drop vlan-tag") and len(lines) == 2
    assert vtep("capture", "-r", written, "--count").stdout == "3 packets\n"
    with open(f"{written}.jsonl", encoding="utf-8") as text:
        drops = [json.loads(line) for line in text]
    assert [(drop["packet"], drop["vni"], drop["drop"]) for drop in drops] == [(2, VNI, "vlan-tag"),
                                                                               (3, 77, "unknown-vni")]


def test_a_file_that_is_cut_short_is_shown_as_far_as_it_goes(lab):
    overlay(lab)
    lab.h1.ping("10.99.0.2", "-c", 1)
    capture = lab.capture(allows=KERNEL)
    lab.h1.ping("10.99.0.2", "-c", 3, "-i", "0.05")
    capture.close()
    whole = vtep("capture", "-r", capture.path).stdout.splitlines()
    with open(capture.path, "r+b") as file:
        file.truncate(os.path.getsize(capture.path) - 10)
    done = vtep("capture", "-r", capture.path)
    assert done.returncode == 1 and "truncated" in done.stderr
    assert done.stdout.splitlines() == whole[:-1]


def test_who_may_not_capture_is_told_so_and_another_user_can_take_over(lab):
    overlay(lab)
    for arguments, status, said in (
            (("-i", "u0"), 1, "u0: no permission to capture"), (("-i", "nowhere"), 1, "no such interface"),
            (("-r", "/nowhere"), 1, "/nowhere: No such file"), (("-i", "u0", "-r", "x"), 64, "name one"),
            ((), 1, "no agent answers"), (("-i", "u0", "-C", 1), 64, "add -w FILE")):
        unprivileged = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        wrapped = unprivileged if "permission" in said else []
        done = lab.h1.run(*wrapped, binary(), "capture", *arguments, check=False)
        assert done.returncode == status and said in done.stderr, arguments
    changed = Capturing(lab.h1, "-i", "u0", "-Z", "nobody", "--immediate-mode", directory=lab.directory)
    with open(f"/proc/{changed.process.pid}/status", encoding="utf-8") as text:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)
    assert set(status["Uid"].split()) == {"65534"} and int(status["CapEff"], 16) == 0
    lab.h1.ping("10.99.0.2", "-c", 1)
    assert changed.end(signal.SIGTERM) == 0
    assert any("ICMP echo request" in line for line in changed.lines())
