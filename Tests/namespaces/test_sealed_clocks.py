"""Row 31 of the fault table: clocks that jump. The wall clock of a running agent by libfaketime, the monotonic ones of
one that starts again by a time namespace.
"""

import glob
import os
import time

from conftest import full
from frames import mac_text
from host import wait_until
from numbered import nothing_lost
from sealed import Agreements, identities, overlay, sealed_agent, sealed_segment, session_up, short_keys, station
from stopwatch import Stopwatch
from test_sealed_leak import remember
from test_sealed_reload import hangup

TEN_YEARS = 10 * 365 * 86_400
KEY_SECONDS, AGEING = 6, 3
RATE = 5000 if full() else 1000
LIBRARY, = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [None]


class FakedClock:
    """The wall clock of the processes that are started with `environment`, and of nobody else."""

    def __init__(self, lab):
        assert LIBRARY, "this needs libfaketime: apt-get install faketime"
        self._path = f"{lab.directory}/clock"
        self.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self._path, "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.jump("+0")

    def jump(self, offset):
        """Sets the clock so far from the true one."""
        with open(f"{self._path}.new", "w", encoding="ascii") as file:
            file.write(f"{offset}\n")
        os.rename(f"{self._path}.new", self._path)


def year_of_the_log(agent):
    """The year in a line that the agent writes now."""
    said = hangup(agent, "reloaded")
    return int(said.split("time=")[1][:4])


def learned(agent, number):
    """Whether the agent knows where the host of that number is."""
    return mac_text(station(number)) in agent.fdb()


def test_fault_row_31_jumps_of_the_wall_clock_change_nothing(lab, numbered, figure):
    known, clock = identities(lab), FakedClock(lab)
    first, second = (sealed_agent(lab, name, known, [sealed_segment(number, ageing=f"{AGEING}s")])
                     for number, name in enumerate(known, 1))
    first.start({**short_keys(KEY_SECONDS), **clock.environment})
    second.start(short_keys(KEY_SECONDS))
    session_up(first)
    lab.h1.ping(overlay(2))
    jumps = (f"+{TEN_YEARS}", f"-{TEN_YEARS}", "+0")
    this_year, years, pause = time.gmtime().tm_year, [], 1.5 * KEY_SECONDS if full() else 0.8 * KEY_SECONDS
    flows = [numbered.flow(lab, *ends, int(RATE * (len(jumps) * pause + 60)), RATE) for ends in ((1, 2), (2, 1))]
    with Agreements(lab.h1) as agreements:
        for offset in jumps:
            clock.jump(offset)
            years.append(year_of_the_log(first))
            assert learned(first, 2), "no entry has aged by the jump"
            time.sleep(pause)
        for flow in flows:
            flow.stop()
        arrived, of_kernels = nothing_lost(flows, (first, second))
        count = agreements.seen()
    assert [year - this_year for year in years] in ([10, -10, 0], [9, -10, 0], [10, -11, 0], [9, -11, 0]), years
    assert count >= 2 and "session is lost" not in first.stderr()
    # Without traffic, so that the neighbour tables ask nothing either, the entry ages when it should.
    for host, other in ((lab.h1, 2), (lab.h2, 1)):
        remember(host, other)
    lab.h1.ping(overlay(2))
    watch, began = Stopwatch(), time.monotonic()
    clock.jump(f"+{TEN_YEARS}")
    year_of_the_log(first)
    wait_until(lambda: not learned(first, 2), AGEING + 5, "the entry ages at its time")
    aged = time.monotonic() - began
    figure(f"jumps to the years {years}: {arrived} frames, 0 lost by agents, {of_kernels} dropped by kernels, "
           f"{count} new sessions; an idle entry gone after {aged:.1f} s of {AGEING}")
    assert AGEING - 1.1 <= aged and watch.seconds() <= AGEING + 2


def test_fault_row_31_a_start_with_other_monotonic_clocks_disturbs_nobody(lab3, numbered, figure):
    known, taken = identities(lab3), []
    first, *others = [sealed_agent(lab3, name, known) for name in known]
    for agent in (first, *others):
        agent.start()
    for agent in (first, *others):
        session_up(agent)
    lab3.h2.ping(overlay(3))
    flow = numbered.flow(lab3, 2, 3, RATE * 90, RATE)
    own = os.readlink("/proc/self/ns/time")
    for offset in (TEN_YEARS, 0):
        first.kill()
        prefix = ("unshare", "--time", "--monotonic", offset, "--boottime", offset) if offset else ()
        first.start(prefix=prefix)
        assert (os.readlink(f"/proc/{first.process.pid}/ns/time") != own) == bool(offset)
        watch = Stopwatch()
        session_up(first)
        taken.append(watch.seconds())
        assert lab3.h1.ping(overlay(2)) and lab3.h3.ping(overlay(1))
    flow.stop()
    arrived, _ = nothing_lost([flow], others)
    figure(f"ten years on and back: sessions after {1000 * max(taken):.0f} ms at most, {arrived} frames of the "
           "others, 0 lost")
    assert max(taken) <= 1
