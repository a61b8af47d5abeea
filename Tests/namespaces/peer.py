"""A VTEP made of one UDP socket: what the tests send and receive by hand, in the place of a peer."""

import ipaddress
import select
import socket
import struct

from arrivals import Arrivals
from frames import vxlan

_SO_NO_CHECK, _UDP_NO_CHECK6_TX, _UDP_SEGMENT, _SOL_UDP = 11, 101, 103, 17
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER = 10, 23


class RawPeer(Arrivals):
    """Port 4789 of an address of a host. Sends any bytes to the agent; receives what the agent sends to it."""

    def __init__(self, host, agent, address=None, port=4789):
        self.address = address or host.address
        self.six = ipaddress.ip_address(self.address).version == 6
        self.socket = host.bound(socket.SOCK_DGRAM, self.address, port)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.destination = (agent.host.address, 4789)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, payload, times=1):
        """Sends a UDP payload as it is."""
        for _ in range(times):
            self.socket.sendto(payload, self.destination)

    def send_frame(self, frame, vni=42, times=1):
        """Sends a frame in VXLAN."""
        self.send(vxlan(vni, frame), times)

    def send_segments(self, payload, size):
        """Hands the kernel one buffer that goes out as datagrams of `size` bytes (UDP_SEGMENT)."""
        notes = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("H", size))]
        self.socket.sendmsg([payload], notes, 0, self.destination)

    def set_traffic_class(self, value):
        """TOS or traffic class of what follows, ECN included."""
        if self.six:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)

    def omit_checksum(self):
        """Sends a zero UDP checksum from now on."""
        if self.six:
            self.socket.setsockopt(_SOL_UDP, _UDP_NO_CHECK6_TX, 1)
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)

    def allow_fragments(self):
        """Lets the kernel cut datagrams that are larger than the link."""
        if self.six:
            self.socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, 0)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, 0)

    def receive(self, seconds=5.0):
        """The next UDP payload from the agent, or None after `seconds`."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        return self.socket.recv(1 << 16)

    next = receive
