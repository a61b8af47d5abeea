"""A soak: three agents under mixed traffic with short-lived keys, reloads and one fault after the other, for hours or
minutes, and what must hold all the time. `scripts/soak` runs it; row 59 of the fault table.

The schedule is a row of cycles. In the quiet part of a cycle nothing is broken, and nothing may be lost or dropped;
then comes a fault, whose own drop reasons are allowed until frames of every flow pass again.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import sys
import time

from agent import binary
from blast import Blaster
from host import wait_until
from lab import Lab
from numbered import kernel_drops
from reloading import Invalid, changed, reload, write_text
from sealed import identities, overlay, sealed_agent, sealed_segment, session_up, sessions, short_keys, station
from soak_faults import Faults, filesystem
from soak_report import report_of, summary, write_report
from soak_traffic import MARKER, Datagrams, Streams, plain, sealed_six
from soak_watch import Samples, Underlay
from succession import Succession

HOSTS, KEY_SECONDS = (1, 2, 3), 20
BACK_SECONDS, PATH_SECONDS = 20, 90
CALM_SECONDS, REFUSED = 2, 78
LONG_MINUTES = 20
QUIET_ALWAYS = {"handshake"}
"""What may be dropped at any time: of two handshakes that cross one is for nothing."""


class Scale:
    """How long the parts of a soak are. Its first part is to warm up: every fault once and every buffer at its size."""

    def __init__(self, minutes):
        self.seconds = 60 * minutes
        is_long = minutes >= LONG_MINUTES
        self.warm = 600 if is_long else self.seconds / 3
        self.cycle, self.warm_cycle = (60, 30) if is_long else (15, 10)
        self.growth = 1.0 * max(1, (self.seconds - self.warm) / 3600) if is_long else 4.0
        """MiB of an agent's memory that may be added after warming up."""
        self.sampled = 5 if is_long else 2


