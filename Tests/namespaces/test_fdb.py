"""`vtep fdb add, replace, del, flush, explain`, `vtep monitor`, and row 11: an address that two peers claim."""

import contextlib
import json
import subprocess
import time

import pytest

from agent import binary
from conftest import full
from frames import MARK, ethernet, mac, mac_text
from host import wait_until
from packets import Packets
from peer import RawPeer

GUEST, LOCAL, PINNED, CLAIMED = mac(0xB0B), mac(0xA1), mac(0x57A7), mac(0xF1A9)


@contextlib.contextmanager
def monitor(agent):
    """Runs `vtep monitor -j`. Yields a function that answers what it printed so far."""
    with open(f"{agent.socket_path}.events", "w+", encoding="utf-8") as file:
        line = [binary(), "monitor", "-j", "--socket", agent.socket_path]
        process = subprocess.Popen(line, stdout=file, stdin=subprocess.DEVNULL)

        def events():
            with open(file.name, encoding="utf-8") as lines:
                return [json.loads(each) for each in lines if each.endswith("\n")]
        try:
            yield events
        finally:
            process.kill()
            process.wait()


def listening(agent, events, peer):
    """Waits until the monitor hears: new addresses are told only while somebody listens."""
    number = 0xE0000

    def heard():
        nonlocal number
        number += 1
        peer.send_frame(ethernet(mac(number), length=60))
        return events()
    wait_until(heard, 20, "the monitor hears of a new address", every=0.1)


@pytest.fixture
def two_peers(lab):
    """An agent with peers b and c, both of them addresses of h2."""
    lab.h2.ip("addr", "add", "192.0.2.3/24", "dev", "u0")
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "ageing": "300s"}],
                      peers=[{"name": "b", "address": "192.0.2.2"}, {"name": "c", "address": "192.0.2.3"}])
    with RawPeer(lab.h2, agent) as b, RawPeer(lab.h2, agent, "192.0.2.3") as c:
        yield agent, b, c


def entry(agent, address):
    """Peer and state of an entry, or None."""
    found = agent.fdb().get(mac_text(address))
    return found and (found.get("peer"), found["state"])


def change(agent, *arguments):
    """Runs a command that changes the table. Returns its status; nothing but messages may be printed."""
    done = agent.ask("fdb", *arguments)
    assert done.stdout == "" and bool(done.stderr) == (done.returncode != 0), done
    return done.returncode


def test_an_entry_is_added_replaced_and_deleted_once_each(lab, two_peers):
    agent, b, c = two_peers
    one = (mac_text(PINNED), "--vni", "42")
    assert change(agent, "del", *one) == 1
    assert change(agent, "add", *one, "--peer", "b") == 0
    assert entry(agent, PINNED) == ("b", "static")
    assert change(agent, "add", *one, "--peer", "c") == 1
    assert entry(agent, PINNED) == ("b", "static")
    with Packets(lab.h1, "vx42", f"ether proto {MARK}") as tap:
        before = agent.counters()
        tap.send(ethernet(LOCAL, PINNED, length=100))
        assert b.receive() is not None and c.rest() == []
        c.send_frame(ethernet(PINNED, length=100))
        assert agent.settled(before, underlay=1).dropped("underlay") == {"static-move": 1}
        assert change(agent, "replace", *one, "--peer", "c") == 0
        tap.send(ethernet(LOCAL, PINNED, length=100))
        assert c.receive() is not None and b.rest() == []
        assert change(agent, "del", *one) == 0 and change(agent, "del", *one) == 1
        tap.send(ethernet(LOCAL, PINNED, length=100))
        assert b.receive() is not None and c.receive() is not None
    assert entry(agent, PINNED) is None
    # What frames taught exists too: it is replaced, not added to.
    c.send_frame(ethernet(GUEST, length=100))
    wait_until(lambda: entry(agent, GUEST) == ("c", "dynamic"), 5, "the address is learned")
    assert change(agent, "add", mac_text(GUEST), "--vni", "42", "--peer", "b") == 1
    assert entry(agent, GUEST) == ("c", "dynamic")
    assert change(agent, "replace", mac_text(GUEST), "--vni", "42", "--peer", "b") == 0
    assert entry(agent, GUEST) == ("b", "static")


