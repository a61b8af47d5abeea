"""Row 7 of the fault table: damaged datagrams to vtep and to the kernel's vxlan device; both deliver the same."""

import random

from conftest import full
from frames import ethernet, ipv4, ipv6, mac, udp, vxlan
from host import wait_until
from lab import Lab
from packets import Packets
from peer import RawPeer

VNI, MTU, OWN = 42, 1450, mac(0x77)
COUNT = 1_000_000 if full() else 20_000
SEED = random.SystemRandom().randrange(1 << 32)
BURST = 20


def templates():
    """Sound frames of several kinds from one station."""
    body = udp(1000, 2000, bytes(40))
    yield ethernet(mac(0xB0B), length=80)
    yield ethernet(mac(0xB0B), mac(0x99), ipv4(17, body, traffic_class=2), 0x0800)
    yield ethernet(mac(0xB0B), mac(0x99), ipv6(17, body), 0x86DD)
    yield ethernet(mac(0xB0B), mac(0x99), ipv4(6, bytes([0] * 12 + [0x50] + [0] * 7)), 0x0800)


def damaged(chance, frames):
    """One datagram: a sound one, or one with bits, bytes or a length of another."""
    datagram = bytearray(vxlan(VNI, chance.choice(frames)))
    for _ in range(chance.randrange(3)):
        kind, place = chance.randrange(4), chance.randrange(len(datagram))
        if kind == 0:
            datagram[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            datagram[place] = chance.choice((0, 0xFF, 0x08, 0x81, chance.randrange(256)))
        elif kind == 2 and len(datagram) > 9:
            del datagram[chance.randrange(1, len(datagram)):]
        else:
            datagram += chance.randbytes(chance.randrange(200))
    return bytes(datagram)


def deviates(datagram):
    """Whether the fault table lists that vtep does otherwise than the kernel, or the kernel does not say.

    Inner frames that are no whole IP packet (a tunnel of layer 2 does not judge them), tags, frames above the MTU.
    """
    frame = datagram[8:]
    if len(frame) < 14 or frame[12:14] in (b"\x81\x00", b"\x88\xa8") or len(frame) > MTU + 14:
        return True
    # Of both IP versions the kernel looks at the header for ECN; what is no such packet there, it counts as an error.
    least = {b"\x08\x00": 20, b"\x86\xdd": 40}.get(frame[12:14], 0)
    return len(frame) < 14 + least


def delivered(tap, peer, datagrams, marker):
    """The frames that came out. A marker that always passes closes each burst."""
    out = []
    for start in range(0, len(datagrams), BURST):
        for datagram in datagrams[start:start + BURST]:
            peer.send(datagram)
        closing = marker + start.to_bytes(4, "big")
        peer.send(vxlan(VNI, closing))
        while True:
            frame = tap.next(5)
            assert frame is not None, f"no frame after datagram {start}, seed {SEED}"
            if frame == closing:
                break
            out.append(frame)
    return out


def test_fault_row_07_what_the_kernel_delivers_of_damaged_datagrams_vtep_delivers_byte_for_byte(figure):
    print(f"seed {SEED}")
    chance, frames = random.Random(SEED), list(templates())
    datagrams = [each for each in (damaged(chance, frames) for _ in range(COUNT)) if not deviates(each)]
    marker = ethernet(mac(0xC0DE), mac(0x99), b"vtep fuzz marker" + bytes(60), 0x88B6)
    results = []
    with Lab(hosts=3) as lab:
        agent = lab.agent(segments=[{"vni": VNI, "tap": "vx42", "mac": "02:00:00:00:00:77", "mtu": MTU,
                                     "multicast-snooping": False, "neighbor-suppression": False}])
        lab.h2.kernel_vxlan(VNI, [lab.h3.address], device="vx42", mtu=MTU, mac="02:00:00:00:00:77")
        wait_until(lambda: lab.h2.link("vx42")["operstate"] in ("UP", "UNKNOWN"), 5, "the kernel's device is up")
        for host in (lab.h1, lab.h2):
            with RawPeer(lab.h3, agent) as peer, Packets(host, "vx42") as tap:
                peer.destination = (host.address, 4789)
                results.append(delivered(tap, peer, datagrams, marker))
        agent.check_identity()
    ours, theirs = results
    differences = [(a.hex(), b.hex()) for a, b in zip(ours, theirs) if a != b]
    assert not differences, f"seed {SEED}: {len(differences)} differ, the first: vtep {differences[0]}"
    assert len(ours) == len(theirs) > COUNT / 10, f"seed {SEED}: vtep delivered {len(ours)}, the kernel {len(theirs)}"
    figure(f"{len(datagrams)} damaged datagrams: both deliver the same {len(ours)}, seed {SEED}")
