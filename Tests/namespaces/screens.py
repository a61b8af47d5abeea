"""What the commands print, for the pages that show it. `@screen` makes a function one: its name is the screen's, and it
gets a `Shell`, in which it does what a reader could do.
"""

import json
import socket
import subprocess
import tempfile
import time

from agent import binary, vtep
from frames import ethernet, mac, tagged, vxlan
from host import wait_until
from lab import Lab
from packets import Packets
from peer import RawPeer
from routed import RoutedLab
from sealed import identities, overlay, sealed_agent, session_up
from shrinking import set_link_mtu

SCREENS = {}
PLACES = {"config": "/etc/vtep/vtep.yaml", "socket": "/run/vtep/control.sock", "folder": "/etc/vtep"}
_WIDTH = 118


def screen(function):
    """Makes the function a screen."""
    SCREENS[function.__name__.replace("_", "-")] = function
    return function


def made(name):
    """The text of a screen."""
    with Shell(RoutedLab() if name.startswith("mtu-by-probing") else Lab()) as shell:
        SCREENS[name](shell)
    return shell.text


class Shell:
    """A command line on h1 of a lab. What is run in it is the `text` of the screen, with the paths of an installed
    agent in the place of the lab's. An agent with a sealed segment, and one with a plain one, are made when they are
    wanted.
    """

    def __init__(self, lab):
        self.lab, self.agent, self._lines, self._replaced = lab, None, [], []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.lab.close(orderly=kind is None)

    @property
    def text(self):
        """All that was typed and printed."""
        text = "\n".join(self._lines)
        for own, shown in self._replaced:
            text = text.replace(own, shown)
        assert self.lab.directory not in text, text
        return "\n".join(_broken(line) for line in text.split("\n"))

    def sealed(self, **sections):
        """Agents on both hosts with segment 42 sealed; this shell's is h1's, whose peer is called b."""
        known = identities(self.lab)
        agents = [sealed_agent(self.lab, name, known, workers=1, **sections) for name in known]
        for each in agents:
            each.config["peers"][0]["name"] = "b" if each is agents[0] else "a"
            each.start()
        for each in agents:
            session_up(each)
        self.use(agents[0])
        return self

    def plain(self, **sections):
        """An agent on h1 with segment 42, whose peer b is in our hands: a `RawPeer`."""
        self.use(self.lab.agent(**{"segments": [{"vni": 42, "tap": "vx42"}], "workers": 1, **sections}))
        return RawPeer(self.lab.h2, self.agent)

    def traffic(self):
        """Some pings both ways."""
        self.lab.h1.ping(overlay(2), "-c", "3", "-i", "0.2")

    def run(self, *arguments, status=0):
        """Types a command and keeps what it prints."""
        self.type(" ".join(("vtep", *arguments)))
        asks = () if self.agent is None or {"init", "check", "--underlay-mtu"} & set(arguments) else (
            "--socket", self.agent.socket_path)
        done = vtep(*arguments, *asks)
        assert done.returncode == status, done
        self.print(done.stdout + done.stderr)

    def run_here(self, shown, *arguments, status=0):
        """As `run`, of a command whose paths are ours, shown in another way."""
        self.type(shown)
        done = vtep(*arguments)
        assert done.returncode == status, done
        self.print(done.stdout + done.stderr)

    def type(self, line):
        """A line behind the prompt."""
        self._lines.append(f"$ {line}")

    def print(self, text):
        """What a command printed."""
        self._lines += text.rstrip("\n").split("\n") if text else []

    def replace(self, own, shown):
        """Another path in the place of one of ours."""
        self._replaced.append((own, shown))

    def use(self, agent):
        """Commands ask this agent from now on."""
        self.agent = agent
        self.replace(agent.socket_path, PLACES["socket"])
        self.replace(agent.config_path, PLACES["config"])
        self.replace(self.lab.directory, PLACES["folder"])


def _broken(line):
    """A line that is too long for a page, broken with a backslash."""
    parts = []
    while len(line) > _WIDTH:
        place = max(line.rfind(each, 0, _WIDTH - 1) for each in " ,") + 1 or _WIDTH
        parts.append(line[:place] + "\\")
        line = line[place:]
    return "\n".join([*parts, line])


def reading(command):
    """A screen of one command, on an agent with a session and some traffic."""
    def show(shell):
        shell.sealed().traffic()
        shell.run(*command.split())
    show.__name__ = command.split()[0]
    return screen(show)


