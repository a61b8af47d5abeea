"""A capture that breaks each rule of the VXLAN header and of the inner frame, and one near it that does not.

A function a rule, whose name is the rule's: it fills `broken` and `whole` and returns the options of `vtep verify`.
"""

from frames import BROADCAST, RESERVED_BITS, ethernet, tagged, with_bit
from underlay import PARTIAL, STATION_A, STATION_B, Conversation, datagram, vxlan

MTU = 1450
LONGEST = MTU + 14


def header_short(broken, whole):
    """Payloads of 0 and 7 bytes. Whole: the shortest that there may be, a header and 14 bytes."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(datagram(b"", 50_001), datagram(vxlan(42, b"")[:7], 50_002))
    broken.add(talk.answer())
    whole.add(talk.good(), datagram(vxlan(42, ethernet(STATION_A, STATION_B)), 50_003))


def no_vni_flag(broken, whole):
    """Flags that are all zero. Whole: VNI 0, which is a VNI."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(datagram(talk.payload(flags=0)))
    broken.add(talk.good())
    whole.add(talk.good(), Conversation(0).good(source_port=50_001), Conversation(0xFFFFFF).good(source_port=50_002))


def reserved_bits(broken, whole):
    """Every one of the 39 bits by itself. Whole: every bit of the VNI."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(*(datagram(with_bit(talk.payload(), bit)) for bit in RESERVED_BITS))
    broken.add(talk.answer())
    whole.add(*(Conversation(1 << bit).good(40 + 14) for bit in range(24)))


def inner_short(broken, whole):
    """No inner byte, and 13. Whole: 14, and a frame shorter than Ethernet's least, which VTEPs do not pad."""
    talk = Conversation()
    broken.add(talk.good())
    frame = ethernet(STATION_A, STATION_B)
    broken.breaks(datagram(vxlan(42, b""), 50_001), datagram(vxlan(42, frame[:13]), 50_002))
    whole.add(talk.good(), datagram(vxlan(42, frame), 50_003), datagram(vxlan(42, frame + b"four"), 50_003))


def inner_source(broken, whole):
    """Sources that are a group, everybody and nobody. Whole: the same as destinations, and a source of 47 zero bits."""
    talk = Conversation()
    broken.add(talk.good())
    group, nobody = b"\x01\x00\x5e\0\0\1", bytes(6)
    broken.breaks(*(datagram(vxlan(42, ethernet(source, STATION_B, b"a" * 50)), 50_001)
                    for source in (group, BROADCAST, nobody)))
    whole.add(*(datagram(vxlan(42, ethernet(STATION_A, destination, b"a" * 50)), 50_001 + number)
                for number, destination in enumerate((group, BROADCAST, nobody))),
              datagram(vxlan(42, ethernet(b"\0\0\0\0\0\1", STATION_B, b"a" * 50)), 50_005))


def oversize(broken, whole):
    """A byte above MTU + 14. Whole: that many, and superframes of equal datagrams and a shorter last one."""
    talk = Conversation()
    broken.add(talk.good(LONGEST))
    broken.breaks(talk.good(LONGEST + 1), talk.good(LONGEST + 36))
    broken.add(talk.good())
    whole.add(talk.good(LONGEST), superframe(talk, LONGEST, LONGEST, LONGEST), superframe(talk, LONGEST, LONGEST, 60))
    return ["--mtu", str(MTU)]


def superframe(talk, *sizes):
    """Datagrams as one packet, as a kernel shows what it leaves to the card to cut (UDP_SEGMENT)."""
    return datagram(b"".join(map(talk.payload, sizes)), check=PARTIAL)


def vlan_tag(broken, whole):
    """A tag in the inner frame. Whole: one in the outer frame, and the two bytes elsewhere."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(*(datagram(vxlan(42, tagged(talk.frame(), 5, kind))) for kind in (0x8100, 0x88A8)))
    whole.add(talk.good(), tagged(talk.good(), 7), datagram(vxlan(42, talk.frame() + b"\x81\x00")))


def unknown_vni(broken, whole):
    """Segments beside those that there are. Whole: those that there are."""
    talk = Conversation()
    broken.add(talk.good())
    broken.breaks(Conversation(41).good(), Conversation(0).good(source_port=50_001))
    whole.add(talk.good(), Conversation(43).good(), talk.answer())
    return ["--vni", "42", "--vni", "43"]
