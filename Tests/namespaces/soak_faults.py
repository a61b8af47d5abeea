"""The faults of a soak: what is done to a host or its agent, how it is undone, and under which names frames may then be
dropped. Every other name, and every name while there is no fault, fails the soak.
"""

import collections
import contextlib
import os
import random
import subprocess
import signal
import time

from abuse import Abuse
from agent import binary
from frames import ethernet, mac, vxlan
from packets import Packets

Fault = collections.namedtuple("Fault", "name work allowed everywhere is_spared")

REKEYED = ("handshake", "no-session", "unknown-session")
"""What happens to frames under way when a session begins anew: of the process that was, or before the next one is."""
GARBAGE = 40_000
STORM, STATIONS = 20_000, 10_000


class Faults:
    """All of them. Each is done to one agent, by its number, and is over when its method returns; what then lasts is
    for the soak to wait for.
    """

    def __init__(self, lab, agents, successions, blaster, restart, seed):
        self.lab, self.agents, self.successions, self.restart = lab, agents, successions, restart
        self._blaster, self._chance = blaster, random.Random(seed)

    def table(self):
        """Every fault: its name, what is done, reasons that drops may have at the agent it is done to, those that they
        may have at the others, and whether the agent that is watched the whole time is spared.
        """
        return [
            Fault("TAP deleted", self.delete_tap, ("tap-down", "no-peer"), (), False),
            Fault("TAP down", self.tap_down, ("tap-down",), (), False),
            Fault("link down", self.link_down, (*REKEYED, "underlay-error"), REKEYED, False),
            Fault("no carrier", self.no_carrier, (*REKEYED, "underlay-error"), REKEYED, False),
            Fault("address away", self.address_away, (*REKEYED, "underlay-error"), REKEYED, False),
            Fault("kill -9", self.kill, REKEYED, REKEYED, True),
            Fault("takeover", self.take_over, REKEYED, REKEYED, True),
            Fault("SIGSTOP", self.stop, REKEYED, REKEYED, False),
            Fault("link MTU 1400", self.shrink_link, ("too-big", "underlay-error"), ("too-big",), False),
            Fault("black hole", self.black_hole, REKEYED, REKEYED, False),
            Fault("garbage", self.garbage, ("short-header", "no-vni-flag", "reserved-bits", "unknown-peer", "framing",
                                            "handshake", "unknown-vni", "unknown-session"), (), False),
            Fault("storm of new addresses", self.storm, ("storm-limit",), (), False),
            Fault("control abuse", self.abuse_control, (), (), False),
            Fault("capture on a full disk", self.fill_capture, (), (), False),
            Fault("key log on a full disk", self.fill_key_log, (), (), False),
        ]

    def _seconds(self):
        return self._chance.uniform(2, 6)

    def delete_tap(self, agent):
        for tap in agent.taps:
            agent.host.ip("link", "del", tap)
            time.sleep(self._chance.random())

    def tap_down(self, agent):
        tap = self._chance.choice(agent.taps)
        agent.host.ip("link", "set", tap, "down")
        time.sleep(self._seconds())
        agent.host.ip("link", "set", tap, "up")

    def link_down(self, agent):
        agent.host.ip("link", "set", "u0", "down")
        time.sleep(self._seconds())
        agent.host.ip("link", "set", "u0", "up")

    def no_carrier(self, agent):
        self.lab.sw.ip("link", "set", agent.host.name, "down")
        time.sleep(self._seconds())
        self.lab.sw.ip("link", "set", agent.host.name, "up")

    def address_away(self, agent):
        address = (f"{agent.host.address}/24", "dev", "u0")
        agent.host.ip("addr", "del", *address)
        time.sleep(self._seconds())
        agent.host.ip("addr", "add", *address)

    def kill(self, agent):
        agent.kill()
        time.sleep(self._chance.random())
        self.restart(agent)

    def take_over(self, agent):
        self.successions[agent].follow()

    def stop(self, agent):
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(self._seconds())
        agent.process.send_signal(signal.SIGCONT)

    def shrink_link(self, agent):
        ends = (agent.host, "u0"), (self.lab.sw, agent.host.name)
        for host, device in ends:
            host.ip("link", "set", device, "mtu", 1400)
        time.sleep(self._seconds())
        for host, device in reversed(ends):
            host.ip("link", "set", device, "mtu", self.lab.mtu)

    def black_hole(self, agent):
        """Nothing that is sent to it arrives, and nobody is told."""
        agent.host.run("nft", "table inet hole { chain input { type filter hook input priority 0; "
                              "udp dport { 4789, 4790 } drop; }; }")
        time.sleep(self._seconds())
        agent.host.run("nft", "delete table inet hole")

    def garbage(self, agent):
        """From a host that is nobody's peer, in every form that an agent reads."""
        chance = self._chance
        forms = [lambda: chance.randbytes(chance.randrange(1, 200)),
                 lambda: vxlan(chance.choice((42, 43, 44)), ethernet(mac(0xBAD), mac(1), length=60)),
                 lambda: bytes.fromhex("0d0000ff") + bytes(12) + chance.randbytes(160),
                 lambda: bytes.fromhex("0c0000fe00002a00") + chance.randbytes(120)]
        for port in (4789, 4790):
            datagrams = (chance.choice(forms)() for _ in range(GARBAGE // 2))
            self._blaster.send(self.lab.stranger, agent.host.address, datagrams, rate=20_000, port=port)

    def storm(self, agent):
        """Broadcasts from more stations than a table holds."""
        with Packets(agent.host, self._chance.choice(agent.taps), "less 1") as tap:
            for number in range(STORM):
                tap.send(ethernet(mac(0x5000_0000 + number % STATIONS), length=200))

    def abuse_control(self, agent):
        with Abuse(agent):
            time.sleep(self._seconds())

    def fill_capture(self, agent):
        """`vtep capture` of the agent, into a file system of a mebibyte. It ends, and nobody else minds."""
        with filesystem(f"{self.lab.directory}/small") as place:
            done = agent.host.run(binary(), "capture", "--socket", agent.socket_path, "-w", f"{place}/f", check=False,
                                  timeout=120)
        assert done.returncode == 1 and "No space left" in done.stderr, f"vtep capture: {done}"

    def fill_key_log(self, agent):
        """The disk of the first agent's key log is full while keys are agreed on."""
        path = f"{os.path.dirname(self.agents[0].config['control']['key-log'])}/fill"
        with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
        time.sleep(2 * self._seconds())
        os.remove(path)


@contextlib.contextmanager
def filesystem(path, size="1m"):
    """A file system of that size in memory, at a path, while it is entered."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)
