"""What `vtep capture` leaves behind, and what it may not wait for."""

import json
import os
import signal
import subprocess
import time

from agent import binary, vtep
from frames import ethernet, mac, tagged, vxlan
from host import wait_until
from peer import RawPeer
from test_capture import Capturing

FRAME = ethernet(mac(0xB0B), length=100)


def of_agent(lab, agent, *arguments):
    return Capturing(lab.h1, "--socket", agent.socket_path, *arguments, directory=lab.directory)


def test_datagrams_that_end_before_a_frame_are_shown_as_datagrams_and_a_list_of_drops_is_of_its_file(lab):
    agent, path = lab.agent(), f"{lab.directory}/agent.pcap"
    listed = f"{path}.jsonl"
    with RawPeer(lab.h2, agent) as peer:
        shown, objects = of_agent(lab, agent), None
        written = subprocess.Popen(lab.h1.command(binary(), "capture", "--socket", agent.socket_path, "-U", "-w", path),
                                   stderr=subprocess.PIPE, text=True)
        assert "listening" in written.stderr.readline()
        peer.send(b"short")
        peer.send(vxlan(77, FRAME))
        wait_until(lambda: len(shown.lines()) >= 2, 10, "both are shown")
        wait_until(lambda: os.path.exists(listed) and open(listed, "rb").read().count(b"\n") >= 2, 10, "both listed")
        assert shown.end() == 0
        written.send_signal(signal.SIGINT)
        assert written.wait(timeout=20) == 0
        lines = shown.lines()
        assert any("no overlay header, len 5 drop short-header" in line for line in lines)
        assert any("In  IP " in line and "VXLAN vni 77 len 100 | " in line and line.endswith("drop unknown-vni")
                   for line in lines)
        with open(listed, encoding="utf-8") as text:
            objects = [json.loads(line) for line in text]
        assert {(each["kind"], each["drop"], each["direction"]) for each in objects} == {
            ("unknown", "short-header", "in"), ("vxlan", "unknown-vni", "in")}
        assert {os.stat(name).st_mode & 0o777 for name in (path, listed)} == {0o600}
        again = of_agent(lab, agent, "-U", "-w", path)
        assert not os.path.exists(listed)
        peer.send_frame(FRAME, vni=42)
        wait_until(lambda: os.path.getsize(path) > 24, 10, "the frame is written")
        assert again.end() == 0 and not os.path.exists(listed)


def test_a_peer_of_an_agent_may_be_named_and_each_datagram_keeps_its_beginning(lab):
    agent = lab.agent()
    with RawPeer(lab.h2, agent) as peer:
        named = of_agent(lab, agent, "--peer", "b", "-j", "-s", 64, "--outer")
        peer.send_frame(FRAME, vni=42)
        wait_until(lambda: named.lines(), 10, "the frame is shown")
        assert named.end() == 0
        record = json.loads(named.lines()[0])
        assert (record["peer"], record["direction"], record["kind"]) == ("b", "in", "vxlan")
    done = vtep("capture", "--socket", agent.socket_path, "--peer", "nobody")
    assert done.returncode == 1 and "no peer" in done.stderr


def test_what_a_source_cannot_do_is_refused(lab):
    for arguments, said in (
            (("-r", "x", "-Q", "in"), "leave out -Q"), (("-r", "x", "--immediate-mode"), "goes with -i"),
            (("-r", "x", "--socket", "y"), "without -i and -r"), (("-i", "u0", "--socket", "y"), "without -i and -r"),
            (("-i", "u0", "--peer", "name"), "no IP address")):
        done = lab.h1.run(binary(), "capture", *arguments, check=False)
        assert done.returncode == 64 and said in done.stderr, arguments


def test_a_reader_that_stands_still_does_not_keep_it_from_ending(lab):
    agent = lab.agent()
    with RawPeer(lab.h2, agent) as peer:
        stuck = [subprocess.Popen(lab.h1.command(binary(), "capture", "--socket", agent.socket_path, *arguments),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) for arguments in ((), ("-w", "-"))]
        try:
            for each in stuck:
                assert b"listening" in each.stderr.readline()
            for _ in range(3000):
                peer.send_frame(FRAME, vni=42)
            time.sleep(1)
            for each in stuck:
                each.send_signal(signal.SIGTERM)
            # What nobody took is lost, and said so.
            assert [each.wait(timeout=10) for each in stuck] == [1, 1]
        finally:
            for each in stuck:
                each.kill()


def test_standard_output_that_was_not_empty_is_not_cut_on_a_full_disk(lab):
    agent, place = lab.agent(), f"{lab.directory}/full"
    os.mkdir(place)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], check=True)
    try:
        with open(f"{place}/f", "wb") as file:
            file.write(b"x" * 100_000)
        with RawPeer(lab.h2, agent) as peer, open(f"{place}/f", "ab") as out:
            process = subprocess.Popen(
                lab.h1.command(binary(), "capture", "--socket", agent.socket_path, "-U", "-w", "-"), stdout=out,
                stderr=subprocess.PIPE)
            assert b"listening" in process.stderr.readline()
            for _ in range(2000):
                peer.send_frame(FRAME, vni=42)
                if process.poll() is not None:
                    break
                time.sleep(0.001)
            assert process.wait(timeout=10) == 1 and b"No space left" in process.stderr.read()
        with open(f"{place}/f", "rb") as file:
            assert file.read(100_000) == b"x" * 100_000
    finally:
        subprocess.run(["umount", place], check=True)


def test_keys_are_read_before_the_rights_go(lab):
    keys = f"{lab.directory}/keys.log"
    with open(keys, "w", encoding="utf-8"):
        os.chmod(keys, 0o600)
    changed = Capturing(lab.h1, "-i", "u0", "-Z", "nobody", "--keys", keys, directory=lab.directory)
    assert changed.end(signal.SIGTERM) == 0
