"""One host of the lab: a network namespace, with the processes, devices and sockets inside it."""

import contextlib
import ctypes
import ipaddress
import json
import os
import socket
import subprocess
import time

from stopwatch import Stopwatch

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def wait_until(holds, seconds, what, every=0.02):
    """Calls `holds` until it returns something true, and returns that. Fails with `what` after `seconds` of a machine
    that had a processor to give.
    """
    watch = Stopwatch()
    while True:
        value = holds()
        if value:
            return value
        if watch.seconds() >= seconds:
            raise AssertionError(f"within {seconds} s it should have been so that {what}")
        time.sleep(every)


def _setns(descriptor):
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@contextlib.contextmanager
def inside(namespace):
    """Moves the calling thread into a network namespace; sockets opened meanwhile stay there for good."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    other = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(other)
        yield
    finally:
        _setns(own)
        os.close(own)
        os.close(other)


class Host:
    """A namespace of the lab. `address` is its underlay address, or None where it has none."""

    def __init__(self, name, namespace, address=None):
        self.name = name
        self.namespace = namespace
        self.address = address
        self.processes = []

    def command(self, *arguments):
        """The command line that runs `arguments` in this namespace, and dies when the tests die."""
        return ["ip", "netns", "exec", self.namespace, "setpriv", "--pdeathsig", "KILL", "--", *map(str, arguments)]

    def run(self, *arguments, check=True, timeout=60, **options):
        """Runs a command to its end. Fails with what it printed unless `check` is false."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, **options)
        if check and done.returncode != 0:
            line = " ".join(map(str, arguments))
            raise AssertionError(f"{self.name}: {line}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def popen(self, *arguments, **options):
        """Starts a command in the background; `close` ends it if it still runs then."""
        process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def close(self):
        """Ends every process that `popen` started."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.processes.clear()

    # Devices

    def ip(self, *arguments, check=True):
        """Runs `ip` on this namespace."""
        line = ["ip", "-n", self.namespace, *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: {' '.join(line)}: {done.stderr.strip()}")
        return done

    def bridge(self, *arguments):
        """Runs `bridge` on this namespace."""
        line = ["bridge", "-n", self.namespace, *map(str, arguments)]
        subprocess.run(line, check=True, capture_output=True, text=True, timeout=60)

    def link(self, device):
        """What `ip -j` says of a device (details, addresses, counters), or None when there is no such device."""
        done = self.ip("-d", "-s", "-j", "addr", "show", "dev", device, check=False)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def links(self):
        """What `ip -j` says of every device."""
        return json.loads(self.ip("-s", "-j", "link", "show").stdout)

    def mac(self, device):
        """The MAC address of a device, as text."""
        return self.link(device)["address"]

    def received(self, device):
        """How many frames a device received: for a TAP, what the agent wrote to it and the kernel took."""
        return self.link(device)["stats64"]["rx"]["packets"]

    def sysctl(self, **settings):
        """Sets kernel parameters; `__` stands for a dot."""
        self.run("sysctl", "-qw", *(f"{name.replace('__', '.')}={value}" for name, value in settings.items()))

    def kernel_vxlan(self, vni, remotes, device="vx0", addresses=(), mtu=1450, mac=None, options=()):
        """Adds the kernel's own VTEP; frames without a known place go to every one of `remotes`."""
        self.ip("link", "add", device, *(["address", mac] if mac else []), "type", "vxlan", "id", vni, "local",
                self.address, "dstport", 4789, *options)
        for remote in remotes:
            self.bridge("fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", remote)
        for address in addresses:
            self.ip("addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        self.ip("link", "set", device, "mtu", mtu, "up")

    def ping(self, address, *options, check=True, seconds=5):
        """One echo request (or what `options` say). Returns whether it was answered."""
        done = self.run("ping", "-n", "-q", "-c", "1", "-W", seconds, *options, address, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: ping {' '.join(map(str, options))} {address} was not answered\n"
                                 f"{done.stdout}{done.stderr}")
        return done.returncode == 0

    # Sockets, opened by the tests' own process inside this namespace

    def socket(self, family, kind, protocol=0):
        """A socket of this namespace. The caller closes it."""
        with inside(self.namespace):
            return socket.socket(family, kind, protocol)

    def bound(self, kind, address, port=0):
        """A bound TCP or UDP socket (`kind`: socket.SOCK_STREAM or SOCK_DGRAM). The caller closes it."""
        six = ipaddress.ip_address(address).version == 6
        opened = self.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        return opened