for _command in ("status", "segments", "fdb", "peers", "stats"):
    reading(_command)


@screen
def drops(shell):
    """Some of what may go wrong."""
    with shell.plain() as peer, Packets(shell.lab.h1, "vx42") as tap:
        before = shell.agent.counters()
        peer.send(b"short", times=2)
        peer.send_frame(ethernet(mac(0xB0B), length=60), vni=77, times=3)
        peer.send_frame(tagged(ethernet(mac(0xB0B), length=60)))
        tap.send(tagged(ethernet(mac(0xA1), length=60)))
        shell.agent.settled(before, underlay=6, overlay=1)
    shell.run("drops")


@screen
def mtu(shell):
    """By arithmetic, and of a peer."""
    shell.run("mtu", "--underlay-mtu", "1500")
    shell.sealed()
    wait_until(lambda: shell.agent.json("peers")[0]["path-mtu-source"] == "probe", 20, "the path is probed")
    shell.run("mtu", "--peer", "b")


def _probed(shell):
    """Behind a router that carries 1400 bytes and says nothing."""
    wait_until(lambda: shell.agent.json("peers")[0]["path-mtu"] == 1400, 30, "the path is probed")
    shell.run("peers")
    shell.run("mtu", "--peer", "b")


@screen
def mtu_by_probing(shell):
    """Of a sealed segment."""
    shell.lab.forward(1400)
    _probed(shell.sealed())


@screen
def mtu_by_probing_plain(shell):
    """Of a plain segment between hosts with keys."""
    shell.lab.forward(1400)
    _probed(shell.sealed(segments=[{"vni": 43, "tap": "vx43"}]))


@screen
def top(shell):
    """While pings go."""
    shell.sealed()
    pings = shell.lab.h1.popen("ping", "-q", "-i", "0.002", "-w", "5", overlay(2), stdout=subprocess.DEVNULL)
    with Packets(shell.lab.h1, "vx42") as tap:
        tap.send(tagged(ethernet(mac(0xA1), length=60)))
        shell.run("top", "--once")
    pings.kill()


def _monitored(shell, options, happening, wanted):
    """What `vtep monitor` prints while something happens, once it has printed all that is wanted."""
    with tempfile.TemporaryFile("w+") as file:
        line = [binary(), "monitor", *options, "--socket", shell.agent.socket_path]
        process = subprocess.Popen(line, stdout=file, stderr=file, stdin=subprocess.DEVNULL)

        def printed():
            file.seek(0)
            return file.read()
        try:
            time.sleep(1)
            happening()
            wait_until(lambda: all(each in printed() for each in wanted), 20, f"{wanted} is told: {printed()}")
        finally:
            process.kill()
            process.wait()
        shell.type(" ".join(("vtep", "monitor", *options)))
        shell.print(printed())


@screen
def monitor(shell):
    """An address that moves behind the own TAP, and frames that end."""
    with shell.plain() as peer, Packets(shell.lab.h1, "vx42") as tap:
        def happen():
            peer.send_frame(ethernet(mac(0xB0B), length=60))
            time.sleep(0.2)
            tap.send(ethernet(mac(0xB0B), length=80))
            time.sleep(0.2)
            peer.send_frame(tagged(ethernet(mac(0xB0B), length=60)))
            time.sleep(0.2)
            peer.send_frame(ethernet(mac(0xB0B), length=60), vni=77)
        wanted = ("learned", "moved", "vlan-tag", "unknown-vni")
        _monitored(shell, (), happen, wanted)
        shell.lab.h1.ip("link", "set", "vx42", "down")  # no frame of the kernel's own meanwhile
        shell.lab.h1.ip("link", "set", "vx42", "up")
        _monitored(shell, ("-j", "-t", "drop"), lambda: peer.send_frame(tagged(ethernet(mac(0xB0B), length=60))),
                   ("vlan-tag",))


