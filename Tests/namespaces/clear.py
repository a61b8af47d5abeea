"""Frames in clear for a sealed segment, as a sender without keys may dress them: row 14 of the fault table."""

import socket
import struct

from conftest import full
from frames import BROADCAST, ethernet, mac, mac_text, vxlan
from host import wait_until
from packets import Packets
from sealed import overlay

GUEST = mac(0xB0B)
COUNT = 1_000_000 // 12 if full() else 250


def request_for_the_tap():
    """An ARP request that the host behind the TAP would answer."""
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + GUEST + socket.inet_aton(overlay(2)) + bytes(6)
    return ethernet(GUEST, BROADCAST, body + socket.inet_aton(overlay(1)), ethertype=0x0806)


def forms():
    """A frame in clear as a sender without keys may dress it: name -> (datagram, reason on 4789, reason on 4790)."""
    frame, vni = request_for_the_tap(), (42).to_bytes(3, "big") + b"\0"
    word = (0x23456 << 40 | 7).to_bytes(8, "big")
    return {
        "plain": (vxlan(42, frame), "plain-for-sealed", "framing"),
        "gpe": (bytes.fromhex("0c000003") + vni + frame, "reserved-bits", "framing"),
        "gpe-sealed": (bytes.fromhex("0c0000fe") + vni + word + frame, "reserved-bits", "unknown-session"),
        "control": (bytes.fromhex("0d0000fe") + bytes(4) + word + frame, "reserved-bits", "unknown-session"),
        "control-with-vni": (bytes.fromhex("0d0000fe") + vni + word + frame, "reserved-bits", "framing"),
        "handshake": (bytes.fromhex("0d0000ff") + bytes(4) + (1).to_bytes(8, "big") + frame, "reserved-bits",
                      "handshake"),
    }


def inject(lab, agent, blaster, count):
    """Sends every form to both ports. Nothing of it is delivered, learned or answered, all is counted by its name."""
    with Packets(lab.h1, "vx42") as tap:
        for datagram, *reasons in forms().values():
            for port, reason in zip((4789, 4790), reasons):
                before = agent.counters()
                sent = blaster.send(lab.h2, lab.h1.address, (datagram for _ in range(count)), rate=40_000, port=port)
                counted = wait_until(lambda: ended(agent, before, sent), 20, f"{sent} datagrams have ended")
                lost = counted.all["kernel-drops"]
                assert counted.dropped("underlay") == {reason: sent - lost}, (datagram[:16].hex(), port, counted)
                assert counted.underlay["frames-out"] == 0
        assert tap.rest() == [], "delivered"
    assert mac_text(GUEST) not in agent.fdb(), "learned"


def ended(agent, before, count):
    """What was counted since, once so many datagrams were dropped; what agents say to each other is none of them."""
    counted = agent.counters().since(before)
    return counted.underlay["drops"] + counted.all["kernel-drops"] >= count and counted
