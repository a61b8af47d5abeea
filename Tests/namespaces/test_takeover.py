"""`vtep run --takeover`: one agent takes over from another, and nobody on the overlay notices."""

import subprocess
import threading
import time

import pytest

from agent import vtep
from conftest import full
from frames import mac_text, mac
from host import wait_until
from long_stream import LongStream
from metrics import CONTROL, Page, fetch
from sealed import identities, overlay, sealed_agent, session_up
from succession import Succession, gap_of, leftovers
from test_workers import pair

RATE, PAUSE = 2_000, 0.5


def restarts():
    """How many there are of a row's hundred."""
    return 100 if full() else 10


def agents(lab, is_sealed, workers=1):
    """An agent on each host, with a session where the segment is sealed."""
    if not is_sealed:
        return pair(lab, workers)
    known = identities(lab)
    made = [sealed_agent(lab, name, known, workers=workers).start() for name in known]
    for agent in made:
        session_up(agent)
    return made


@pytest.mark.alone
@pytest.mark.parametrize("is_sealed", [False, True], ids=["plain", "sealed"])
def test_100_restarts_under_a_tcp_flow_reset_nothing(lab, is_sealed, numbered, figure):
    first, second = agents(lab, is_sealed)
    succession = Succession(first)
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), 10, "a ping is answered")
    gaps, count = [], restarts()
    with LongStream(lab.h1, lab.h2, overlay(2)) as stream:
        flows = [numbered.flow(lab, 1, 2, 1_000_000, RATE), numbered.flow(lab, 2, 1, 1_000_000, RATE)]
        for _ in range(count):
            carried = stream.carried()
            succession.follow()
            gaps.append(gap_of(first))
            wait_until(lambda: stream.carried() > carried + 100_000, 20, "the stream goes on")
            # As often as a peer answers one that begins anew each time.
            time.sleep(PAUSE)
        for flow in flows:
            flow.stop()
        results = [flow.finish() for flow in flows]
        figure(f"{'sealed' if is_sealed else 'plain'}: {count} restarts, {stream.finish()} bytes of TCP, none broken")
    lost = [sent - different for sent, different, _, _ in results]
    sent = [each for each, *_ in results]
    figure(f"lost of {RATE} frames/s each way: out {lost[0]} of {sent[0]}, in {lost[1]} of {sent[1]}; a restart "
           f"{sum(lost) / count:.1f}; nobody read for {sorted(gaps)[len(gaps) // 2]:.1f} ms, {max(gaps):.1f} at most")
    assert all(repeated == 0 for _, _, repeated, _ in results), results
    if is_sealed:
        # What was sealed for the session of before is lost until the new one is agreed on.
        assert sum(lost) <= count * RATE * 0.1, results
    else:
        assert lost == [0, 0], results
    assert leftovers(first) == []


@pytest.mark.parametrize("is_sealed", [False, True], ids=["plain", "sealed"])
def test_tables_and_counters_go_on_and_the_device_stays(lab, is_sealed):
    first, second = agents(lab, is_sealed)
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), 10, "a ping is answered")
    assert first.ask("fdb", "add", mac_text(mac(0xF00)), "--vni", 42, "--peer", first.config["peers"][0]["name"]
                     ).returncode == 0
    time.sleep(1.1)
    index, entries, before = lab.h1.link("vx42")["ifindex"], first.fdb(), first.counters()
    peers, segments = first.json("peers"), first.json("segments")
    pid = first.process.pid
    Succession(first).follow()
    after, later = first.counters(), first.fdb()
    assert first.json("status")["pid"] == first.process.pid != pid
    assert lab.h1.link("vx42")["ifindex"] == index
    assert set(later) == set(entries), (entries, later)
    for address, entry in entries.items():
        assert later[address]["state"] == entry["state"] and later[address].get("peer") == entry.get("peer"), address
    # What nobody speaks from has grown older, not young again.
    static = mac_text(mac(0xF00))
    assert later[static]["age-seconds"] >= entries[static]["age-seconds"] >= 1
    for side in ("overlay", "underlay"):
        for name in ("frames-in", "frames-out", "drops", "consumed"):
            assert after.all[side][name] >= before.all[side][name], (side, name, before, after)
    assert after.overlay["frames-in"] > 0
    first.check_identity()
    for one, other in zip(peers, first.json("peers")):
        assert other["rx-bytes"] >= one["rx-bytes"] > 0 and other["tx-bytes"] >= one["tx-bytes"] > 0
        assert other["path-mtu"] == one["path-mtu"] and other["last-receive-seconds"] is not None
    for one, other in zip(segments, first.json("segments")):
        assert other["rx-frames"] >= one["rx-frames"] > 0 and other["tx-frames"] >= one["tx-frames"] > 0
    assert first.ask("fdb", "del", static, "--vni", 42).returncode == 0
    first.stop()


