"""Changing an agent that runs: `vtep reload`, SIGHUP, and what is added and deleted by command."""

import contextlib
import copy
import json
import signal
import socket
import time

import pytest

from agent import vtep, yaml
from conftest import full
from frames import ethernet, mac_bytes
from host import inside, wait_until
from keys import Identity
from numbered import nothing_lost
from packets import Packets
from peer import RawPeer
from reloading import Invalid, changed, descriptors, reload, write_text
from sealed import Agreements, identities, overlay, sealed_agent, sealed_segment, session_up, sessions
from test_agent import until
from test_sealed_reload import hangup

ROUNDS = 100 if full() else 20
RATE, RATE_BACK = (50_000, 2_000) if full() else (4_000, 4_000)
GROWTH_MAX = 3 << 10  # KiB, while rounds go from a fifth to all: what a reload costs at its height comes back.


def plain_segment(number, **changes):
    """Segment 42 in clear, with the addresses of a sealed one."""
    segment = sealed_segment(number, **changes)
    del segment["sealed"]
    return segment


def two_agents(lab, is_sealed, **sections):
    """An agent on each host, with keys, segment 42 sealed or not, and every session up."""
    known = identities(lab)
    segment = sealed_segment if is_sealed else plain_segment
    agents = [sealed_agent(lab, name, known, [segment(int(name[1:]))], **sections) for name in known]
    for agent in agents:
        agent.config["peers"][0]["segments"] = [42]
        agent.start()
    for agent in agents:
        session_up(agent)
    lab.h1.ping(overlay(2))
    return agents


def variants(config):
    """Configurations one after the other: other segments and peers come, change and go; those of `config` stay."""
    def peer(number, **more):
        return {"name": f"x{number}", "address": f"192.0.2.{100 + number}", "segments": [42 if more else 50], **more}

    first = copy.deepcopy(config)
    first["segments"] += [{"vni": 50, "tap": "vx50"}, {"vni": 51, "tap": "vx51", "address": ["10.51.0.1/24"]}]
    first["peers"] += [peer(1), peer(2)]
    second = copy.deepcopy(first)
    second["segments"][1].update({"ageing": "30s", "storm-limit": 5, "vlan": "pass"})
    second["segments"][2].update({"tap": "vx52"})
    second["peers"][1].update({"fdb-limit": 9})
    second["peers"][2].update({"address": "192.0.2.150"})
    third = copy.deepcopy(first)
    del third["segments"][1:]
    del third["peers"][1:]
    third["segments"] += [{"vni": 50, "tap": "vx50", "bridge": "br50"}]
    third["peers"] += [{**peer(3), "segments": [50]}]
    third["log"] = {"level": "debug"}
    return first, second, third, config


def key_ages(agent):
    """How old the session with each peer is, in seconds, by the peer's name."""
    return {peer["name"]: peer["key-age-seconds"] for peer in agent.json("peers")}


