"""The agent as a process: readiness, its TAPs, its end, and what it refuses."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from agent import binary
from host import inside, wait_until
from lab import Lab
from stopwatch import Stopwatch
from usage import share_of_a_core


AS_NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all")
"""What runs a command as a user without any right."""


def addressed(lab, **segment):
    """An agent with 10.42.0.1 and fd42::1 on its TAP, and the kernel's VTEP with .2 on h2."""
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    return lab.agent(start=False, segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"], **segment}])


def test_ready_means_that_the_overlay_works(lab):
    agent = addressed(lab).start()
    assert os.path.exists(agent.socket_path)
    assert agent.json("status") is not None
    assert lab.h1.ping("10.42.0.2")


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT), ids=lambda number: number.name)
def test_a_signal_ends_it_with_0_and_nothing_stays(lab, number):
    agent = addressed(lab).start()
    assert lab.h1.ping("10.42.0.2")
    agent.stop(number)
    with lab.h1.bound(socket.SOCK_DGRAM, lab.h1.address, 4789):
        pass  # the port is free again


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT), ids=lambda number: number.name)
def test_a_signal_ends_it_while_it_waits_for_its_configuration(tmp_path, number):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with subprocess.Popen([binary(), "run", "--config", path], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        try:
            time.sleep(0.3)
            assert process.poll() is None
            watch = Stopwatch()
            process.send_signal(number)
            process.wait(timeout=20)
            assert watch.seconds() <= 2
        finally:
            process.kill()


def test_after_a_restart_there_is_traffic_within_two_seconds(lab):
    agent = addressed(lab).start()
    assert lab.h1.ping("10.42.0.2")
    agent.stop()
    agent.start()
    wait_until(lambda: lab.h1.ping("10.42.0.2", check=False, seconds=0.2), 2, "a ping is answered")


def test_after_a_kill_the_next_start_works_and_replaces_what_was_left(lab):
    agent = addressed(lab).start()
    agent.kill()
    wait_until(lambda: lab.h1.link("vx42") is None, 5, "the TAP goes with its process")
    agent.start()
    assert lab.h1.ping("10.42.0.2")


@pytest.mark.parametrize("abstract", (False, True), ids=("path", "abstract"))
def test_the_service_manager_is_told_of_the_start_and_the_end(lab, abstract):
    name = f"{lab.directory}/notify"
    with inside(lab.h1.namespace), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name if abstract else name)
        manager.settimeout(30)
        agent = addressed(lab).start({"NOTIFY_SOCKET": ("@" if abstract else "") + name})
        assert "READY=1" in until(manager, "READY=1")
        agent.stop()
        assert "STOPPING=1" in until(manager, "STOPPING=1")


def until(manager, line):
    """Reads notifications until one has the line; returns its lines."""
    while True:
        lines = manager.recv(4096).decode().split("\n")
        if line in lines:
            return lines


@pytest.mark.parametrize("different", ((), ("control",), ("control", "tap"), ("tap",)),
                         ids=lambda names: "+".join(names) or "same")
def test_fault_row_44_a_second_instance_is_refused_at_once_and_the_first_is_unharmed(lab, different, figure):
    first = addressed(lab).start()
    second = lab.agent(start=False, segments=[{"vni": 42, "tap": "vx43" if "tap" in different else "vx42"}],
                       control={} if "control" in different else {"socket": first.socket_path})
    watch = Stopwatch()
    second.launch()
    status = second.process.wait(timeout=30)
    taken = watch.seconds()
    assert status not in (0, None) and taken <= 1
    assert second.stderr().strip() and not second.ready()
    assert lab.h1.ping("10.42.0.2") and first.json("segments")[0]["tap"] == "vx42"
    assert "tap" not in different or lab.h1.link("vx43") is None
    figure(f"ended with {status} after {1000 * taken:.0f} ms")


def test_without_the_right_to_make_devices_it_says_what_is_missing(lab):
    agent = addressed(lab)
    agent.write()
    program = shutil.copy(binary(), f"{lab.directory}/vtep")
    os.chmod(program, 0o755)
    done = lab.h1.run(*AS_NOBODY, program, "run", "--config", agent.config_path, check=False)
    assert done.returncode == 1, done
    assert "root" in done.stderr or "CAP_NET_ADMIN" in done.stderr, done.stderr


