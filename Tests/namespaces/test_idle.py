"""An idle agent with many peers and segments wakes for what arrives and for little else. What it costs is a figure."""

import base64
import glob
import os
import re
import time

import pytest

from conftest import full
from host import wait_until
from lab import Lab
from usage import processor_seconds

pytestmark = pytest.mark.alone

PEERS, SEGMENTS, SECONDS = (1_000, 100, 30) if full() else (200, 20, 5)
HOUSEKEEPING = 4
"""Wake-ups a second of the main thread and of others that look after tables and paths: a few each in ten seconds."""


class Reading:
    """What a process has used, and how often its threads went to sleep by themselves."""

    def __init__(self, agent):
        self.time, self.frames = time.monotonic(), agent.counters().overlay["frames-in"]
        self.switches = 0
        for path in glob.glob(f"/proc/{agent.process.pid}/task/*/status"):
            with open(path, encoding="ascii") as file:
                self.switches += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])
        self.seconds = processor_seconds(agent.process)


def crowded(lab, peers=PEERS, segments=SEGMENTS, identity=None, **segment):
    """An agent on h1 with so many peers and segments; the peers are addresses behind h2, where nobody listens. With an
    `identity` it and they have keys.
    """
    lab.h1.ip("route", "add", "198.18.0.0/15", "via", lab.h2.address)
    # Any 32 bytes are somebody's key.
    keys = [{"public-key": base64.b64encode(os.urandom(32)).decode()} if identity else {} for _ in range(peers)]
    known = [{"name": f"p{number}", "address": f"198.18.{number // 250}.{number % 250 + 1}", **key}
             for number, key in enumerate(keys)]
    made = [{"vni": 1_000 + number, "tap": f"vx{number}", **segment} for number in range(segments)]
    return lab.agent(segments=made, peers=known, local={"private-key-file": identity.path} if identity else {})


def measured(agent, name, figure):
    """Two readings apart, noted by `figure`. Returns wake-ups, frames and seconds between them."""
    before = Reading(agent)
    time.sleep(SECONDS)
    after = Reading(agent)
    elapsed, frames = after.time - before.time, after.frames - before.frames
    switches = after.switches - before.switches
    figure(f"{name}, {PEERS} peers, {SEGMENTS} segments, {elapsed:.1f} s: "
           f"{100 * (after.seconds - before.seconds) / elapsed:.2f} % of a core, {switches} wake-ups, "
           f"{frames} frames from the TAPs, {agent.memory() / 1024:.1f} MiB resident")
    return switches, frames, elapsed


def test_an_agent_sleeps_while_nothing_arrives(figure):
    with Lab() as lab:
        agent = crowded(lab)
        time.sleep(2)
        switches, frames, elapsed = measured(agent, "IPv6 off", figure)
        assert frames == 0, "something arrived: nothing was tested"
        assert switches <= HOUSEKEEPING * elapsed + 10, f"{switches} wake-ups in {elapsed:.1f} s"


@pytest.mark.parametrize("suppression", (True, False), ids=("suppression-on", "suppression-off"))
def test_what_the_kernel_says_on_its_own_taps_is_all_that_wakes_it(suppression, figure):
    with Lab(quiet=False) as lab:
        agent = crowded(lab, **{"neighbor-suppression": suppression})
        # Every TAP has said that it is there.
        wait_until(lambda: agent.counters().overlay["frames-in"] >= SEGMENTS, 20, "the TAPs speak")
        time.sleep(10 if full() else 3)
        switches, frames, elapsed = measured(agent, f"IPv6 on, {suppression=}", figure)
        assert switches <= HOUSEKEEPING * elapsed + 10 + 4 * frames, f"{switches} wake-ups for {frames} frames"
        if full():
            # The kernel repeats its router solicitations less and less often (RFC 7559).
            time.sleep(90)
            measured(agent, f"IPv6 on since two minutes, {suppression=}", figure)
        counted = agent.counters()
        # Router solicitations, listener reports and duplicate address detection are for all: none is answered.
        assert counted.overlay["consumed"] == 0 and counted.overlay["frames-in"] > 0