def test_a_flush_takes_the_dynamic_entries_only(two_peers):
    agent, b, _ = two_peers
    assert change(agent, "add", mac_text(PINNED), "--vni", "42", "--peer", "b") == 0
    for number in range(50):
        b.send_frame(ethernet(mac(number + 1), length=60))
    wait_until(lambda: len(agent.fdb()) == 51, 10, "51 entries are there")
    assert change(agent, "flush", "--vni", "42") == 0
    assert set(agent.fdb()) == {mac_text(PINNED)}
    assert change(agent, "flush", "--vni", "42") == 0


@pytest.mark.parametrize("arguments, status", (
    (("add", mac_text(PINNED), "--vni", "42", "--peer", "nobody"), 1),
    (("add", mac_text(PINNED), "--vni", "43", "--peer", "b"), 1),
    (("add", "01:00:5e:00:00:01", "--vni", "42", "--peer", "b"), 1),
    (("add", "00:00:00:00:00:00", "--vni", "42", "--peer", "b"), 1),
    (("replace", "ff:ff:ff:ff:ff:ff", "--vni", "42", "--peer", "b"), 1),
    (("flush", "--vni", "43"), 1),
    (("add", "02:00:00:00:00", "--vni", "42", "--peer", "b"), 64),
    (("add", mac_text(PINNED), "--peer", "b"), 64),
    (("add", mac_text(PINNED), "--vni", "42"), 64),
    (("flush",), 64),
))
def test_what_cannot_be_is_refused_and_changes_nothing(lab, arguments, status):
    agent = lab.agent()
    assert change(agent, *arguments) == status
    own = (mac_text(bytes.fromhex(lab.h1.mac("vx42").replace(":", ""))), "--vni", "42", "--peer", "b")
    assert change(agent, "add", *own) == 1
    assert agent.fdb() == {}


def explained(agent, address):
    """What `fdb explain` says of an address: the document, after the text was seen to say the same."""
    arguments = ("fdb", "explain", mac_text(address), "--vni", "42")
    told = agent.json(*arguments)
    assert told["mac"] == mac_text(address) and told["vni"] == 42
    assert agent.ask(*arguments).stdout.startswith(f"{told['mac']} in segment 42: {told['reason'][:16]}")
    return told


def test_explain_tells_why_a_frame_goes_where_it_goes(lab, two_peers):
    agent, b, _ = two_peers
    told = explained(agent, GUEST)
    assert (told["decision"], told["peers"]) == ("flood", ["b", "c"]) and "no entry" in told["reason"]
    b.send_frame(ethernet(GUEST, length=100))
    with Packets(lab.h1, "vx42") as tap:
        tap.send(ethernet(LOCAL, GUEST, length=100))
    wait_until(lambda: len(agent.fdb()) == 2, 5, "both addresses are learned")
    told = explained(agent, GUEST)
    assert (told["decision"], told["peers"], told["origin"]) == ("unicast", ["b"], "learned")
    assert told["state"] == "dynamic" and told["address"] == "192.0.2.2" and told["age-seconds"] < 5
    told = explained(agent, LOCAL)
    assert (told["decision"], told["origin"]) == ("flood", "learned") and "own TAP" in told["reason"]
    assert change(agent, "add", mac_text(PINNED), "--vni", "42", "--peer", "c") == 0
    told = explained(agent, PINNED)
    assert (told["decision"], told["peers"], told["origin"]) == ("unicast", ["c"], "command")
    assert explained(agent, b"\xff" * 6)["decision"] == "flood"
    assert explained(agent, bytes.fromhex(lab.h1.mac("vx42").replace(":", "")))["decision"] == "own"
    assert agent.ask("fdb", "explain", mac_text(GUEST), "--vni", "43").returncode == 1


