"""The `vtep` under test: its configuration, its process, and what it says of itself."""

import json
import os
import re
import signal
import subprocess

from host import wait_until
from stopwatch import Stopwatch

_HERE = os.path.dirname(os.path.abspath(__file__))
_PLAIN = re.compile(r"[A-Za-z0-9_./:-]*[A-Za-z_./-][A-Za-z0-9_./:-]*\w")
_COUNTS = ("frames-in", "frames-out", "drops", "consumed", "waiting")


def binary():
    """The path of the `vtep` under test: $VTEP_BINARY, or this tree's release or debug build, or None."""
    if os.environ.get("VTEP_BINARY"):
        return os.path.realpath(os.environ["VTEP_BINARY"])
    for kind in ("release", "debug"):
        path = os.path.realpath(f"{_HERE}/../../.build/{kind}/vtep")
        if os.access(path, os.X_OK):
            return path
    return None


def vtep(*arguments, timeout=60, **options):
    """Runs a `vtep` command outside the lab, to its end."""
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          **{"stdin": subprocess.DEVNULL, **options})


def yaml(value, indent=0):
    """A configuration as YAML in the style of the manual: bare words where YAML allows them."""
    pad = " " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_inline(each, indent)}" for key, each in value.items())
    if isinstance(value, list):
        return "".join(f"{pad}- {yaml(each, indent + 2).lstrip()}" if isinstance(each, dict)
                       else f"{pad}-{_inline(each, 0)}" for each in value)
    raise TypeError(value)


def _inline(value, indent):
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml(value, indent + 2)
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return f" {value}\n"
    return f" {json.dumps(value)}\n"


class Counters:
    """One reading of `stats` and `drops`, or the difference of two."""

    def __init__(self, stats, drops):
        self.all, self.overlay, self.underlay = stats, stats["overlay"], stats["underlay"]
        self._drops, self.reading = drops, self

    def dropped(self, side):
        """Drop reasons of `overlay` or `underlay` with their counts, without zeros."""
        return {reason: count for reason, count in self._drops[side].items() if count}

    def since(self, before):
        """What was counted after `before`. The `reading` of the result serves as the next `before`."""
        difference = Counters(_less(self.all, before.all), _less(self._drops, before._drops))
        difference.reading = self
        return difference

    def __repr__(self):
        return f"stats {json.dumps(self.all)} drops {json.dumps(self._drops)}"


def _less(now, before):
    return {key: _less(each, before.get(key, {})) if isinstance(each, dict) else each - before.get(key, 0)
            for key, each in now.items()}