@pytest.mark.long
@pytest.mark.parametrize("is_sealed", (False, True), ids=("plain", "sealed"))
def test_fault_row_46_reloads_half_of_them_invalid_cost_untouched_peers_nothing(lab, numbered, figure, is_sealed):
    agent, other = two_agents(lab, is_sealed)
    before_ages, began = key_ages(agent), time.monotonic()
    invalid, valid = Invalid(agent.config), variants(agent.config)
    known = set(agent.fdb())
    with contextlib.ExitStack() as stack:
        flows = [numbered.flow(lab, *ends, rate * 600, rate)
                 for ends, rate in (((1, 2), RATE), ((2, 1), RATE_BACK))]
        for flow in flows:
            stack.callback(flow.stop)
        sizes = []
        for number in range(ROUNDS // 2):
            text, line, words = invalid.kinds[number % len(invalid.kinds)]()
            write_text(agent, text)
            said = reload(agent, expected=78).stderr
            assert f"{agent.config_path}:{line}: " in said and words in said, f"line {line}, {words}: {said}"
            write_text(agent, yaml(valid[number % len(valid)]))
            assert reload(agent).stdout
            if number % len(valid) == len(valid) - 1:
                sizes.append((descriptors(agent), agent.memory()))
        agent.write()
        reload(agent)
        assert not any(flow.is_over() for flow in flows), "there was traffic all the time"
        for flow in flows:
            flow.stop()
        arrived, of_kernels = nothing_lost(flows, (agent, other))
    assert known <= set(agent.fdb()), "what was learned is still there"
    assert set(sessions(agent).values()) == {"up"} and "session is lost" not in agent.stderr()
    ages, elapsed = key_ages(agent), time.monotonic() - began
    if max(before_ages.values()) + elapsed < 115:  # after two minutes a session begins anew by itself
        assert all(ages[name] >= before_ages[name] + elapsed - 2 for name in ages), (before_ages, ages, elapsed)
    assert len({count for count, _ in sizes}) == 1, f"descriptors after rounds: {sizes}"
    growth = sizes[-1][1] - sizes[len(sizes) // 5][1]
    assert growth <= GROWTH_MAX, f"{growth} KiB more: {sizes}"
    figure(f"{ROUNDS} reloads, {ROUNDS // 2} of them invalid, {RATE} and {RATE_BACK} frames a second: "
           f"{arrived} frames, 0 lost by agents, {of_kernels} dropped by kernels; {sizes[-1][0]} descriptors, "
           f"{growth} KiB more")


def test_reload_and_sighup_tell_what_has_changed_and_the_service_manager_hears_of_it(lab):
    name = f"{lab.directory}/notify"
    with inside(lab.h1.namespace), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(30)
        agent = lab.agent(start=False)
        agent.start({"NOTIFY_SOCKET": name})
        until(manager, "READY=1")
        agent.config["segments"][0].update({"ageing": "30s", "mtu": 1300})
        agent.config["segments"].append({"vni": 43, "tap": "vx43"})
        agent.config["log"] = {"level": "debug", "format": "json"}
        told = changed(agent)
        assert told == ["segment 42: changed (mtu, ageing)", "segment 43: added", "log: changed (level, format)"]
        told = until(manager, "RELOADING=1")
        assert any(line.startswith("MONOTONIC_USEC=") and int(line[15:]) > 0 for line in told)
        assert "READY=1" in until(manager, "READY=1")
    assert lab.h1.link("vx42")["mtu"] == 1300 and lab.h1.link("vx43")
    assert [segment["vni"] for segment in agent.json("segments")] == [42, 43]
    entries = [json.loads(line) for line in agent.stderr().splitlines() if line.startswith("{")]
    assert any("reloaded" in str(entry) for entry in entries), "the log is in its new format"
    assert reload(agent).stdout == "nothing has changed\n"
    assert agent.json("reload") == {"changes": []}
    before = len(agent.stderr().splitlines())
    agent.config["segments"].pop()
    agent.write()
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: lab.h1.link("vx43") is None, 5, "the segment is gone")
    wait_until(lambda: "segment 43: removed" in "\n".join(agent.stderr().splitlines()[before:]), 5, "the log tells it")


def test_what_the_system_refuses_undoes_all_that_was_made_before(lab):
    agent = lab.agent()
    lab.h1.ip("link", "add", "taken", "type", "bridge")
    files = descriptors(agent)
    good = copy.deepcopy(agent.config)
    agent.config["segments"] += [{"vni": 43, "tap": "vx43", "bridge": "br43"}, {"vni": 44, "tap": "taken"}]
    agent.config["peers"] += [{"name": "x", "address": "192.0.2.77"}]
    agent.write()
    said = reload(agent, expected=1).stderr
    assert "taken" in said and "no TAP" in said
    wait_until(lambda: lab.h1.link("vx43") is None and lab.h1.link("br43") is None, 5, "nothing of it is left")
    assert descriptors(agent) == files
    assert [peer["name"] for peer in agent.json("peers")] == ["b"]
    agent.config["segments"][1:] = [{"vni": 43, "tap": "vx43", "mtu": 1451}]
    agent.write()
    said = reload(agent, expected=78).stderr
    line = yaml(agent.config).splitlines().index("    mtu: 1451") + 1
    assert f"{agent.config_path}:{line}: segment 43: mtu 1451 does not fit" in said, said
    agent.config = good
    agent.write()
    assert reload(agent).stdout == "nothing has changed\n"


class Underlay:
    """What leaves a host in clear or sealed, in order."""

    def __init__(self, host):
        self.host = host
        self.packets = Packets(host, "u0", f"src host {host.address} and (udp port 4789 or udp port 4790)",
                               incoming=False)

    def ports(self):
        """The destination ports of the segment's frames that left since the last call; what is no frame has no VNI."""
        frames = self.packets.rest(quiet=0)
        return [int.from_bytes(frame[36:38], "big") for frame in frames if int.from_bytes(frame[46:49], "big") == 42]


@pytest.mark.parametrize("to_sealed", (True, False), ids=("to sealed", "to plain"))
def test_a_flipped_segment_is_flushed_and_nothing_of_the_former_kind_leaves_or_enters(lab, numbered, to_sealed):
    agent, other = two_agents(lab, not to_sealed)
    assert any(entry.get("peer") == "h2" for entry in agent.fdb().values())
    underlay = Underlay(lab.h1)
    former, latter = (4789, 4790) if to_sealed else (4790, 4789)
    with contextlib.ExitStack() as stack:
        flows = [numbered.flow(lab, *ends, 2_000 * 60, 2_000) for ends in ((1, 2), (2, 1))]
        for flow in flows:
            stack.callback(flow.stop)
        wait_until(lambda: former in underlay.ports(), 5, "frames leave as they did")
        segment = sealed_segment if to_sealed else plain_segment
        told = changed(agent, segments=[segment(1)])
        assert told == ["segment 42: replaced (sealed)"]
        after = agent.counters()
        ports = underlay.ports()
        wait_until(lambda: latter in underlay.ports(), 5, "frames leave as they should")
        switch = ports.index(latter) if latter in ports else len(ports)
        assert former not in ports[switch:], "nothing of the former kind leaves after the first of the latter"
        assert former not in underlay.ports()
        assert all(entry.get("peer") != "h2" for entry in agent.fdb().values()), "the other end is not heard any more"
        reason = "plain-for-sealed" if to_sealed else "unknown-session"
        dropped = agent.settled(after, underlay=100).dropped("underlay")
        if to_sealed:
            assert dropped.get(reason, 0) > 0, dropped
        assert agent.settled(after, underlay=100).underlay["frames-out"] == 0, "nothing enters"
        changed(other, segments=[segment(2)])
        wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.3), 5, "both ends understand each other")
    for flow in flows:
        flow.stop()
    underlay.packets.close()


