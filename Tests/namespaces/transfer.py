"""Data from one host of the lab to another, through whatever lies between them."""

import hashlib
import ipaddress
import os
import socket
import threading

_PORT = 5201
_CHUNK = 1 << 18
_pool = b""


def random_bytes(count):
    """Random data; one pool serves all tests of a run."""
    global _pool
    if len(_pool) < count:
        _pool = os.urandom(count)
    return memoryview(_pool)[:count]


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


def udp_bytes(sender, receiver, address, payload, timeout=3):
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