def test_the_tap_has_everything_that_the_configuration_says(lab):
    lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=0)
    lab.agent(segments=[{"vni": 42, "tap": "tenant-blue", "mac": "02:00:00:00:00:01", "mtu": 1400,
                         "address": ["10.42.0.1/24", "fd42::1/64"]}])
    link = lab.h1.link("tenant-blue")
    assert link["linkinfo"]["info_kind"] == "tun" and link["linkinfo"]["info_data"]["type"] == "tap"
    assert (link["address"], link["mtu"]) == ("02:00:00:00:00:01", 1400)
    # Of frames: long enough for the bursts of small ones, and superframes that fill one send each.
    assert link["txqlen"] == 5_000 and link["gso_max_size"] <= 65_507
    assert "UP" in link["flags"]
    addresses = {(each["local"], each["prefixlen"]) for each in link["addr_info"] if each["scope"] == "global"}
    assert addresses == {("10.42.0.1", 24), ("fd42::1", 64)}


def test_the_default_mac_is_local_and_the_same_after_every_restart_and_differs_by_vni_and_host(lab):
    segments = [{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}]
    agent = lab.agent(segments=segments)
    macs = [lab.h1.mac(tap) for tap in agent.taps]
    agent.stop()
    agent.start()
    assert [lab.h1.mac(tap) for tap in agent.taps] == macs
    lab.agent("h2", segments=segments)
    macs += [lab.h2.mac(tap) for tap in agent.taps]
    assert len(set(macs)) == 4
    assert all(int(each[:2], 16) & 3 == 2 for each in macs), macs


@pytest.mark.parametrize("family, underlay, overlay", (("v4", 1500, 1450), ("v6", 1500, 1430), ("v4", 9000, 8950),
                                                       ("v6", 9000, 8930)))
def test_the_automatic_mtu_is_what_the_underlay_can_carry(family, underlay, overlay):
    with Lab(family=family, mtu=underlay) as lab:
        agent = lab.agent()
        assert lab.h1.link("vx42")["mtu"] == overlay
        assert agent.json("segments")[0]["mtu"] == overlay


@pytest.mark.parametrize("family, fits", (("v4", 1450), ("v6", 1430)))
def test_a_fixed_mtu_is_refused_where_it_does_not_fit_naming_the_largest_that_does(family, fits):
    with Lab(family=family) as lab:
        agent = lab.agent(start=False, segments=[{"vni": 42, "tap": "vx42", "mtu": fits + 1}])
        agent.launch()
        assert agent.process.wait(timeout=30) == 78
        with open(agent.config_path, encoding="utf-8") as file:
            line = next(number for number, text in enumerate(file, 1) if "mtu:" in text)
        assert str(fits) in agent.stderr() and agent.stderr().startswith(f"{agent.config_path}:{line}: ")
        assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)
        lab.agent(segments=[{"vni": 42, "tap": "vx42", "mtu": fits}])
        assert lab.h1.link("vx42")["mtu"] == fits


@pytest.mark.parametrize("underlay, accepted", ((1330, True), (1329, False)))
def test_an_automatic_mtu_too_small_for_the_ipv6_address_is_refused(underlay, accepted):
    with Lab(mtu=underlay) as lab:
        lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=0)
        agent = lab.agent(start=False, segments=[{"vni": 42, "tap": "vx42", "address": ["fd42::1/64"]}])
        if accepted:
            agent.start()
            return
        agent.launch()
        assert agent.process.wait(timeout=30) == 78
        assert "1280" in agent.stderr() and "1330" in agent.stderr()
        assert lab.h1.link("vx42") is None


def test_the_control_socket_is_for_owner_and_group_only(lab):
    agent = lab.agent()
    mode = os.stat(agent.socket_path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(agent.socket_path)


def test_another_user_gets_no_answer_from_the_control_socket(lab):
    agent = lab.agent()
    os.chmod(agent.socket_path, 0o666)  # past the file's mode, to the agent's own check
    program = shutil.copy(binary(), f"{lab.directory}/vtep")
    os.chmod(program, 0o755)
    line = [program, "stats", "-j", "--socket", agent.socket_path]
    done = subprocess.run([*AS_NOBODY, *line], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.strip(), done
    assert subprocess.run(line, capture_output=True, timeout=10).returncode == 0


@pytest.mark.alone
def test_an_idle_agent_uses_less_than_a_hundredth_of_a_core(lab):
    agent = lab.agent()
    time.sleep(0.5)
    assert share_of_a_core(agent.process, 3) <= 0.01