@pytest.mark.parametrize("is_found", (False, True), ids=("created", "found"))
def test_a_bridge_that_the_agent_created_goes_with_its_last_segment_and_a_found_one_stays(lab, is_found):
    if is_found:
        lab.h1.ip("link", "add", "br42", "type", "bridge")
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "bridge": "br42"}, {"vni": 43, "tap": "vx43"}])
    changed(agent, segments=[{"vni": 44, "tap": "vx44", "bridge": "br42"}, {"vni": 43, "tap": "vx43"}])
    assert lab.h1.link("vx44")["master"] == "br42" and lab.h1.link("vx42") is None
    changed(agent, segments=[{"vni": 43, "tap": "vx43"}])
    assert (lab.h1.link("br42") is not None) == is_found and lab.h1.link("vx44") is None


def test_addresses_mtu_and_tap_of_a_segment_follow(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24", "10.9.0.1/24"]}])

    def addresses(device):
        shown = json.loads(lab.h1.run("ip", "-j", "addr", "show", "dev", device).stdout)
        found = [each for each in shown[0]["addr_info"] if each["family"] == "inet"]
        return sorted(f"{each['local']}/{each['prefixlen']}" for each in found)

    index = lab.h1.link("vx42")["ifindex"]
    changed(agent, segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24", "10.8.0.1/24"], "mtu": 1200}])
    assert addresses("vx42") == ["10.42.0.1/24", "10.8.0.1/24"] and lab.h1.link("vx42")["mtu"] == 1200
    assert lab.h1.link("vx42")["ifindex"] == index, "it is the same device"
    changed(agent, segments=[{"vni": 42, "tap": "vx43", "address": ["10.42.0.1/24"]}])
    assert lab.h1.link("vx42") is None and addresses("vx43") == ["10.42.0.1/24"] and lab.h1.link("vx43")["mtu"] == 1450
    changed(agent, segments=[{"vni": 42, "tap": "vx43", "mac": "02:00:00:00:00:77", "bridge": "br9",
                              "address": ["10.42.0.1/24"]}])
    assert lab.h1.link("vx43")["address"] == "02:00:00:00:00:77" and lab.h1.link("vx43")["master"] == "br9"
    assert addresses("br9") == ["10.42.0.1/24"] and addresses("vx43") == []
    changed(agent, segments=[{"vni": 42, "tap": "vx43", "address": ["10.42.0.1/24"]}])
    assert lab.h1.link("br9") is None and "master" not in lab.h1.link("vx43")
    assert addresses("vx43") == ["10.42.0.1/24"]
    agent.config["segments"][0]["tap"] = "vx43"


def test_the_first_sealed_segment_and_the_first_keys_come_while_the_agents_run(lab):
    known = identities(lab)
    agents = [lab.agent(name, segments=[{"vni": 7, "tap": "vx7"}],
                        peers=[{"name": "other", "address": lab.hosts[other].address}])
              for name, other in (("h1", "h2"), ("h2", "h1"))]
    assert "sealing" not in agents[0].json("status")
    for agent, number, other in ((agents[0], 1, "h2"), (agents[1], 2, "h1")):
        agent.config["local"]["private-key-file"] = known[agent.host.name].path
        agent.config["peers"][0]["public-key"] = known[other].text
        changed(agent, segments=[{"vni": 7, "tap": "vx7"}, sealed_segment(number)])
    for agent in agents:
        session_up(agent)
    wait_until(lambda: lab.h1.ping(overlay(2), check=False, seconds=0.3), 5, "sealed frames pass")
    third = Identity(lab, "third")
    added = agents[0].ask("peer", "add", "c", "--address", "192.0.2.99", "--public-key", third.text)
    assert added.returncode == 0, added.stderr
    wait_until(lambda: sessions(agents[0]) == {"other": "up", "c": "handshake"}, 5, "the new peer is asked")
    own = agents[0].ask("peer", "add", "d", "--address", "192.0.2.98", "--public-key", known["h1"].text)
    assert own.returncode == 1 and "own public key" in own.stderr
    del agents[0].config["local"]["private-key-file"]
    agents[0].write()
    assert reload(agents[0], expected=78).returncode == 78


def test_another_key_of_a_peer_begins_its_session_anew_and_no_other(lab3):
    known = identities(lab3)
    agents = {name: sealed_agent(lab3, name, known).start() for name in known}
    for agent in agents.values():
        session_up(agent)
    fresh = Identity(lab3, "fresh")
    with open(fresh.path, "rb") as source, open(known["h2"].path, "wb") as target:
        target.write(source.read())
    with Agreements(lab3.h1) as agreements:
        hangup(agents["h2"], "private-key=changed")
        for name in ("h1", "h3"):
            peer = next(each for each in agents[name].config["peers"] if each["name"] == "h2")
            peer["public-key"] = fresh.text
            assert changed(agents[name]) == ["peer h2: replaced (public-key)"]
        for agent in agents.values():
            session_up(agent)
        assert lab3.h1.ping(overlay(2)) and lab3.h1.ping(overlay(3))
        agreements.seen()
        assert set(agreements.with_other) == {lab3.h2.address}


def test_what_is_added_by_command_carries_frames_survives_a_reload_and_goes_by_the_file_where_that_names_it(lab):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}], peers=[])
    other = lab.agent("h2", segments=[{"vni": 43, "tap": "vx43", "address": ["10.43.0.2/24"]}])

    def ask(*arguments, status=0):
        done = agent.ask(*arguments)
        assert done.returncode == status and done.stdout == "", f"{arguments}: {done}"
        return done.stderr

    ask("segment", "add", "--vni", 43, "--tap", "vx43", "--address", "10.43.0.1/24")
    ask("peer", "add", "b", "--address", lab.h2.address)
    assert lab.h1.ping("10.43.0.2")
    assert "has the name b already" in ask("peer", "add", "b", "--address", "192.0.2.9", status=1)
    assert "has the VNI 43 already" in ask("segment", "add", "--vni", 43, "--tap", "vx9", status=1)
    assert "local.address" in ask("peer", "add", "z", "--address", lab.h1.address, status=1)
    assert "no peer has the name z" in ask("peer", "del", "z", status=1)
    assert "no segment has VNI 99" in ask("segment", "del", "--vni", 99, status=1)
    ask("fdb", "add", "02:00:00:00:00:55", "--vni", 43, "--peer", "b")
    assert reload(agent).stdout == "nothing has changed\n"
    assert lab.h1.ping("10.43.0.2") and "02:00:00:00:00:55" in agent.fdb(43)
    agent.config["peers"] = [{"name": "c", "address": lab.h2.address}]
    agent.write()
    said = reload(agent, expected=78).stderr
    assert "peer b, added at run time" in said and "used already in line" in said, said
    told = changed(agent, peers=[{"name": "b", "address": lab.h2.address, "fdb-limit": 50}])
    assert told == ["peer b: changed (fdb-limit)"] and "02:00:00:00:00:55" in agent.fdb(43)
    told = changed(agent, peers=[{"name": "b", "address": lab.h2.address, "port": 4799}])
    assert told == ["peer b: replaced (port, fdb-limit)"] and "02:00:00:00:00:55" in agent.fdb(43), "it was set by hand"
    ask("peer", "del", "b")
    assert agent.json("peers") == [] and "02:00:00:00:00:55" not in agent.fdb(43), "its MACs go with it"
    assert changed(agent, peers=[{"name": "b", "address": lab.h2.address}]) == ["peer b: added"]
    assert lab.h1.ping("10.43.0.2")
    ask("segment", "del", "--vni", 43)
    assert lab.h1.link("vx43") is None and [each["vni"] for each in agent.json("segments")] == [42]
    other.check_identity()


