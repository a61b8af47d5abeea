"""What a VTEP does with each datagram, in the plainest terms: a model to hold the data path against.

Written from RFC 7348 (sections 4.1 and 5), RFC 6040 (section 4.2) and the order of the drop reasons, not from the
Swift sources. Reads one JSON object of segments and peers, then one datagram a line:

    SOURCE TRAFFIC-CLASS FRAGMENTED(0|1) PAYLOAD-IN-HEX(or -)

and answers one line for each: `deliver SLOT FRAME-IN-HEX` or `drop REASON`. All input is read before any output.
"""
import ipaddress
import json
import sys

TAGS = (0x8100, 0x88A8)
MAX_UDP_PAYLOAD_BUFFER = 65536
NOT_ECT, ECT1, ECT0, CE = range(4)
# RFC 6040, figure 4: rows are the inner field, columns the outer one; None = drop.
DECAPSULATED = {
    NOT_ECT: {NOT_ECT: NOT_ECT, ECT0: NOT_ECT, ECT1: NOT_ECT, CE: None},
    ECT0: {NOT_ECT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT_ECT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT_ECT: CE, ECT0: CE, ECT1: CE, CE: CE},
}


class Drop(Exception):
    """The datagram ends; the argument is the reason."""


def number(data):
    return int.from_bytes(data, "big")


def inner_ip_offset(frame):
    """Where the IP header is, and its version; None when the frame carries none that is whole."""
    offset = 12
    while len(frame) >= offset + 6 and number(frame[offset:offset + 2]) in TAGS:
        offset += 4
    kind, start = number(frame[offset:offset + 2]), offset + 2
    for version, ether_type, length in ((4, 0x0800, 20), (6, 0x86DD, 40)):
        if kind == ether_type and len(frame) >= start + length and frame[start] >> 4 == version:
            return start, version
    return None


def with_ecn(frame, outer):
    """The frame with the outer ECN field brought in."""
    place = inner_ip_offset(frame)
    if place is None:
        return frame
    start, version = place
    traffic_class = number(frame[start:start + 2]) >> (0 if version == 4 else 4) & 0xFF
    result = DECAPSULATED[traffic_class & 3][outer]
    if result is None:
        raise Drop("ecn")
    changed = bytearray(frame)
    if version == 6:
        word = number(frame[start:start + 4]) & ~(3 << 20) | result << 20
        changed[start:start + 4] = word.to_bytes(4, "big")
    elif result != traffic_class & 3:
        old, new = number(frame[start:start + 2]), number(frame[start:start + 2]) & ~3 | result
        changed[start + 1] = new & 0xFF
        # RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
        total = (~number(frame[start + 10:start + 12]) & 0xFFFF) + (~old & 0xFFFF) + new
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        changed[start + 10:start + 12] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(changed)


def judge_frame(segment, peer, frame):
    if len(frame) < 14:
        raise Drop("short-frame")
    if len(frame) > segment["mtu"] + 14 + (4 if segment["tags"] else 0):
        raise Drop("oversize")
    if number(frame[12:14]) in TAGS and not segment["tags"]:
        raise Drop("vlan-tag")
    source = frame[6:12]
    if source[0] & 1 or not any(source):
        raise Drop("invalid-source-mac")
    if source.hex() == segment["mac"]:
        raise Drop("own-source-mac")
    if segment["static"].get(source.hex(), peer) != peer:
        raise Drop("static-move")


def judge(setup, source, traffic_class, is_fragmented, payload):
    """The slot of the segment and the frame that its TAP gets. Raises Drop."""
    if is_fragmented:
        raise Drop("fragment")
    if len(payload) > MAX_UDP_PAYLOAD_BUFFER:
        raise Drop("truncated")
    if len(payload) < 8:
        raise Drop("short-header")
    flags, vni_word = number(payload[:4]), number(payload[4:8])
    if not flags & 0x08000000:
        raise Drop("no-vni-flag")
    slot, segment = next(
        ((slot, segment) for slot, segment in enumerate(setup["segments"]) if segment["vni"] == vni_word >> 8),
        (None, None))
    if (flags & 0xF7FFFFFF or vni_word & 0xFF) and not (segment and segment["lenient"]):
        raise Drop("reserved-bits")
    peers = [ipaddress.ip_address(peer) for peer in setup["peers"]]
    if ipaddress.ip_address(source) not in peers:
        raise Drop("unknown-peer")
    if segment is None:
        raise Drop("unknown-vni")
    peer = peers.index(ipaddress.ip_address(source))
    if peer not in segment["peers"]:
        raise Drop("not-permitted")
    judge_frame(segment, peer, payload[8:])
    return slot, with_ecn(payload[8:], traffic_class & 3)


def main():
    setup, *lines = sys.stdin.read().splitlines()
    setup = json.loads(setup)
    for line in lines:
        source, traffic_class, is_fragmented, payload = line.split()
        payload = b"" if payload == "-" else bytes.fromhex(payload)
        try:
            slot, frame = judge(setup, source, int(traffic_class), is_fragmented == "1", payload)
            print("deliver", slot, frame.hex())
        except Drop as drop:
            print("drop", drop)


main()
