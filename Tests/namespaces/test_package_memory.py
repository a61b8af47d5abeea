"""What the packaged program keeps in memory: with many peers and segments, and for each address that it has learned."""

import random

import pytest

from conftest import full
from frames import ethernet, mac, vxlan
from host import wait_until
from keys import Identity
from test_faults import blasted
from test_idle import crowded

pytestmark = [pytest.mark.package, pytest.mark.alone]

PEERS, SEGMENTS, RESIDENT = 1_000, 100, 30_000_000
PER_ENTRY = 64
ENTRIES = 1_000_000 if full() else 200_000


@pytest.mark.parametrize("sealed", (False, True), ids=("plain", "sealed"))
def test_many_peers_and_segments_take_thirty_megabytes_at_most(lab, sealed, figure):
    agent = crowded(lab, PEERS, SEGMENTS, Identity(lab, "h1") if sealed else None, sealed=sealed)
    readings = [agent.memory()]
    for _ in range(20):
        for command in ("status", "segments", "peers", "stats", "drops", "fdb"):
            agent.json(command)
    readings.append(agent.memory())
    figure(f"{PEERS} peers, {SEGMENTS} segments, {'sealed' if sealed else 'plain'}: "
           + " and after a hundred requests ".join(f"{each * 1024 / 1e6:.1f} MB" for each in readings))
    assert max(readings) * 1024 <= RESIDENT


def test_an_address_that_is_learned_takes_sixty_four_bytes_at_most(lab, blaster, figure):
    agent = lab.agent(segments=[{"vni": 42, "tap": "vx42", "fdb-limit": 4_194_304, "storm-limit": 0}])
    warm = random.Random(7).sample(range(1, 2**32), 10_000)
    blasted(agent, blaster, (vxlan(42, ethernet(mac(each), length=60)) for each in warm), rate=50_000)

    def entries():
        return agent.json("segments")[0]["fdb-entries"]
    before, known = agent.memory(), entries()
    macs = random.Random(8).sample(range(1, 2**32), ENTRIES)
    blasted(agent, blaster, (vxlan(42, ethernet(mac(each), length=60)) for each in macs), rate=50_000)
    wait_until(lambda: entries() > known + ENTRIES // 2, 20, "most of them are learned")
    learned = entries() - known
    per_entry = (agent.memory() - before) * 1024 / learned
    figure(f"{learned} addresses: {per_entry:.1f} bytes each")
    assert per_entry <= PER_ENTRY