class Agent:
    """One `vtep run` in a host of the lab. `sections` are those of the configuration, merged over defaults."""

    running = []

    def __init__(self, lab, host, sections):
        self.lab, self.host, self.process, self.started = lab, host, None, False
        number = len(lab.agents)
        self.config_path = f"{lab.directory}/{host.name}-{number}.yaml"
        self.socket_path = f"{lab.directory}/{host.name}-{number}.sock"
        self.stderr_path = f"{lab.directory}/{host.name}-{number}.stderr"
        others = [each for each in lab.hosts.values() if each.address and each is not host]
        self.config = {
            "local": {"address": host.address, **sections.get("local", {})},
            "control": {"socket": self.socket_path, **sections.get("control", {})},
            "segments": [{"vni": 42, "tap": "vx42"}],
            "peers": [{"name": name, "address": each.address} for name, each in zip("bcdef", others)],
            **{key: value for key, value in sections.items() if key not in ("local", "control")},
        }
        self.socket_path = self.config["control"]["socket"]

    @property
    def taps(self):
        """The names of the TAP devices of the configuration."""
        return [segment["tap"] for segment in self.config["segments"]]

    def write(self):
        """Writes the configuration. Returns its path."""
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(yaml(self.config))
        return self.config_path

    def launch(self, environment=None, prefix=(), options=()):
        """Starts the process, behind the command of `prefix`, and does not wait for it to be ready."""
        self.write()
        with open(self.stderr_path, "w", encoding="utf-8") as stderr:
            self.process = self.host.popen(*prefix, binary(), "run", "--config", self.config_path, *options,
                                           stderr=stderr, stdout=subprocess.DEVNULL,
                                           env={**os.environ, **(environment or {})})
        return self

    def start(self, environment=None, prefix=()):
        """Starts the agent and waits for its line `ready`."""
        self.launch(environment, prefix)
        wait_until(lambda: self.process.poll() is not None or self.ready(), 30, "the agent prints `ready`", every=0.005)
        assert self.process.poll() is None, f"the agent ended with {self.process.returncode}: {self.stderr()}"
        self.started = True
        Agent.running.append(self)
        return self

    def ready(self):
        """Whether the line `ready` was printed to standard error."""
        return "ready" in self.stderr().splitlines()

    def stderr(self):
        """What the agent wrote to standard error so far."""
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, signal_number=signal.SIGTERM):
        """Ends the agent: within 2 s, status 0, TAPs gone, socket file gone, every frame accounted for."""
        self.check_identity()
        self.forget()
        watch = Stopwatch()
        self.process.send_signal(signal_number)
        try:
            status = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent did not end within 20 s of signal {signal_number}") from None
        taken = watch.seconds()
        assert status == 0, f"the agent ended with {status}: {self.stderr()}"
        assert taken <= 2, f"the agent took {taken:.1f} s to end"
        for tap in self.taps:
            assert self.host.link(tap) is None, f"the TAP {tap} is still there"
        assert not os.path.exists(self.socket_path), "the control socket is still there"

    def kill(self):
        """Ends the agent without mercy or judgement."""
        self.forget()
        self.process.kill()
        self.process.wait()

    def forget(self):
        """Leaves the agent out of all further judgement."""
        self.started = False
        if self in Agent.running:
            Agent.running.remove(self)

    # What it says of itself

    def ask(self, *arguments):
        """Runs a command that talks to this agent. Returns the finished process."""
        return vtep(*arguments, "--socket", self.socket_path)

    def json(self, *arguments):
        """The JSON document of a command, as `json("fdb")`."""
        done = self.ask(*arguments, "-j")
        assert done.returncode == 0, f"vtep {' '.join(arguments)} -j: status {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def fdb(self, vni=42, state=None):
        """The entries of a segment by MAC."""
        return {entry["mac"]: entry for entry in self.json("fdb")
                if entry["vni"] == vni and state in (None, entry["state"])}

    def counters(self):
        """The counters now."""
        return Counters(self.json("stats"), self.json("drops"))

    def settled(self, before, underlay=0, overlay=0, seconds=20):
        """What was counted since `before`, once that many datagrams and frames were (lost ones count as read)."""
        def enough():
            now = self.counters().since(before)
            read = now.underlay["frames-in"] + now.all["kernel-drops"]
            return read >= underlay and now.overlay["frames-in"] >= overlay and _balanced(now) and now
        return wait_until(enough, seconds, f"{underlay} datagrams and {overlay} frames of the TAP are counted")

    def check_identity(self, seconds=10):
        """frames-in = frames-out + drops + consumed + waiting, on both sides, and the sums agree."""
        assert self.process.poll() is None, f"the agent ended by itself with {self.process.returncode}: {self.stderr()}"
        # Reading while frames flow is no snapshot: the identity may take a moment to be seen.
        wait_until(lambda: _balanced(self.counters()), seconds, f"every frame is accounted for: {self.counters()}")

    def memory(self):
        """The resident memory of the process, in KiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])


def _balanced(counters):
    sides = counters.all, counters.overlay, counters.underlay
    held = all(side["frames-in"] == side["frames-out"] + side["drops"] + side["consumed"] + side["waiting"]
               for side in sides)
    summed = all(sides[0][name] == sides[1][name] + sides[2][name] for name in _COUNTS)
    named = all(side["drops"] == sum(counters.dropped(name).values())
                for name, side in (("overlay", sides[1]), ("underlay", sides[2])))
    return held and summed and named