@screen
def fdb_changing(shell):
    """Entries that are set and explained, and an address that two peers claim."""
    shell.lab.h2.ip("addr", "add", "192.0.2.3/24", "dev", "u0")
    named = [{"name": name, "address": f"192.0.2.{number}"} for number, name in enumerate("bc", 2)]
    entries = [{"mac": "02:00:00:00:00:02", "peer": "b"}]
    here = ("02:00:00:00:00:05", "--vni", "42")
    with shell.plain(peers=named, segments=[{"vni": 42, "tap": "vx42", "fdb": entries}]) as b, \
            RawPeer(shell.lab.h2, shell.agent, "192.0.2.3") as c:
        b.send_frame(ethernet(mac(3), length=60))
        c.send_frame(ethernet(mac(4), length=60))
        wait_until(lambda: len(shell.agent.fdb()) == 3, 5, "two addresses are learned")
        shell.run("fdb", "add", *here, "--peer", "c")
        shell.run("fdb", "add", *here, "--peer", "b", status=1)
        shell.run("fdb")
        shell.run("fdb", "explain", "02:00:00:00:00:03", "--vni", "42")
        shell.run("fdb", "explain", "02:00:00:00:00:09", "--vni", "42")
        shell.run("fdb", "del", *here)

        def claim():
            for peer in (b, c, b, c, b, c):
                peer.send_frame(ethernet(mac(6), length=60))
                time.sleep(0.01)
        _monitored(shell, (), claim, ("flapping",))
        shell.run("fdb", "explain", "02:00:00:00:00:06", "--vni", "42")


@screen
def events(shell):
    """A path that takes another size, and a session that comes up."""
    known = identities(shell.lab)
    agents = [sealed_agent(shell.lab, name, known, workers=1) for name in known]
    agents[0].config["peers"][0]["name"] = "b"
    shell.use(agents[0].start())

    def happen():
        set_link_mtu(shell.lab, 1400)
        wait_until(lambda: shell.agent.json("peers")[0]["path-mtu"] == 1400, 10, "the path is smaller")
        set_link_mtu(shell.lab, 1500)
        wait_until(lambda: shell.agent.json("peers")[0]["path-mtu"] == 1500, 10, "the path is as it was")
        agents[1].start()
        session_up(agents[0])
    _monitored(shell, (), happen, ("1400", "1500", " up"))
    with shell.lab.h2.bound(socket.SOCK_DGRAM, shell.lab.h2.address) as strange:
        def stray():
            strange.sendto(vxlan(42, ethernet(mac(0xB0B), length=60)), (shell.lab.h1.address, 4789))
        _monitored(shell, ("-j", "-t", "drop"), stray, ("plain-for-sealed",))


@screen
def check(shell):
    """A configuration with three mistakes."""
    path = f"{shell.lab.directory}/vtep.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write("local:\n  address: 192.0.2.300\nsegments:\n  - vni: 16777216\n    tap: vx42\n    sealled: true\n")
    shell.replace(path, PLACES["config"])
    shell.run_here(f"vtep check --config {PLACES['config']}", "check", "--config", path, status=78)
    shell.type("echo $?")
    shell.print("78")


@screen
def init(shell):
    """The first command of a new user."""
    shell.replace(shell.lab.directory, PLACES["folder"])
    shell.run_here(f"sudo vtep init --output {PLACES['folder']} --address 192.0.2.1", "init", "--output",
                   shell.lab.directory, "--address", "192.0.2.1")
    shell.type(f"sudo cat {PLACES['config']}")
    with open(f"{shell.lab.directory}/vtep.yaml", encoding="utf-8") as file:
        shell.print(file.read())


@screen
def log(shell):
    """The log of a start, in both forms."""
    for style in ("logfmt", "json"):
        shell.type(f"vtep run --config {PLACES['config']}   # log: {{format: {style}}}")
        agent = shell.lab.agent(log={"format": style}, segments=[{"vni": 42, "tap": "vx42"}], workers=1)
        agent.stop()
        shell.print(agent.stderr())


@screen
def storm(shell):
    """What the log says of one."""
    segment = {"vni": 42, "tap": "vx42", "storm-limit": 2000}
    with shell.plain(segments=[segment]), Packets(shell.lab.h1, "vx42") as tap:
        for _ in range(3000):
            tap.send(ethernet(mac(0xA1), length=60))
        wait_until(lambda: "a storm" in shell.agent.stderr(), 5, "the log tells of it")
    shell.print(next(line for line in shell.agent.stderr().splitlines() if "a storm" in line))


@screen
def json_names(shell):
    """A document for programs."""
    shell.sealed().traffic()
    shell.type("vtep peers -j | jq '.[0]'")
    shell.print(json.dumps(shell.agent.json("peers")[0], indent=2))
