"""What `fdb`, `peers`, `segments`, `stats` and `drops` say with -j: the names of the contract, and true values."""

import pytest

from frames import ethernet, mac, mac_text
from packets import Packets
from peer import RawPeer

SIDE = {"frames-in", "frames-out", "drops", "consumed", "waiting", "generated", "flood-copies", "flood-copy-drops"}
REASONS = set("""fragment truncated short-header no-vni-flag reserved-bits unknown-peer unknown-vni plain-for-sealed
    not-permitted short-frame oversize vlan-tag invalid-source-mac own-source-mac static-move ecn tap-full tap-down
    framing handshake unknown-session replay authentication bad-offload loop storm-limit no-peer too-big no-session
    socket-full underlay-error""".split())
both = pytest.mark.parametrize("workers", (1, 2))
GUEST, LOCAL, PINNED = mac(0xB0B), mac(0xA1), mac(0x57A7)


def populated(lab, workers):
    """An agent with one static, one learned and one local entry."""
    pinned = [{"mac": mac_text(PINNED), "peer": "b"}]
    agent = lab.agent(workers=workers, segments=[{"vni": 42, "tap": "vx42", "fdb": pinned}])
    before = agent.counters()
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        peer.send_frame(ethernet(GUEST, length=100), times=3)
        tap.send(ethernet(LOCAL, GUEST, length=200))
        agent.settled(before, underlay=3, overlay=1)
    return agent


@both
def test_fdb_has_the_names_and_values_of_the_contract(lab, workers):
    agent = populated(lab, workers)
    entries = agent.fdb()
    assert set(entries) == {mac_text(GUEST), mac_text(LOCAL), mac_text(PINNED)}
    learned = entries[mac_text(GUEST)]
    assert set(learned) == {"mac", "vni", "peer", "address", "state", "age-seconds"}
    assert (learned["vni"], learned["peer"], learned["state"]) == (42, "b", "dynamic")
    assert learned["address"] == lab.h2.address
    assert 0 <= learned["age-seconds"] < 5
    assert {"mac", "vni", "state"} <= set(entries[mac_text(LOCAL)]) <= {"mac", "vni", "state", "age-seconds"}
    assert entries[mac_text(LOCAL)]["state"] == "dynamic"
    pinned = entries[mac_text(PINNED)]
    assert {"mac", "vni", "peer", "address", "state"} <= set(pinned) <= set(learned)
    assert (pinned["peer"], pinned["state"]) == ("b", "static")


@both
def test_peers_has_the_names_and_values_of_the_contract(lab, workers):
    peers = populated(lab, workers).json("peers")
    assert len(peers) == 1
    peer = peers[0]
    assert set(peer) == {"name", "address", "session", "cipher", "key-age-seconds", "endpoint", "path-mtu",
                         "path-mtu-source", "last-receive-seconds", "rx-bytes", "tx-bytes"}
    assert peer["path-mtu-source"] == "route"
    assert [peer[name] for name in ("cipher", "key-age-seconds", "endpoint")] == [None] * 3, "nothing is sealed here"
    assert (peer["name"], peer["address"], peer["session"], peer["path-mtu"]) == ("b", lab.h2.address, "none", 1500)
    assert 0 <= peer["last-receive-seconds"] < 5
    assert peer["rx-bytes"] >= 300 and peer["tx-bytes"] >= 200


@both
def test_segments_has_the_names_and_values_of_the_contract(lab, workers):
    segments = populated(lab, workers).json("segments")
    assert segments == [{"vni": 42, "tap": "vx42", "mtu": 1450, "sealed": False, "fdb-entries": 3, "fdb-moves": 0,
                         "fdb-flapping": 0, "fdb-refused": 0, "neighbors": 0, "rx-frames": 3, "tx-frames": 1,
                         "rx-bytes": 300, "tx-bytes": 200}]


@both
def test_stats_has_the_names_of_the_contract_three_times_and_the_sums_agree(lab, workers):
    stats = populated(lab, workers).json("stats")
    assert set(stats) == SIDE | {"overlay", "underlay", "kernel-drops", "batches"}
    for side in ("overlay", "underlay"):
        assert SIDE - {"generated"} <= set(stats[side]) | {"flood-copies", "flood-copy-drops"}
        assert set(stats[side]) <= SIDE | {"kernel-drops"}
    assert (stats["overlay"]["frames-in"], stats["underlay"]["frames-in"], stats["frames-in"]) == (1, 3, 4)
    assert (stats["frames-out"], stats["drops"], stats["waiting"], stats["consumed"]) == (4, 0, 0, 0)


@both
def test_drops_has_the_reasons_of_the_contract_in_total_and_by_side(lab, workers):
    agent = populated(lab, workers)
    before = agent.counters()
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        peer.send(b"short", times=2)
        peer.send_frame(ethernet(b"\x01" * 6), times=3)
        tap.send(ethernet(b"\x01" * 6))
        agent.settled(before, underlay=5, overlay=1)
    drops = agent.json("drops")
    sides = {"overlay", "underlay"}
    assert sides <= set(drops) and set(drops) - sides <= REASONS
    for side in sides:
        assert set(drops[side]) <= REASONS
    totals = {reason: count for reason, count in drops.items() if reason not in sides and count}
    assert totals == {"short-header": 2, "invalid-source-mac": 4}


@both
def test_status_and_the_tables_for_people_are_printed_without_error(lab, workers):
    agent = populated(lab, workers)
    assert isinstance(agent.json("status"), dict)
    for command in ("status", "fdb", "peers", "segments", "stats", "drops"):
        shown = agent.ask(command)
        assert shown.returncode == 0 and shown.stdout.strip() and "\x1b" not in shown.stdout, command
    assert mac_text(GUEST) in agent.ask("fdb").stdout
    assert lab.h2.address in agent.ask("peers").stdout
    assert "vx42" in agent.ask("segments").stdout


def test_a_command_without_an_agent_says_so_and_exits_1(lab):
    agent = lab.agent(start=False)
    done = agent.ask("stats", "-j")
    assert done.returncode == 1 and agent.socket_path in done.stderr and done.stdout == ""
