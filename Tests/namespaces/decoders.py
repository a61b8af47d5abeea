"""What independent decoders say of the datagrams in a capture of plain VXLAN on Ethernet, packet by packet."""

import re
import subprocess

FIELDS = ("frame.number", "frame.len", "eth.type", "eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "ip.flags.df", "ip.checksum.status", "udp.srcport", "udp.length", "udp.checksum.status",
          "vxlan.vni", "vxlan.flags", "vxlan.gbp", "vxlan.reserved8")
_I = 0x0800
_WRONG, _NONE_WHERE_NEEDED = "0", "4"
_LINE = re.compile(r"IP6? (\S+)\.(\d+) > (\S+)\.\d+: VXLAN, flags \[.*?\] \(0x(..)\), vni (\d+)")


class Decoded:
    """A datagram as tshark decodes it. The fields of outer headers stand before those of inner ones."""

    def __init__(self, row):
        self._values = {name: value.split(",") if value else [] for name, value in zip(FIELDS, row)}
        self.number, self.length = int(self.outer("frame.number")), int(self.outer("frame.len"))
        self.family = "ip" if self.outer("eth.type") == "0x0800" else "ipv6"
        self.source, self.destination = self.outer(f"{self.family}.src"), self.outer(f"{self.family}.dst")
        self.source_port = int(self.outer("udp.srcport"))
        self.flags = int(self.outer("vxlan.flags") or "0", 16)
        self.vni = int(self.outer("vxlan.vni")) if self.flags & _I else None

    def outer(self, name):
        """The first value of a field; None without one."""
        return self._values[name][0] if self._values[name] else None

    def inner(self, name):
        """The second value of a field; None without one."""
        return self._values[name][1] if len(self._values[name]) > 1 else None

    def described(self):
        """What `vtep capture -j` says of the same datagram."""
        return {"length": self.length, "source": self.source, "source-port": self.source_port,
                "destination": self.destination, "vni": self.vni,
                "inner-length": int(self.outer("udp.length")) - 16, "inner-source": self.inner("eth.src"),
                "inner-destination": self.inner("eth.dst"), "inner-ethertype": self.inner("eth.type")}

    def broken(self):
        """The rules that it breaks, of those that tshark can judge."""
        reserved = self.flags & ~_I | int(self.outer("vxlan.gbp") or 0) | int(self.outer("vxlan.reserved8") or 0)
        source = bytes.fromhex((self.inner("eth.src") or "02").replace(":", ""))
        rules = {
            "outer-ipv4-checksum": self.family == "ip" and self.outer("ip.checksum.status") == _WRONG,
            "outer-udp-checksum": self.outer("udp.checksum.status") in (_WRONG, _NONE_WHERE_NEEDED),
            "no-vni-flag": self.vni is None,
            "reserved-bits": self.vni is not None and reserved,
            "inner-source": source[0] & 1 or not any(source),
            "vlan-tag": self.inner("eth.type") in ("0x8100", "0x88a8"),
            "df-clear": self.family == "ip" and self.outer("ip.flags.df") in ("0", "False"),
            "source-port-range": self.source_port < 49_152,
        }
        return {rule for rule, is_broken in rules.items() if is_broken}


JUDGED = {"outer-ipv4-checksum", "outer-udp-checksum", "no-vni-flag", "reserved-bits", "inner-source", "vlan-tag",
          "df-clear", "source-port-range"}


def tshark(path, port=4789):
    """The datagrams of a capture to this port, as tshark decodes them."""
    line = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-d", f"udp.port=={port},vxlan"]
    for preference in ("udp.check_checksum:TRUE", "ip.check_checksum:TRUE", "ip.defragment:FALSE"):
        line += ["-o", preference]
    for name in FIELDS:
        line += ["-e", name]
    done = subprocess.run([*line, "-Y", f"vxlan and udp.dstport=={port}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"tshark: {done.stderr}"
    return [Decoded(row.split("\t")) for row in done.stdout.splitlines()]


def tcpdump(path, port=4789):
    """Addresses, source port and VNI of each datagram with one to this port, as tcpdump prints them."""
    style = () if port == 4789 else ("-T", "vxlan")
    found = map(_LINE.search, tcpdump_reads(path, *style, f"udp dst port {port}").stdout.splitlines())
    return [(each[1], int(each[2]), each[3], int(each[5])) for each in found if each and int(each[4], 16) & 8]


def tcpdump_reads(path, *options):
    """What tcpdump prints of a capture, and says of it."""
    return subprocess.run(["tcpdump", "-nn", "-r", path, *map(str, options)], capture_output=True, text=True,
                          check=True, timeout=120)
