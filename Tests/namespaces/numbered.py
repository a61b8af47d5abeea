"""Numbered frames over the overlay, counted where they arrive: what is lost, what comes twice, and which of the losses
are the kernel's own.
"""

import signal
import subprocess

from compiled import compiled
from sealed import overlay

PORT = 7100
FRAME, HEADERS = 512, 14 + 20 + 8
DROPS = ("rx", "tx")


class Numbered:
    """`numbered.c`, compiled."""

    def __init__(self, directory):
        self.path = compiled(directory, "numbered")

    def flow(self, lab, sender, receiver, count, rate, port=PORT):
        """`count` frames of 512 bytes from one host to another at so many a second: a `Flow`, which is running."""
        return Flow(self.path, lab, sender, receiver, count, rate, port)


class Flow:
    """Frames under way from a host to another, both named by their numbers. `finish` judges."""

    def __init__(self, program, lab, sender, receiver, count, rate, port):
        self.count, self.rate = count, rate
        self.hosts = lab.hosts[f"h{sender}"], lab.hosts[f"h{receiver}"]
        self._before = kernel_drops(*self.hosts)
        self._taker = self.hosts[1].popen(program, "take", overlay(receiver), port, count, 1, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True)
        assert self._taker.stderr.readline() == "taking\n"
        self._sender = self.hosts[0].popen(program, "send", overlay(sender), overlay(receiver), port, rate, count,
                                           FRAME - HEADERS, stdout=subprocess.PIPE, text=True)

    def stop(self):
        """Ends the sender early."""
        self._sender.send_signal(signal.SIGTERM)

    def is_over(self):
        """Whether all was sent."""
        return self._sender.poll() is not None

    def finish(self):
        """Waits for the end. Returns (sent, different ones that arrived, repeated ones, what kernels dropped)."""
        said, _ = self._sender.communicate(timeout=self.count / self.rate * 3 + 60)
        sent = int(said)
        self._taker.send_signal(signal.SIGTERM)
        taken, complaint = self._taker.communicate(timeout=60)
        assert self._taker.returncode == 0, complaint
        different, repeated, _, of_socket = map(int, taken.split())
        return sent, different, repeated, kernel_drops(*self.hosts) - self._before + of_socket


def kernel_drops(*hosts):
    """Frames that devices of the hosts have dropped: TAPs that the agent did not empty in time, and the underlay."""
    return sum(device["stats64"][way]["dropped"] for host in hosts for device in host.links() for way in DROPS)


def nothing_lost(flows, agents):
    """Finishes the flows: no agent has dropped a frame, none is lost but by kernels, which are told apart, and none
    comes twice. Returns how many arrived and how many kernels dropped.
    """
    results = [flow.finish() for flow in flows]
    counters = [agent.counters() for agent in agents]
    of_kernels = max(dropped for *_, dropped in results) + sum(each.all["kernel-drops"] for each in counters)
    lost = sum(sent - different for sent, different, _, _ in results)
    assert sum(repeated for _, _, repeated, _ in results) == 0, f"repeated: {results}"
    assert lost <= of_kernels, f"{lost} lost, of which kernels dropped {of_kernels}: {results}"
    for each in counters:
        dropped = {**each.dropped("overlay"), **each.dropped("underlay")}
        assert set(dropped) <= {"handshake"}, f"an agent dropped frames: {each}"  # of two that cross one is for nothing
    return sum(different for _, different, _, _ in results), of_kernels