class Soak:
    """Runs for `scale.seconds` inside a lab. `wrong` has everything that should not have been, in words."""

    def __init__(self, lab, scale, seed, say):
        self.lab, self.scale, self.seed, self.say, self.key_seconds = lab, scale, seed, say, KEY_SECONDS
        self.chance, self.wrong, self.faults = random.Random(seed), [], collections.Counter()
        self.drops, self.rekeys, self.reloads, self.refused = collections.Counter(), 0, 0, 0
        self.back, self.sent, self.arrived, self.streams, self.kernel = [], 0, 0, 0, 0
        self.agents = self._agents()
        successions = {agent: Succession(agent, short_keys(KEY_SECONDS)) for agent in self.agents}
        blaster = Blaster(lab.directory)
        self._faults = Faults(lab, self.agents, successions, blaster, _restart, seed)
        self._left = []

    def _agents(self):
        known = identities(self.lab)
        known.pop("stranger", None)
        agents = []
        for name in known:
            number = int(name[1:])
            segments = [sealed_segment(number, address=[f"{overlay(number)}/24", f"{sealed_six(number)}/64"],
                                       **{"fdb-limit": 4096, "ageing": "30s"}),
                        {"vni": 43, "tap": "vx43", "address": [f"{plain(number)}/24"], "fdb-limit": 4096,
                         "ageing": "30s"}]
            control = {"key-log": f"{self.lab.directory}/keys/log"} if number == 1 else {}
            agents.append(sealed_agent(self.lab, name, known, segments, {"path-mtu-raise": "15s"}, control=control,
                                       workers=1 + number % 2))
        for agent in agents:
            agent.start(short_keys(KEY_SECONDS))
        for agent in agents:
            session_up(agent)
        return agents

    def run(self):
        """All of it. Returns the report."""
        secrets = (MARKER, *map(station, HOSTS))
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            self.datagrams = stack.enter_context(Datagrams(self.lab, HOSTS, self.seed))
            stack.enter_context(Streams(self.lab, HOSTS, self.datagrams))
            self.samples = stack.enter_context(Samples(self.agents, self.scale.sampled))
            self.underlay = stack.enter_context(Underlay(self.lab, [f"h{number}" for number in HOSTS], secrets))
            try:
                self._recover(time.monotonic(), None)
                while (elapsed := time.monotonic() - began) < self.scale.seconds:
                    self._cycle(elapsed)
            except AssertionError as error:
                self.wrong.append(f"{error}")
            self.seconds = time.monotonic() - began
        try:
            self._at_rest()
        except AssertionError as error:
            self.wrong.append(f"with no traffic left: {error}")
        return report_of(self)

    def _cycle(self, elapsed):
        length = self.scale.warm_cycle if elapsed < self.scale.warm else self.scale.cycle
        end = time.monotonic() + length
        fault, agent = self._next_fault()
        self._while_faulty(fault, agent)
        self.wrong += [f"after {fault.name} at {agent.host.name}: {each}" for each in self.underlay.look()]
        self._while_quiet(max(5, end - time.monotonic()))
        self.say(f"{elapsed / 60:6.1f} min  {fault.name} at {agent.host.name}, back after {self.back[-1]:.1f} s; "
                 f"RSS {', '.join(str(each.memory()) for each in self.agents)} KiB; wrong: {len(self.wrong)}")

    def _next_fault(self):
        """Every fault at every agent once before any comes again, in an order of the seed's."""
        if not self._left:
            self._left = [(fault, agent) for fault in self._faults.table() for agent in self.agents
                          if not (fault.is_spared and agent is self.agents[0])]
            self.chance.shuffle(self._left)
            # All kinds come early, so that what each costs once is not taken for a leak.
            seen = set()
            self._left.sort(key=lambda each: bool(each[0].name in seen or seen.add(each[0].name)))
        return self._left.pop() if self.faults.total() >= len(self._faults.table()) else self._left.pop(0)

    # The two parts of a cycle

    def _while_faulty(self, fault, agent):
        phase, before = self.datagrams.next_phase(), self._readings()
        fault.work(agent)
        self._recover(time.monotonic(), fault)
        self.faults[fault.name] += 1
        dropped = self._dropped(before)
        for each in self.agents:
            allowed = QUIET_ALWAYS | set(fault.allowed if each is agent else fault.everywhere)
            self._judge(dropped[each], allowed, f"while {fault.name} at {agent.host.name}: {each.host.name}")
        self._tell(phase)

    def _recover(self, since, fault):
        """Waits until frames of every flow pass and every path carries what it did; then until all is calm."""
        name = fault.name if fault else "the start"
        wait_until(lambda: self.datagrams.all_arrive(since), BACK_SECONDS,
                   f"frames of every flow pass after {name}: {self.datagrams.late(since)}")
        self.back.append(time.monotonic() - since)
        wait_until(lambda: all(self._is_whole(agent) for agent in self.agents), PATH_SECONDS,
                   f"paths and segments are as large as they were after {name}", every=0.5)
        time.sleep(CALM_SECONDS)

    def _is_whole(self, agent):
        return (set(sessions(agent).values()) == {"up"} and
                {peer["path-mtu"] for peer in agent.json("peers")} == {self.lab.mtu} and
                {segment["mtu"] for segment in agent.json("segments")} == {self.lab.mtu - 50, self.lab.mtu - 74})

    def _while_quiet(self, seconds):
        phase, before, kernel = self.datagrams.next_phase(), self._readings(), self._of_kernels()
        self._tell(phase)
        self.samples.is_quiet = True
        end = time.monotonic() + seconds
        self._change_and_change_back(self.chance.choice(self.agents))
        while time.monotonic() < end:
            time.sleep(0.2)
        self.samples.is_quiet = False
        phase = self.datagrams.next_phase()
        time.sleep(0.5)
        lost_by_kernels = self._of_kernels() - kernel
        self.kernel += lost_by_kernels
        for agent, dropped in self._dropped(before).items():
            self._judge(dropped, QUIET_ALWAYS, f"without a fault: {agent.host.name}")
        self._tell(phase, may_lose=lost_by_kernels)
        for agent in self.agents:
            agent.check_identity()

    def _change_and_change_back(self, agent):
        """A reload that changes something, one that is refused, and one that changes it back."""
        segments = agent.config["segments"]
        changed(agent, segments=[{**each, "ageing": "60s"} for each in segments])
        text, _, words = self.chance.choice(Invalid(agent.config).kinds)()
        write_text(agent, text)
        said = reload(agent, REFUSED).stderr
        changed(agent, segments=segments)
        self.reloads, self.refused = self.reloads + 2, self.refused + 1
        if words not in said:
            self.wrong.append(f"a refused reload does not say {words}: {said}")

    # What is counted

    def _readings(self):
        return {agent: (agent.process.pid, agent.counters()) for agent in self.agents}

    def _dropped(self, before):
        """What each agent dropped since: its reasons with their counts."""
        dropped = {}
        for agent, (pid, reading) in before.items():
            now = agent.counters()
            # One that was killed counts from nothing, one that took over goes on.
            is_same = agent.process.pid == pid or now.all["frames-in"] >= reading.all["frames-in"]
            since = now.since(reading) if is_same else now
            dropped[agent] = collections.Counter(since.dropped("overlay")) + collections.Counter(
                since.dropped("underlay"))
        return dropped

    def _judge(self, dropped, allowed, what):
        self.drops.update(dropped)
        if found := unexpected(dropped, allowed):
            self.wrong.append(f"{what} dropped {found}")
            self.say(self.wrong[-1])

    def _of_kernels(self):
        return kernel_drops(*(agent.host for agent in self.agents)) + sum(
            agent.counters().all["kernel-drops"] for agent in self.agents)

    def _tell(self, phase, may_lose=None):
        """Adds up a phase. `may_lose`: no more than so many datagrams were lost, and no transfer broke."""
        time.sleep(0.3)
        tally = self.datagrams.take(phase)
        self.sent, self.streams = self.sent + tally.sent.total(), self.streams + tally.streams
        self.arrived += sum(map(len, tally.arrived.values()))
        wrong = [f"{tally.repeated} datagrams came twice"] if tally.repeated else []
        if may_lose is not None and tally.lost() > may_lose:
            wrong.append(f"{tally.lost()} datagrams lost without a fault, {may_lose} of them by kernels")
        if may_lose is not None:
            wrong += tally.broken
        self.wrong += wrong
        for each in wrong:
            self.say(each)

    def _at_rest(self):
        """With no traffic left, every frame is accounted for."""
        time.sleep(1)
        for agent in self.agents:
            agent.check_identity()


