"""Agents whose segments are sealed, with each other as peers."""

import collections
import socket

from frames import mac, mac_text
from host import wait_until
from keys import Identity
from packets import Packets

PORTS = "udp port 4789 or udp port 4790"
EVERYTHING = "greater 1"
ROOMY = {"snaplen": 65_000, "buffer": 1 << 16}
"""A capture's room for a thousand frames at once."""
OVERHEAD = {"v4": 74, "v6": 94}


HANDSHAKES = "udp port 4790 and udp[8] = 0x0d and udp[11] = 0xff"
RESPONSE_LENGTH = 14 + 20 + 8 + 104


def short_keys(seconds):
    """The environment of an agent whose keys live so long: sessions are replaced at two thirds of that."""
    return {"VTEP_TEST_KEY_SECONDS": str(seconds)}


class Agreements:
    """Counts the sessions that are agreed on over a host's underlay from now on, by the responses that pass (IPv4).
    `with_other` counts those with each other host, by its address.
    """

    def __init__(self, host):
        self._packets, self._own = Packets(host, "u0", HANDSHAKES, incoming=False), socket.inet_aton(host.address)
        self.count, self.with_other = 0, collections.Counter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._packets.close()

    def seen(self):
        """How many there were."""
        for frame in self._packets.rest(quiet=0):
            if len(frame) == RESPONSE_LENGTH:
                other = frame[30:34] if frame[26:30] == self._own else frame[26:30]
                self.with_other[socket.inet_ntoa(other)] += 1
                self.count += 1
        return self.count

    def wait_for(self, more, seconds):
        """Waits until there were so many more."""
        wanted = self.seen() + more
        wait_until(lambda: self.seen() >= wanted, seconds, f"{more} more sessions are agreed on", every=0.05)

    def wait_for_each(self, others, seconds):
        """Waits until one more session was agreed on with each of the other hosts."""
        self.seen()
        before = self.with_other.copy()
        wait_until(lambda: self.seen() and all(self.with_other[each.address] > before[each.address] for each in others),
                   seconds, "a session is agreed on with every other host", every=0.02)


def overlay(number):
    """The overlay address of host `number`."""
    return f"10.42.0.{number}"


def station(number):
    """The MAC of the TAP of host `number`: bytes that nothing else in a capture is likely to have."""
    return mac(0x5EA1_0000 | number)


def sealed_segment(number, **changes):
    """Segment 42, sealed, on TAP vx42 of host `number`."""
    return {"vni": 42, "tap": "vx42", "address": [f"{overlay(number)}/24"], "mac": mac_text(station(number)),
            "sealed": True, **changes}


def identities(lab):
    """A key pair for every host of the lab that has an address, by the host's name."""
    return {name: Identity(lab, name) for name, host in lab.hosts.items() if host.address}


def sealed_agent(lab, name, known, segments=None, local=None, start=False, **sections):
    """An agent on host `name`; `known` are the key pairs of all hosts, its own among them. Peers are named as hosts."""
    number = int(name[1:])
    peers = [{"name": other, "address": lab.hosts[other].address, "public-key": each.text}
             for other, each in known.items() if other != name]
    sections = {"segments": segments or [sealed_segment(number)], "peers": peers, **sections}
    return lab.agent(name, start=start, local={"private-key-file": known[name].path, **(local or {})}, **sections)


def sealed_agents(lab, known=None, changes=None, local=None, environment=None, **sections):
    """An agent on every host, started, with every session up. `changes` are those of the sealed segment."""
    known = known or identities(lab)
    agents = [sealed_agent(lab, name, known, [sealed_segment(int(name[1:]), **(changes or {}))], local, **sections)
              for name in known]
    for agent in agents:
        agent.start(environment)
    for agent in agents:
        session_up(agent)
    return agents


def sessions(agent):
    """The state of each peer's session by name."""
    return {peer["name"]: peer["session"] for peer in agent.json("peers")}


def session_up(agent, seconds=10):
    """Waits until every peer of the agent has a session."""
    wait_until(lambda: set(sessions(agent).values()) == {"up"}, seconds,
               f"every session of {agent.host.name} is up: {sessions(agent)}")
