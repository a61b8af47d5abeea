"""Scrapers that come often, and clients of the metrics listener that mean harm: data goes on."""

import contextlib
import http.client
import random
import socket
import threading
import time

import pytest

from conftest import full
from host import wait_until
from metrics import CONTROL, PORT, Page, connected, fetch
from sealed import overlay

pytestmark = pytest.mark.alone

RATE, SECONDS, PAIRS = (50_000, 10, 5) if full() else (20_000, 1, 2)
SCRAPES = 100
HALF_OPEN = 1_000
HEADER_LINE = 1 << 30


def carrying(lab, peers=()):
    """Two agents with a plain segment, the first with metrics."""
    agents = []
    for number, name in enumerate(("h1", "h2"), 1):
        other = lab.address(3 - number)
        agents.append(lab.agent(
            name, control=CONTROL, segments=[{"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"]}],
            peers=[{"name": "other", "address": other}, *(peers if number == 1 else ())]))
    assert lab.h1.ping(overlay(2))
    return agents[0]


class Beside:
    """`body(stopping)` in a thread of its own until the block ends; what it threw is thrown there."""

    def __init__(self, body):
        self._stopping, self._failure = threading.Event(), None
        self._thread = threading.Thread(target=self._run, args=(body,))

    def _run(self, body):
        try:
            body(self._stopping)
        except Exception as failure:  # pylint: disable=broad-except
            self._failure = failure

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        if self._failure:
            raise self._failure


def arrived(lab, numbered):
    """Of a flow of numbered frames, the share that arrived."""
    sent, different, _, _ = numbered.flow(lab, 1, 2, RATE * SECONDS, RATE).finish()
    assert sent == RATE * SECONDS
    return different / sent


def kept(lab, numbered, body):
    """What of a flow's goodput is left beside `body`: of runs with and without it that alternate, the sums."""
    without = beside = 0
    for _ in range(PAIRS):
        without += arrived(lab, numbered)
        with Beside(body):
            beside += arrived(lab, numbered)
    return beside / without


def test_100_scrapes_a_second_cost_the_data_path_nothing(lab, numbered, figure):
    carrying(lab)
    counted = []

    def scrape(stopping):
        connection, start, count = http.client.HTTPConnection("127.0.0.1", PORT), time.monotonic(), 0
        connection.sock = connected(lab.h1)
        while not stopping.is_set():
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read().startswith(b"# HELP")
            count += 1
            time.sleep(max(0, start + count / SCRAPES - time.monotonic()))
        counted.append(count / (time.monotonic() - start))
        connection.close()
    share = kept(lab, numbered, scrape)
    figure(f"goodput {share:.2%} of that without, at {RATE} frames of 512 B a second and "
           f"{min(counted):.0f} scrapes a second")
    assert min(counted) >= 0.9 * SCRAPES
    assert share >= 0.99


def half_open(host, stopping):
    """A thousand connections that say nothing, or half a request."""
    clients = []
    for number in range(HALF_OPEN):
        if stopping.is_set():
            break
        clients.append(connected(host))
        if number % 2:
            send(clients[-1], b"GET /metr")
    stopping.wait()
    for client in clients:
        client.close()


def send(client, data):
    """Sends as far as the other side takes it. Whether it took all."""
    try:
        client.sendall(data)
        return True
    except OSError:
        return False


def endless_line(host, stopping):
    """A header line of a gigabyte, as far as it is taken, again and again."""
    part = bytes([97]) * (1 << 20)
    while not stopping.is_set():
        with connected(host) as client:
            sent = 0
            if send(client, b"GET /metrics HTTP/1.1\r\nX-Long: "):
                while sent < HEADER_LINE and send(client, part):
                    sent += len(part)
            assert sent < HEADER_LINE, "the whole line was taken"
        time.sleep(0.02)


def slow_readers(host, stopping):
    """As many as there are places, each of which asks for sixteen pages and reads none."""
    clients = []
    for _ in range(16):
        client = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        client.settimeout(10)
        client.connect(("127.0.0.1", PORT))
        send(client, b"GET /metrics HTTP/1.1\r\n\r\n" * 16)
        clients.append(client)
    stopping.wait()
    for client in clients:
        client.close()


def garbage(host, stopping):
    """Random bytes, and requests with some of theirs changed."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    good = b"GET /metrics HTTP/1.1\r\nHost: vtep\r\nContent-Length: 3\r\n\r\nabc"
    while not stopping.is_set():
        data = bytearray(good if source.random() < 0.5 else source.randbytes(source.randrange(1, 600)))
        for _ in range(source.randrange(4)):
            data[source.randrange(len(data))] = source.randrange(256)
        with connected(host) as client:
            send(client, bytes(data))
        time.sleep(0.005)


def all_at_once(host, stopping):
    """Each of the above in a thread of its own."""
    with contextlib.ExitStack() as stack:
        for body in (half_open, endless_line, slow_readers, garbage):
            stack.enter_context(Beside(lambda _, body=body: body(host, stopping)))
        stopping.wait()


BODIES = (half_open, endless_line, slow_readers, garbage, all_at_once) if full() else (all_at_once,)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_clients_that_mean_harm_cost_neither_data_nor_memory_and_the_listener_survives(lab, numbered, body, figure):
    lab.h1.ip("route", "add", "198.18.0.0/15", "via", lab.h2.address)
    agent = carrying(lab, [{"name": f"p{number}", "address": f"198.18.0.{number}"} for number in range(1, 201)])
    # Everything that is made once is made: the page, and the paths of a flow.
    size = len(Page.of(lab.h1).text)
    arrived(lab, numbered)
    with Beside(lambda stopping: body(lab.h1, stopping)):
        time.sleep(0.5)
    wait_until(lambda: fetch_or_none(lab.h1), 20, "the listener answers")
    before = agent.memory()
    share = kept(lab, numbered, lambda stopping: body(lab.h1, stopping))
    grown = agent.memory() - before
    figure(f"{body.__name__}: goodput {share:.2%} of that without, {grown} KiB more, page of {size / 1024:.0f} KiB")
    wait_until(lambda: fetch_or_none(lab.h1), 20, "the listener answers")
    assert agent.json("status")["pid"] == agent.process.pid
    assert share >= 0.99
    assert grown < 8 * 1024


def fetch_or_none(host):
    """An answer of /healthz, or None where all places are taken."""
    try:
        return fetch(host, "/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return None
