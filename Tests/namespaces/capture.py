"""tcpdump on a device, written to a file and judged at the end."""

import signal
import struct
import subprocess

import verifying
from host import wait_until

FRAGMENT = "(ip and ip[6:2] & 0x3fff != 0) or (ip6 and ip6[6] == 44)"
"""A datagram of the underlay that was cut: more-fragments or an offset in IPv4, a fragment header in IPv6."""


class Capture:
    """A capture of what a host sends and receives. `close` fails if one outer datagram was an IP fragment, and if
    `vtep verify --strict` finds a rule broken that is not among `allows`: those that the test breaks on purpose.

    `judging` gives the options of `vtep verify`. There is room for `buffer` KiB of frames that tcpdump has not read
    yet, each of which takes `snaplen` bytes however short it is (0: the most there is). `silent` is a capture that may
    have no datagram of VXLAN.
    """

    def __init__(self, host, device, path, expression="udp port 4789", direction="inout", snaplen=0, buffer=16384,
                 allows=(), judging=lambda: (), silent=False):
        self.path, self.allows, self.judging, self.silent = path, allows, judging, silent
        self.log = open(f"{path}.log", "w+", encoding="utf-8")
        self.process = host.popen("tcpdump", "-Z", "root", "-i", device, "-Q", direction, "-U", "--immediate-mode",
                                  "-s", snaplen, "-B", buffer, "-w", path, f"({expression}) or ({FRAGMENT})",
                                  stderr=self.log)
        wait_until(lambda: "listening on" in self.said(), 30, f"tcpdump listens on {device}: {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def said(self):
        """What tcpdump wrote to its standard error."""
        with open(self.log.name, encoding="utf-8") as text:
            return text.read()

    def end(self):
        """Ends tcpdump, so that the file is whole."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def close(self):
        """Ends tcpdump and judges the file."""
        if self.process.poll() is not None:
            return
        self.end()
        assert "0 packets dropped by kernel" in self.said(), f"the capture is not whole: {self.said()}"
        cut = self.lines(FRAGMENT)
        assert cut == [], f"{len(cut)} outer datagrams were IP fragments; the first: {cut[0]}"
        verifying.check(self.path, self.allows, self.judging(), self.silent)

    def frames(self):
        """The bytes of each frame of the capture, as they were on the device. Only after `close`."""
        with open(self.path, "rb") as file:
            data = file.read()
        assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"), f"another kind of file: {data[:4].hex()}"
        frames, offset = [], 24
        while offset < len(data):
            taken, whole = struct.unpack_from("<II", data, offset + 8)
            assert taken == whole, "a frame is cut"
            frames.append(data[offset + 16:offset + 16 + taken])
            offset += 16 + taken
        return frames

    def lines(self, expression="", *options):
        """The capture as tcpdump prints it, one line for each datagram."""
        done = subprocess.run(["tcpdump", "-nn", "-r", self.path, *options, expression], capture_output=True, text=True,
                              check=True)
        return done.stdout.splitlines()

    def fields(self, *names, expression="", options=()):
        """What tshark decodes: one list of strings for each datagram, the outermost value of each field."""
        line = ["tshark", "-n", "-r", self.path, "-T", "fields", "-E", "occurrence=f", "-o", "udp.check_checksum:TRUE",
                "-o", "ip.check_checksum:TRUE", *options]
        for name in names:
            line += ["-e", name]
        done = subprocess.run(line + (["-Y", expression] if expression else []), capture_output=True, text=True)
        assert done.returncode == 0, f"tshark: {done.stderr}"
        return [row.split("\t") for row in done.stdout.splitlines()]
