"""What outlives an agent: nothing of its tables; its devices and sockets where a service manager keeps them. Row 47."""

import os
import socket
import time

import pytest

from conftest import full
from frames import ethernet, mac_text, mac
from host import wait_until
from long_stream import LongStream
from packets import Packets
from sealed import identities, overlay, sealed_agent
from service_manager import ServiceManager
from stopped_thread import stopped, thread_named
from succession import Succession
from test_workers import pair

STORED = {"tap-42-0", "udp-plain-0"} | {f"udp-source-{number}" for number in range(64)}


def answered(lab, seconds):
    """Waits until a ping is answered."""
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.1), seconds, "a ping is answered", every=0.01)


def started(lab, manager, workers=1):
    """Agents on both hosts, that of h1 a service of the manager."""
    agents = [lab.agent(f"h{number}", start=False, workers=workers,
                        segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"]}])
              for number in (1, 2)]
    agents[0].start(manager.environment())
    agents[1].start()
    answered(lab, 10)
    return agents


def again(agent, manager, more=()):
    """Starts the agent as the manager does after its end, with what it keeps."""
    agent.start(manager.environment(), prefix=manager.hand_back(more))


def test_fault_row_47_after_kill_9_the_table_is_learned_anew_and_frames_pass_within_two_seconds(lab, figure):
    agent, other = pair(lab, 1)
    stale = mac_text(mac(0xDEAD))
    assert agent.ask("fdb", "add", stale, "--vni", 42, "--peer", "b").returncode == 0
    assert len(agent.fdb()) > 1
    times = []
    for _ in range(5 if full() else 2):
        agent.kill()
        assert lab.h1.link("vx42") is None
        began = time.monotonic()
        agent.start()
        answered(lab, 2)
        times.append(time.monotonic() - began)
        # Nothing of before is believed.
        assert stale not in agent.fdb()
    figure(f"from the start after kill -9 to an answered ping: {max(times) * 1000:.0f} ms at most")
    other.stop()


def test_fault_row_47_no_mapping_is_older_than_the_ageing_time_whoever_restarts(lab, figure):
    ageing = 300 if full() else 4
    segment = {"vni": 42, "tap": "vx42", "ageing": f"{ageing}s"}
    agent = lab.agent("h1", segments=[{**segment, "address": [f"{overlay(1)}/24"]}])
    other = lab.agent("h2", segments=[{**segment, "address": [f"{overlay(2)}/24"]}])
    answered(lab, 10)
    station = lab.h1.mac("vx42")
    seen = time.monotonic()
    assert other.fdb()[station]["state"] == "dynamic"
    agent.kill()
    # Taking over carries the age: what is taken over is not young again.
    Succession(other).follow()
    assert station in other.fdb()
    wait_until(lambda: station not in other.fdb(), ageing + 15, "the mapping has aged")
    age = time.monotonic() - seen
    figure(f"with ageing {ageing} s a mapping of an agent that was killed went after {age:.1f} s")
    assert age <= ageing + max(1, ageing / 10) + 3


def test_devices_and_sockets_are_kept_by_the_service_manager_and_come_back(lab, figure):
    with ServiceManager(lab) as manager:
        agent, _ = started(lab, manager)
        wait_until(lambda: manager.names() == STORED, 10, f"all is kept: {manager.names() ^ STORED}")
        assert manager.heard("READY", "1")
        index = lab.h1.link("vx42")["ifindex"]
        with LongStream(lab.h1, lab.h2, overlay(2)) as stream:
            for _ in range(3):
                wait_until(lambda: stream.carried() > 0, 10, "the stream goes")
                agent.kill()
                # Nobody reads: it is there all the same.
                assert lab.h1.link("vx42")["ifindex"] == index
                again(agent, manager)
                carried = stream.carried()
                wait_until(lambda: stream.carried() > carried + 100_000, 10, "the stream goes on")
            figure(f"kill -9 and a start with kept descriptors, 3 times: {stream.finish()} bytes of TCP, none broken")
        assert lab.h1.link("vx42")["ifindex"] == index
        wait_until(lambda: manager.names() == STORED, 10, "all is kept still")
        # The table was not kept.
        assert "does not fit" not in agent.stderr()


def test_kept_descriptors_that_do_not_fit_are_closed_and_made_anew(lab):
    with ServiceManager(lab) as manager:
        agent, _ = started(lab, manager)
        wait_until(lambda: manager.names() == STORED, 10, "all is kept")
        agent.kill()
        agent.config["segments"] = [{"vni": 42, "tap": "vx42b", "address": [f"{overlay(1)}/24"]},
                                    {"vni": 43, "tap": "vx43"}]
        agent.config["local"]["source-ports"] = 8
        strange = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with strange:
            again(agent, manager, [("tap-43-0", os.dup(strange.fileno())), ("udp-sealed-0", os.dup(strange.fileno())),
                                   ("stored", os.dup(strange.fileno()))])
        answered(lab, 5)
        said = agent.stderr()
        assert "tap=vx42b" in said and said.count("does not fit") == 3, said
        wanted = {"tap-42-0", "tap-43-0", "udp-plain-0"} | {f"udp-source-{number}" for number in range(8)}
        wait_until(lambda: manager.names() == wanted, 10, f"what changed is kept otherwise: {manager.names() ^ wanted}")
        wait_until(lambda: lab.h1.link("vx42") is None, 5, "nobody holds the device of before")
        # Other workers, other kinds of devices: all is made anew that has to be.
        agent.kill()
        agent.config["workers"] = 2
        again(agent, manager)
        answered(lab, 5)
        wait_until(lambda: {"tap-42-1", "udp-plain-1"} <= manager.names(), 10, "a worker's own is kept, too")


def test_what_a_command_deletes_is_kept_no_longer_and_what_it_adds_is(lab):
    with ServiceManager(lab) as manager:
        agent, _ = started(lab, manager)
        for number in (43, 44):
            assert agent.ask("segment", "add", "--vni", number, "--tap", f"vx{number}").returncode == 0
        wanted = STORED | {"tap-43-0", "tap-44-0"}
        wait_until(lambda: manager.names() == wanted, 10, f"all is kept: {manager.names() ^ wanted}")
        assert agent.ask("segment", "del", "--vni", 43).returncode == 0
        wanted.remove("tap-43-0")
        wait_until(lambda: manager.names() == wanted, 10, f"the rest is kept: {manager.names() ^ wanted}")
        assert lab.h1.link("vx43") is None, "nobody holds the device"


def restarted(agent, manager, send):
    """The agent is killed, and started as the configuration is then. Nobody reads what is sent meanwhile."""
    agent.kill()
    send()
    agent.config["segments"][0]["sealed"] = False
    again(agent, manager)


def followed(agent, manager, send):
    """Another agent takes over. The worker, which is held, stands still for it before it has read what is sent."""
    succession = Succession(agent, manager.environment())
    with stopped(thread_named(agent.process.pid, "vtep-worker-0")):
        before = succession.launch(segments=[{**agent.config["segments"][0], "sealed": False}])
        wait_until(lambda: os.path.exists(agent.socket_path + ".next"), 20, "the next one is starting", every=0.002)
        send()
        # For so long a worker is waited for, and less.
        time.sleep(1)
    succession.wait(before)


@pytest.mark.parametrize("way", (restarted, followed), ids=("killed", "followed"))
def test_what_waited_in_a_sealed_segment_does_not_leave_in_clear_when_it_becomes_a_plain_one(lab, way):
    secret, later, count = b"not meant to leave in clear", b"meant to leave in clear", 50
    with ServiceManager(lab) as manager:
        agent = sealed_agent(lab, "h1", identities(lab)).start(manager.environment())
        wait_until(lambda: "tap-42-0" in manager.names(), 10, "the device is kept")
        with Packets(lab.h1, "vx42") as tap, Packets(lab.h1, "u0", "udp", incoming=False) as wire:
            left = []

            def send():
                for _ in range(count):
                    tap.send(ethernet(mac(0xA1), payload=secret, length=100))

            def has_left():
                tap.send(ethernet(mac(0xA1), payload=later, length=100))
                left.extend(wire.rest(quiet=0.05))
                return any(later in each for each in left)
            way(agent, manager, send)
            wait_until(has_left, 10, "the segment carries frames in clear")
            assert not any(secret in each for each in left), "what waited has left in clear"
            assert agent.counters().overlay["frames-in"] < count, "it did wait, and nobody has read it"


def test_descriptors_meant_for_another_process_are_left_alone(lab):
    agent = lab.agent(start=False)
    agent.start({"LISTEN_FDS": "1", "LISTEN_FDNAMES": "udp-plain-0", "LISTEN_PID": "1"})
    assert "does not fit" not in agent.stderr()
    agent.stop()


def test_the_service_manager_hears_which_process_is_the_main_one(lab):
    with ServiceManager(lab) as manager:
        agent, _ = started(lab, manager)
        wait_until(lambda: manager.names() == STORED, 10, "all is kept")
        succession = Succession(agent, manager.environment())
        told = len(manager.told)
        succession.follow()
        wait_until(lambda: any("READY" in each for each in manager.told[told:]), 10, "the next one is ready")
        said = manager.told[told:]
        # What is kept is what the new one has, so nothing is said of it.
        assert manager.names() == STORED and not any("FDNAME" in each for each in said), said
        # The old one says it, whom the manager believes, and the new one, which is ready.
        assert [each.get("MAINPID") for each in said if "MAINPID" in each] == [str(agent.process.pid)] * 2, said
        assert any(each.get("READY") == "1" for each in said)
        assert not any("STOPPING" in each for each in said), said
        agent.check_identity()
        agent.forget()
        agent.process.terminate()
        assert agent.process.wait(timeout=20) == 0
        wait_until(lambda: manager.heard("STOPPING"), 5, "the end is told")


def test_one_that_takes_over_tells_the_watchdog_of_a_service_that_told_it_of_none(lab):
    with ServiceManager(lab) as manager:
        agent, _ = started(lab, manager)
        time.sleep(1.5)
        assert not manager.heard("WATCHDOG"), "nobody has asked for it"
        Succession(agent, manager.environment()).follow()
        wait_until(lambda: manager.heard("WATCHDOG", "1"), 10, "the one that took over tells that it goes on")
