"""What an agent tells under `control.metrics`: pages fetched over HTTP, and the series on them."""

import http.client
import re
import socket

PORT = 9910
CONTROL = {"metrics": f"127.0.0.1:{PORT}"}
_SERIES = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def connected(host, timeout=10, address="127.0.0.1"):
    """A TCP connection to the listener of the agent on a host."""
    made = host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(timeout)
    made.connect((address, PORT))
    return made


def fetch(host, path="/metrics", method="GET", address="127.0.0.1"):
    """Status, content type and body of one answer."""
    connection = http.client.HTTPConnection(address, PORT)
    connection.sock = connected(host, address=address)
    try:
        connection.request(method, path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read().decode("utf-8")
    finally:
        connection.close()


class Page:
    """One `/metrics` page."""

    def __init__(self, text):
        self.text, self.series = text, []
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = _SERIES.fullmatch(line).groups()
                self.series.append((name, dict(_LABEL.findall(labels or "")), float(value)))
        self.names = {name for name, _, _ in self.series}

    @classmethod
    def of(cls, host, **options):
        """The page now, or what was a moment ago: one may be kept for a second."""
        status, kind, text = fetch(host, **options)
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8"), (status, kind, text)
        return cls(text)

    def values(self, name, **labels):
        """The values of the series that have these labels, by the other ones."""
        found = {}
        for each, its, value in self.series:
            if each == name and labels.items() <= its.items():
                found[tuple(value for key, value in its.items() if key not in labels)] = value
        return found

    def sum(self, name, **labels):
        """What they add up to."""
        return sum(self.values(name, **labels).values())

    def labels(self, name):
        """The names of all labels that a metric has somewhere."""
        return {label for each, its, _ in self.series if each == name for label in its}


def totals(page, side):
    """The counters of one side, `overlay` or `underlay`, as `vtep stats -j` names them, folded from the page."""
    sent = "vtep_transmit_packets_total" if side == "overlay" else "vtep_receive_packets_total"
    copies = ("flood-copies", "flood-copy-drops") if side == "overlay" else ()
    return {
        "frames-in": page.sum("vtep_frames_in_total", direction=side), "frames-out": page.sum(sent),
        "drops": page.sum("vtep_drop_packets_total", direction=side),
        "consumed": page.sum("vtep_frames_consumed_total", direction=side),
        "waiting": page.sum("vtep_frames_waiting", direction=side),
        "generated": page.sum("vtep_frames_generated_total", direction=side),
        "flood-copies": page.sum("vtep_flood_copies_total") if copies else 0,
        "flood-copy-drops": page.sum("vtep_flood_copy_drops_total") if copies else 0,
        "kernel-drops": page.sum("vtep_kernel_drop_packets_total", direction=side),
    }


def drops(page, side):
    """Drop reasons of one side with their counts over all segments, without zeros, as `Counters.dropped`."""
    found = {}
    for name, labels, value in page.series:
        if name == "vtep_drop_packets_total" and labels["direction"] == side and value:
            found[labels["reason"]] = found.get(labels["reason"], 0) + int(value)
    return found
