"""Hosts on an underlay, in network namespaces of their own, that always go away again."""

import atexit
import json
import os
import shutil
import subprocess
import tempfile

from agent import Agent
from capture import FRAGMENT, Capture
from host import Host, wait_until
from packets import Packets
from verifying import judging

PREFIX = "vtn"


def _of_an_ended_run(name):
    parts = name.split("-")
    return len(parts) == 4 and parts[0] == PREFIX and not os.path.exists(f"/proc/{parts[1]}")


def remove_leftovers():
    """Removes namespaces and directories of test runs that were killed before they could clean up."""
    listed = subprocess.run(["ip", "-j", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for entry in json.loads(listed or "[]"):
        if _of_an_ended_run(entry["name"]):
            # Another run may have removed it meanwhile.
            subprocess.run(["ip", "netns", "del", entry["name"]], capture_output=True)
    for name in filter(_of_an_ended_run, os.listdir(tempfile.gettempdir())):
        shutil.rmtree(f"{tempfile.gettempdir()}/{name}", ignore_errors=True)


class Lab:
    """`hosts` namespaces h1, h2, ... joined by a cable (two) or a switch (more); each has its underlay on u0.

    Use it in a `with`. `family` is v4 (192.0.2.N) or v6 (2001:db8::N). `wire` makes veth behave like a cable: frames
    are cut to size and have all their checksums. Without it superframes pass whole; or with `cuts` the sender's kernel
    cuts them and the receiver's joins them again, as with a card that computes checksums and no more. `quiet` keeps the
    kernel's own IPv6 chatter off overlay devices, so that counters can be exact.
    """

    _made = 0
    _open = []

    def __init__(self, hosts=2, family="v4", mtu=1500, wire=True, cuts=False, quiet=True):
        Lab._made += 1
        self.family, self.mtu, self.overhead = family, mtu, 50 if family == "v4" else 70
        self.prefix = f"{PREFIX}-{os.getpid()}-{Lab._made}"
        self.directory = tempfile.mkdtemp(prefix=f"{self.prefix}-")
        os.chmod(self.directory, 0o755)
        self.hosts, self.agents, self.captures, self.watches = {}, [], [], []
        Lab._open.append(self)
        try:
            self._build(hosts, wire, cuts, quiet)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(orderly=kind is None)

    def __getattr__(self, name):
        # lab.h1 is the host of that name.
        try:
            return self.__dict__["hosts"][name]
        except KeyError:
            raise AttributeError(name) from None

    def address(self, number):
        """The underlay address of host `number`."""
        return f"192.0.2.{number}" if self.family == "v4" else f"2001:db8::{number}"

    def add_host(self, name, address=None):
        """A namespace without devices."""
        host = Host(name, f"{self.prefix}-{name}", address)
        subprocess.run(["ip", "netns", "add", host.namespace], check=True)
        self.hosts[name] = host
        # No IPv6 duplicate address detection: addresses work at once.
        host.sysctl(net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        host.ip("link", "set", "lo", "up")
        return host

    def cable(self, one, device, other, other_device, mtu=None):
        """A veth pair between two hosts, both ends up."""
        mtu = mtu or self.mtu
        subprocess.run(["ip", "link", "add", device, "netns", one.namespace, "mtu", str(mtu), "type", "veth", "peer",
                        "name", other_device, "netns", other.namespace, "mtu", str(mtu)], check=True)
        one.ip("link", "set", device, "up")
        other.ip("link", "set", other_device, "up")

    def agent(self, host="h1", start=True, **sections):
        """An agent on a host, by default with segment 42 on TAP vx42 and every other host as peer b, c, ..."""
        agent = Agent(self, self.hosts[host], sections)
        self.agents.append(agent)
        self.watches.append(Packets(self.hosts[host], "u0", f"({FRAGMENT}) and src host {self.hosts[host].address}",
                                    incoming=False))
        return agent.start() if start else agent

    def capture(self, host="h1", device="u0", **options):
        """A capture that is judged at the latest when the lab closes."""
        path = f"{self.directory}/{host}-{len(self.captures)}.pcap"
        capture = Capture(self.hosts[host], device, path, judging=lambda: judging(self), **options)
        self.captures.append(capture)
        return capture

    def close(self, orderly=False):
        """Removes everything. `orderly` also judges: agents end well and counted every frame, no fragment was sent."""
        if self not in Lab._open:
            return
        Lab._open.remove(self)
        try:
            if orderly:
                self._judge()
        finally:
            for agent in self.agents:
                agent.forget()
            for host in self.hosts.values():
                host.close()
                subprocess.run(["ip", "netns", "del", host.namespace], capture_output=True)
            for watch in self.watches:
                watch.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    @classmethod
    def close_all(cls):
        """Removes every lab that is still there."""
        for lab in list(cls._open):
            lab.close()

    def _judge(self):
        for agent in self.agents:
            if agent.started:
                agent.stop()
        for capture in self.captures:
            capture.close()
        for watch in self.watches:
            cut = watch.rest(quiet=0)
            assert cut == [], f"{len(cut)} outer datagrams left as IP fragments; the first: {cut[0].hex()}"

    def _build(self, count, wire, cuts, quiet):
        numbers = range(1, count + 1)
        for number in numbers:
            self.add_host(f"h{number}", self.address(number))
        if count == 2:
            self.cable(self.h1, "u0", self.h2, "u0")
        else:
            switch = self.add_host("sw")
            switch.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", 0)
            switch.ip("link", "set", "br0", "mtu", self.mtu, "up")
            for number in numbers:
                self.cable(self.hosts[f"h{number}"], "u0", switch, f"h{number}")
                switch.ip("link", "set", f"h{number}", "master", "br0")
        for number in numbers:
            self._underlay(self.hosts[f"h{number}"], wire, cuts, quiet)
        for number in numbers[1:]:
            wait_until(lambda: self.h1.ping(self.address(number), check=False, seconds=0.2), 30,
                       f"h1 reaches h{number} over the underlay")

    def _underlay(self, host, wire, cuts, quiet):
        if self.family == "v6":
            host.ip("addr", "add", f"{host.address}/64", "dev", "u0", "nodad")
        else:
            host.ip("addr", "add", f"{host.address}/24", "dev", "u0")
        if wire or cuts:
            host.run("ethtool", "-K", "u0", "gro", "on", "tso", "off", "gso", "off", "tx-udp-segmentation", "off")
            for feature in ("tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation"):
                host.run("ethtool", "-K", "u0", feature, "off", check=False)  # fixed off on some kernels
        if wire:
            host.run("ethtool", "-K", "u0", "tx", "off")
        if quiet:
            host.sysctl(net__ipv6__conf__default__disable_ipv6=1)


atexit.register(Lab.close_all)