def test_the_interface_takes_the_keys_of_the_configuration_over_http(lab):
    agent = lab.agent()

    def curl(method, path, body=None):
        done = lab.h1.run("curl", "-s", "-X", method, "--unix-socket", agent.socket_path, f"http://vtep{path}",
                          *(("-d", body if isinstance(body, str) else json.dumps(body)) if body is not None else ()))
        return json.loads(done.stdout)

    assert curl("POST", "/v1/peers", {"name": "c", "address": "192.0.2.3", "segments": [42]}) == {
        "changes": [{"kind": "peer", "name": "c", "change": "added"}]}
    refused = curl("POST", "/v1/peers", {"name": "d", "address": "192.0.2.4", "colour": "red"})
    assert refused["error"]["code"] == "refused" and "unknown key" in refused["error"]["message"]
    assert curl("POST", "/v1/peers", "nonsense")["error"]["code"] == "refused"
    assert curl("POST", "/v1/segments", {"vni": 43, "tap": "vx43", "peers": ["c"]})["changes"][0]["vni"] == 43
    assert [peer["name"] for peer in agent.json("peers")] == ["b", "c"]
    assert curl("DELETE", "/v1/segments/43")["changes"] == [
        {"kind": "segment", "vni": 43, "change": "removed"},
        {"kind": "peer", "name": "c", "change": "changed", "keys": ["segments"], "effect": "live"}]
    assert curl("DELETE", "/v1/peers/c")["changes"][0]["change"] == "removed"
    assert curl("DELETE", "/v1/peers/c")["error"]["code"] == "unknown-peer"
    assert curl("POST", "/v1/reload") == {"changes": []}