def _restart(agent):
    agent.start(short_keys(KEY_SECONDS))


def unexpected(dropped, allowed):
    """The reasons, with their counts, that nothing explains."""
    return {reason: count for reason, count in dropped.items() if reason not in allowed}


class SoakLab(Lab):
    """Three hosts on a switch, and a stranger there, who is nobody's peer. IPv6 works on the overlay, and stays on a
    device that goes down.
    """

    def __init__(self):
        super().__init__(hosts=3, quiet=False)

    def _build(self, count, wire, cuts, quiet):
        super()._build(count, wire, cuts, quiet)
        stranger = self.add_host("stranger", self.address(9))
        self.cable(stranger, "u0", self.sw, "stranger")
        self.sw.ip("link", "set", "stranger", "master", "br0")
        stranger.ip("addr", "add", f"{stranger.address}/24", "dev", "u0")
        for number in HOSTS:
            self.hosts[f"h{number}"].sysctl(net__ipv6__conf__default__keep_addr_on_down=1)


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Three agents under traffic and faults.")
    parser.add_argument("hours", nargs="?", type=float, help="how long")
    parser.add_argument("--minutes", type=float, help="how long, instead")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--json", default=None, help="where the report goes")
    given = parser.parse_args()
    if (given.hours is None) == (given.minutes is None):
        parser.error("either HOURS or --minutes N")
    return given


def main():
    """Exit status 0 when everything held, 1 when not, 2 when it could not run."""
    given = arguments()
    if os.geteuid() != 0 or binary() is None:
        print("soak: needs root and a built vtep (swift build -c release, or VTEP_BINARY)", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    minutes = given.minutes if given.minutes is not None else 60 * given.hours
    scale = Scale(minutes)
    print(f"soak: {binary()}, {minutes:g} minutes, the first {scale.warm / 60:g} of them to warm up, seed {given.seed}",
          flush=True)
    report = None
    try:
        with SoakLab() as lab, filesystem(f"{lab.directory}/keys", "256k"):
            report = Soak(lab, scale, given.seed, lambda text: print(text, flush=True)).run()
    except AssertionError as error:
        if report is None:
            raise
        report["wrong"].append(f"in the end: {error}")
    write_report(report, given.json)
    print(summary(report))
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
