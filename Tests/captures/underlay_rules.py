"""A capture that breaks each rule of the outer headers, and one near it that does not.

A function a rule, whose name is the rule's: it fills `broken` and `whole` and returns the options of `vtep verify`.
"""

import struct

from underlay import (PARTIAL, PLAIN, STATION_C, WRONG, ZERO, Conversation, datagram, packet, reheadered, udp)

MORE = 0x2000


def outer_length(broken, whole):
    """Broken: UDP says more and less than IP. Whole: a trailer behind the packet."""
    talk = Conversation()
    broken.add(talk.good(), talk.answer())
    broken.breaks(*(talk.good(said=said, check=ZERO) for said in (117, 115, 60)))
    broken.add(talk.good())
    whole.add(talk.good(), talk.good() + b"\xde\xad\xbe\xef", talk.answer())


def outer_ipv4_checksum(broken, whole):
    """Whole: the checksum of a header with options, and of one that a router changed."""
    talk = Conversation()
    false = bytearray(talk.good())
    false[25] ^= 1
    broken.add(talk.good())
    broken.breaks(bytes(false))
    broken.add(talk.answer())
    whole.add(talk.good(), reheadered(talk.good(), b"\x01" * 4), reheadered(talk.good(), o8=63))


def outer_udp_checksum(broken, whole):
    """Broken: wrong, and zero on IPv6. Whole: zero on IPv4, left to the card, 0xFFFF for zero."""
    four, six = Conversation(), Conversation(43, six=True)
    broken.add(four.good(), six.good())
    broken.breaks(four.good(check=WRONG), six.good(check=WRONG), six.good(check=ZERO))
    broken.add(six.answer(), four.answer())
    whole.add(four.good(check=ZERO), four.good(check=PARTIAL), six.good(check=PARTIAL), six.good(), sums_to_zero(four))


def sums_to_zero(talk):
    """A good datagram whose checksum comes to zero, so that it is sent as 0xFFFF."""
    payload = talk.payload()
    missing = struct.unpack_from(">H", datagram(payload), 40)[0]
    last = struct.unpack(">H", payload[-2:])[0] + missing
    made = datagram(payload[:-2] + struct.pack(">H", (last & 0xFFFF) + (last >> 16)))
    assert made[40:42] == b"\xff\xff"
    return made


def outer_fragment(broken, whole):
    """Broken: the first and the second part of a datagram, in both families. Whole: of another protocol and port."""
    talk = Conversation()
    segment, six = (udp(50_000, PLAIN, talk.payload(1000)) for _ in range(2))
    broken.add(talk.good())
    broken.breaks(*(packet(17, segment[from_:to], identification=7, flags=flags | from_ // 8)
                    for from_, to, flags in ((0, 800, MORE), (800, None, 0))))
    broken.breaks(*(packet(44, struct.pack(">BxHI", 17, from_ | more, 7) + six[from_:to], six=True)
                    for from_, to, more in ((0, 800, 1), (800, None, 0))))
    broken.add(talk.answer())
    question = udp(50_000, 53, bytes(1000))
    whole.add(talk.good(), packet(17, question[:800], identification=8, flags=MORE),
              packet(1, bytes(800), identification=9, flags=MORE), packet(1, bytes(8), identification=9, flags=100),
              talk.answer())


def source_port_range(broken, whole):
    """Either side of the lower end, and both ends."""
    broken.add(Conversation().good(source_port=49_152))
    broken.breaks(*(Conversation(vni).good(source_port=port) for vni, port in ((43, 49_151), (44, 1024), (45, PLAIN))))
    whole.add(Conversation().good(source_port=49_152), Conversation(43).good(source_port=65_535))


def df_clear(broken, whole):
    """IPv4 without DF. Whole: with DF, and IPv6, which has none."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(talk.good(flags=0, identification=77))
    whole.add(talk.good(), Conversation(43, six=True).good())


def flow_port_unstable(broken, whole):
    """An inner flow that changes its outer port. Whole: two flows, two segments and two peers have a port each."""
    talk = Conversation()
    broken.add(talk.good(), talk.good())
    broken.breaks(talk.good(source_port=50_001))
    whole.add(talk.good(), talk.good(), Conversation(43).good(source_port=50_001),
              talk.good(source_port=50_002, hosts=(1, 3)), talk.answer(), talk.good())


def duplicate(broken, whole):
    """The same datagram twice. Whole: copies of a flood to two peers, and datagrams that differ in a byte."""
    talk = Conversation()
    twice = talk.payload()
    broken.add(datagram(twice), talk.good())
    broken.breaks(datagram(twice))
    whole.add(talk.good(), talk.good(), datagram(twice), datagram(twice, hosts=(1, 3)))


def mac_moved(broken, whole):
    """A station behind another VTEP than before. Whole: the same address in another segment, and another station."""
    talk, other = Conversation(), Conversation(43)
    third = Conversation(source=STATION_C)
    broken.add(talk.good(), talk.answer())
    broken.breaks(talk.good(hosts=(3, 2)))
    whole.add(talk.good(), talk.answer(), other.good(hosts=(3, 2), source_port=50_003),
              third.good(hosts=(3, 2), source_port=50_004))
