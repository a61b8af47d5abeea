"""What outlives an agent: nothing of its tables; its devices and sockets where a service manager keeps them. Row 47."""

import os
import socket
import time

from conftest import full
from frames import mac_text, mac
from host import wait_until
from long_stream import LongStream
from sealed import overlay
from service_manager import ServiceManager
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


def test_row_47_after_kill_9_the_table_is_learned_anew_and_frames_pass_within_two_seconds(lab, figure):
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


def test_row_47_no_mapping_is_older_than_the_ageing_time_whoever_restarts(lab, figure):
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