def test_learned_entries_of_what_stays_stay_and_of_what_goes_go(lab3):
    agent = lab3.agent()
    addresses = {name: f"02:00:00:00:0{number}:01" for number, name in enumerate("bc", 1)}
    for name, host in zip("bc", (lab3.h2, lab3.h3)):
        with RawPeer(host, agent) as peer:
            peer.send_frame(ethernet(mac_bytes(addresses[name])))
    wait_until(lambda: set(agent.fdb()) == set(addresses.values()), 5, "both are learned")
    agent.config["segments"][0].update({"fdb-limit": 100, "dscp": 7, "storm-limit": 9})
    changed(agent)
    assert set(agent.fdb()) == set(addresses.values())
    changed(agent, peers=agent.config["peers"][:1])
    assert set(agent.fdb()) == {addresses["b"]}
    agent.config["segments"][0]["learning"] = False
    changed(agent)
    assert agent.fdb() == {}


def test_commands_without_an_agent_say_so():
    for arguments in (("reload",), ("peer", "del", "b"), ("segment", "del", "--vni", "1")):
        done = vtep(*arguments, "--socket", "/nonexistent/vtep.sock")
        assert done.returncode == 1 and "no agent listens" in done.stderr


def test_a_reload_of_many_changes_tells_of_ten_of_them_in_the_log_and_counts_the_others(lab):
    agent = lab.agent()
    told = changed(agent, peers=agent.config["peers"] + [{"name": f"x{number}", "address": f"192.0.2.{number}"}
                                                         for number in range(100, 140)])
    assert len(told) == 40
    lines = [line for line in agent.stderr().splitlines() if "message=changed" in line]
    assert len(lines) == 11 and "more-changes=30" in lines[-1], lines
    assert "changes=40" in agent.stderr()
