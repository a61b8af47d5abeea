"""Row 45 of the fault table: signals interrupt the calls of an agent."""

import ctypes
import os
import signal
import time

import pytest

from background import Background
from compiled import compiled
from conftest import full
from numbered import nothing_lost
from sealed import sealed_agents

pytestmark = pytest.mark.alone

RATE, SIGNAL_SECONDS = (50_000, 60) if full() else (5_000, 2)
_TGKILL = 234


class Interruptions(Background):
    """While entered: a signal a millisecond to every thread of an agent. `count` says how many rounds there were."""

    def __init__(self, agent):
        super().__init__()
        self._process, self.count = agent.process.pid, 0

    def work(self):
        libc, began = ctypes.CDLL(None), time.monotonic()
        threads = list(map(int, os.listdir(f"/proc/{self._process}/task")))
        while not self.ended.is_set():
            for thread in threads:
                libc.syscall(_TGKILL, self._process, thread, signal.SIGALRM)
            self.count += 1
            time.sleep(max(0, began + self.count / 1000 - time.monotonic()))


def carried(lab, numbered, agents):
    """Frames both ways for SIGNAL_SECONDS, of which no agent loses any. Returns the share that was lost, by kernels."""
    flows = [numbered.flow(lab, *ends, RATE * SIGNAL_SECONDS, RATE) for ends in ((1, 2), (2, 1))]
    arrived, _ = nothing_lost(flows, agents)
    return 1 - arrived / sum(flow.count for flow in flows)


@pytest.mark.parametrize("kind", ("plain", "sealed"))
def test_fault_row_45_a_thousand_signals_a_second_cost_no_frame(lab, numbered, tmp_path, kind, figure):
    environment = {"LD_PRELOAD": compiled(tmp_path, "interrupt", library=True)}
    agents = sealed_agents(lab, changes={"sealed": kind == "sealed"}, environment=environment)
    assert lab.h1.ping("10.42.0.2")
    without = carried(lab, numbered, agents)
    with Interruptions(agents[0]) as first, Interruptions(agents[1]) as second:
        began = time.monotonic()
        during = carried(lab, numbered, agents)
        rate = min(first.count, second.count) / (time.monotonic() - began)
    figure(f"{kind}, {RATE} frames/s both ways for {SIGNAL_SECONDS} s: {100 * without:.3f} % lost without signals, "
           f"{100 * during:.3f} % with {rate:.0f} a second to each thread, all by kernels")
    assert rate > 500, "hardly any signal came: nothing was tested"
    assert not full() or during <= without + 0.001
    assert all(agent.process.poll() is None for agent in agents)
