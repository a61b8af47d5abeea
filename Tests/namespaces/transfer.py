"""Data from one host of the lab to another, through whatever lies between them."""

import hashlib
import ipaddress
import os
import random
import socket
import threading

_PORT, _SHORT_PORT = 5201, 5400
_CHUNK = 1 << 18
_BLOCK = 25_000_000
_pool = b""


def random_bytes(count):
    """Random data; one pool serves all tests of a run."""
    global _pool
    if len(_pool) < count:
        _pool = os.urandom(count)
    return memoryview(_pool)[:count]


def blocks(count):
    """Blocks of random data of `count` bytes in all, each different from the one before, and their SHA-256."""
    pool, made, whole = random_bytes(_BLOCK), [], hashlib.sha256()
    while count > 0:
        begin = 8191 * len(made) % (_BLOCK // 2)
        made.append(pool[begin:min(_BLOCK, begin + count)])
        whole.update(made[-1])
        count -= len(made[-1])
    return made, whole.hexdigest()


def _family(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def _receive(listener, into, timeout):
    try:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(timeout)
            while block := connection.recv(_CHUNK):
                into["count"] += len(block)
                into["hash"].update(block)
            connection.sendall(b"!")
    except OSError as error:
        into["error"] = error


def tcp_hash(sender, receiver, address, *blocks, timeout=60, port=_PORT):
    """Sends the blocks by TCP to `address` of the receiver. Returns the SHA-256 of what arrived there, as text."""
    result = {"count": 0, "hash": hashlib.sha256(), "error": None}
    with receiver.bound(socket.SOCK_STREAM, address, port) as listener:
        listener.listen(1)
        listener.settimeout(timeout)
        thread = threading.Thread(target=_receive, args=(listener, result, timeout), daemon=True)
        thread.start()
        with sender.socket(_family(address), socket.SOCK_STREAM) as outgoing:
            outgoing.settimeout(timeout)
            outgoing.connect((address, port))
            for block in blocks:
                outgoing.sendall(block)
            outgoing.shutdown(socket.SHUT_WR)
            # The receiver answers when it has everything: only then may the connection go.
            answered = outgoing.recv(1) == b"!"
        thread.join(timeout)
    assert result["error"] is None and answered, f"TCP broke after {result['count']} bytes: {result['error']}"
    return result["hash"].hexdigest()


def udp_bytes(sender, receiver, address, payload, timeout=10):
    """Sends one UDP datagram to `address` of the receiver. Returns what arrived, None when nothing did."""
    with receiver.bound(socket.SOCK_DGRAM, address, _PORT) as incoming:
        incoming.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        incoming.settimeout(timeout)
        with sender.socket(_family(address), socket.SOCK_DGRAM) as outgoing:
            outgoing.sendto(payload, (address, _PORT))
            try:
                return incoming.recv(1 << 16)
            except TimeoutError:
                return None


def bulk_and_short(sender, receiver, address, count):
    """A TCP transfer of `count` bytes and a hundred short connections of up to 200,000 bytes, all at once.

    Returns whether the bulk arrived as it was, and for each short connection whether it did.
    """
    data, expected = blocks(count)
    chance, results, bulk = random.Random(100), [], []
    with receiver.bound(socket.SOCK_STREAM, address, _SHORT_PORT) as listener:
        listener.listen(128)
        listener.settimeout(60)
        threads = [threading.Thread(target=_answer_all, args=(listener, 100)), threading.Thread(
            target=lambda: bulk.append(tcp_hash(sender, receiver, address, *data, timeout=300)))]
        threads += [threading.Thread(target=_short_connection, args=(
            sender, address, chance.randbytes(chance.randrange(1, 200_000)), results)) for _ in range(100)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join(300)
    return bulk == [expected], results


def _answer_all(listener, count):
    """Answers each of `count` connections with the SHA-256 of what it sent."""
    def answer(connection):
        with connection:
            connection.settimeout(60)
            whole = hashlib.sha256()
            while block := connection.recv(1 << 16):
                whole.update(block)
            connection.sendall(whole.digest())
    threads = []
    for _ in range(count):
        connection, _ = listener.accept()
        threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(60)


def _short_connection(sender, address, data, results):
    """Sends `data` and compares the answer with its SHA-256; adds whether they were equal to `results`."""
    with sender.socket(_family(address), socket.SOCK_STREAM) as outgoing:
        outgoing.settimeout(60)
        outgoing.connect((address, _SHORT_PORT))
        outgoing.sendall(data)
        outgoing.shutdown(socket.SHUT_WR)
        results.append(outgoing.recv(32, socket.MSG_WAITALL) == hashlib.sha256(data).digest())