def test_monitor_tells_of_addresses_that_are_learned_move_and_age(lab):
    lab.h2.ip("addr", "add", "192.0.2.3/24", "dev", "u0")
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "ageing": "2s"}],
                      peers=[{"name": "b", "address": "192.0.2.2"}, {"name": "c", "address": "192.0.2.3"}])
    with RawPeer(lab.h2, agent) as b, RawPeer(lab.h2, agent, "192.0.2.3") as c, monitor(agent) as events:
        listening(agent, events, b)
        b.send_frame(ethernet(GUEST, length=60))
        c.send_frame(ethernet(GUEST, length=60))

        def story():
            return [each for each in events() if each["mac"] == mac_text(GUEST)]
        wait_until(lambda: len(story()) >= 3, 15, "the address is learned, moves and ages")
        assert [(each["event"], each["vni"], each["peer"]) for each in story()] == [
            ("learned", 42, "b"), ("moved", 42, "c"), ("aged", 42, "c")]
        assert all(set(each) == {"time", "event", "mac", "vni", "peer"} and each["time"].endswith("Z")
                   for each in events())


def test_monitor_tells_of_each_of_two_thousand_addresses_that_age_at_once(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "ageing": "4s"}])
    with RawPeer(lab.h2, agent) as b, monitor(agent) as events:
        listening(agent, events, b)
        for number in range(2_000):
            b.send_frame(ethernet(mac(0x10_0000 + number), length=60))
        known = agent.fdb()
        assert len(known) >= 1_900, "the kernel dropped the rest"

        def aged():
            return {each["mac"] for each in events() if each["event"] == "aged"}
        wait_until(lambda: aged() >= set(known), 15, "each of them is told to have aged")


def test_monitor_without_an_agent_says_so_and_exits_1(lab):
    done = lab.agent(start=False).ask("monitor")
    assert done.returncode == 1 and "vtep run" in done.stderr and done.stdout == ""


def test_fault_row_11_two_peers_claim_an_address_at_1_khz(lab, two_peers, figure):
    """Five table writes and one alarm, and no frame of others is lost. Full: 180 s, and the thaw after 30 s. Short:
    4 s, with a rate of at least 300 a second on a machine that is busy.
    """
    agent, b, c = two_peers
    seconds = 180 if full() else 4
    claims, others = ethernet(CLAIMED, length=100), ethernet(GUEST, length=100)
    with monitor(agent) as events, Packets(lab.h1, "vx42", f"ether proto {MARK}") as tap:
        listening(agent, events, b)
        tap.rest()
        before, number, began = agent.counters(), 0, time.monotonic()
        while time.monotonic() < began + seconds:
            (b, c)[number % 2].send_frame(claims)
            if number % 10 == 0:
                b.send_frame(others)
            number += 1
            time.sleep(max(0, began + number / 1000 - time.monotonic()))
        figure(f"{number / seconds:.0f} claims a second")
        assert number / seconds >= (950 if full() else 300)
        sent = number + (number + 9) // 10
        counted = agent.settled(before, underlay=sent)
        assert counted.dropped("underlay") == {} and counted.all["kernel-drops"] == 0
        assert counted.underlay["frames-out"] == sent, "frames from the claimed address are delivered, and all others"
        segment = agent.json("segments")[0]
        assert segment["fdb-moves"] <= 5 and segment["fdb-flapping"] == 1
        alarms = [each for each in events() if each["event"] == "flapping"]
        assert [(each["mac"], each["vni"]) for each in alarms] == [(mac_text(CLAIMED), 42)]
        assert agent.stderr().count("moves again and again") == 1
        told = explained(agent, CLAIMED)
        assert told["decision"] == "flood" and 0 < told["frozen-seconds"] <= 30
        for peer in (b, c):
            peer.rest()
        tap.send(ethernet(LOCAL, CLAIMED, length=100))
        assert b.receive() is not None and c.receive() is not None, "frames to it are flooded"
        tap.send(ethernet(LOCAL, GUEST, length=100))
        assert b.receive() is not None and c.rest() == [], "frames to others are not"
        if full():
            # One of them gives up: 30 s later the address is the other's.
            end = time.monotonic() + 34
            while time.monotonic() < end:
                c.send_frame(claims)
                time.sleep(0.1)
            assert entry(agent, CLAIMED) == ("c", "dynamic") and explained(agent, CLAIMED)["decision"] == "unicast"