def test_commands_find_an_agent_at_every_moment(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(1)}/24"]}])
    succession, ends, failures, count = Succession(agent), threading.Event(), [], 0

    def ask():
        nonlocal count
        while not ends.is_set():
            done = vtep("status", "--socket", agent.socket_path)
            count += 1
            if done.returncode != 0:
                failures.append(done.stderr)
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(5):
            succession.follow()
            asked = count
            wait_until(lambda: count > asked + 2, 20, "commands are answered")
    finally:
        ends.set()
        thread.join(30)
    assert failures == [] and count > 10
    assert leftovers(agent) == []


@pytest.mark.parametrize("workers", [[2, 2], [1, 2], [2, 1], [3, 2]], ids=lambda each: f"{each[0]} to {each[1]}")
def test_workers_take_over_their_queues_or_get_others(lab, workers):
    first, second = pair(lab, workers[0])
    succession = Succession(first)
    index = lab.h1.link("vx42")["ifindex"]
    before = first.counters()
    succession.follow(workers=workers[1])
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.2), 5, "a ping is answered")
    # With one worker a device has no queues to share, and is made anew when the other has gone.
    assert (lab.h1.link("vx42")["ifindex"] == index) == ((workers[0] > 1) == (workers[1] > 1))
    assert first.json("status")["workers"] == workers[1]
    assert first.counters().overlay["frames-in"] >= before.overlay["frames-in"]
    with LongStream(lab.h1, lab.h2, overlay(2)) as stream:
        succession.follow()
        carried = stream.carried()
        wait_until(lambda: stream.carried() > carried + 100_000, 20, "the stream goes on")
        stream.finish()
    first.stop()


def test_what_the_configuration_says_otherwise_is_made_or_goes(lab3):
    segments = [{"vni": number, "tap": f"vx{number}", "address": [f"10.{number}.0.1/24"]} for number in (42, 43)]
    segments[1]["bridge"] = "br43"
    agent = lab3.agent(segments=segments)
    lab3.h2.kernel_vxlan(42, [lab3.h1.address], addresses=["10.42.0.2/24"])
    wait_until(lambda: lab3.h1.ping("10.42.0.2", check=False, seconds=0.2), 10, "a ping is answered")
    index, before = lab3.h1.link("vx42")["ifindex"], agent.counters()
    assert lab3.h1.link("br43") is not None
    changed = [{"vni": 44, "tap": "vx44", "address": ["10.44.0.1/24"]},
               {**segments[0], "address": ["10.42.0.1/24", "10.42.0.11/24"], "mtu": 1400}]
    succession = Succession(agent)
    succession.follow(segments=changed, peers=agent.config["peers"][:1])
    wait_until(lambda: lab3.h1.link("vx43") is None and lab3.h1.link("br43") is None, 5, "what is gone is gone")
    link = lab3.h1.link("vx42")
    assert link["ifindex"] == index and link["mtu"] == 1400
    assert {each["local"] for each in link["addr_info"]} == {"10.42.0.1", "10.42.0.11"}
    assert lab3.h1.link("vx44") is not None and lab3.h1.ping("10.42.0.2")
    assert len(agent.json("peers")) == 1
    after = agent.counters()
    assert after.overlay["frames-in"] >= before.overlay["frames-in"]
    # And back: an address goes, a bridge is made, a name moves to another segment.
    segments = [{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]},
                {"vni": 45, "tap": "vx44", "bridge": "br45", "address": ["10.45.0.1/24"]}]
    succession.follow(segments=segments)
    wait_until(lambda: (lab3.h1.link("br45") or {}).get("addr_info"), 5, "the bridge has its address")
    assert {each["local"] for each in lab3.h1.link("vx42")["addr_info"]} == {"10.42.0.1"}
    assert {each["local"] for each in lab3.h1.link("br45")["addr_info"]} == {"10.45.0.1"}
    wait_until(lambda: (lab3.h1.link("vx44") or {}).get("master") == "br45", 5, "the TAP is a port of it")
    succession.follow()
    agent.stop()
    assert lab3.h1.link("br45") is None


def test_without_an_agent_it_starts_as_without_the_option(lab):
    agent = lab.agent(start=False)
    agent.launch(options=["--takeover"])
    wait_until(lambda: agent.process.poll() is not None or agent.ready(), 30, "the agent is ready")
    assert agent.ready(), agent.stderr()
    agent.stop()


def test_the_metrics_are_fetched_from_the_next_agent_as_soon_as_it_is_ready(lab):
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=[f"{overlay(2)}/24"])
    agent = lab.agent(control=CONTROL, segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(1)}/24"]}])
    assert lab.h1.ping(overlay(2))
    succession = Succession(agent)
    started = Page.of(lab.h1).sum("process_start_time_seconds")
    counted = 0
    for _ in range(3):
        counted = max(counted, Page.of(lab.h1).sum("vtep_frames_in_total", direction="overlay"))
        succession.follow()
        # It could not have the port before the other had ended, and says that it is ready only then.
        assert fetch(lab.h1, "/readyz")[0] == 200, agent.stderr()
        page = Page.of(lab.h1)
        assert page.sum("process_start_time_seconds") > started
        assert page.sum("vtep_frames_in_total", direction="overlay") >= counted > 0
        started = page.sum("process_start_time_seconds")
    assert "there are no metrics" not in agent.stderr()
