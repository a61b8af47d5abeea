"""The bridged cases of the Linux kernel's own selftest of path MTUs (`net/pmtu.sh`, `pmtu_ipvX_over_br_vxlanY`).

    guest            h1                              h2
  [ eth0 ]--[ g0 ]-[ br42 ]-[ vx42: TAP ]          [ vx42: TAP ]
                               |                      |
                            vtep run === u0 4000 === vtep run

As there: devices of 5000, then a link of 4000 between the hosts. One large ping makes a route exception at its sender,
of what the link leaves, and 1 MiB of TCP passes.
"""

import pytest

from host import wait_until
from lab import Lab
from shrinking import DOWN_SECONDS, KINDS, agents, overhead, segment_mtu, set_link_mtu
from transfer import blocks, tcp_hash

LINK, BEFORE = 4000, 5000
INNER = {"v4": ("10.42.0.9", "10.42.0.2", 24), "v6": ("fd42::9", "fd42::2", 64)}


def exception(host, address):
    """The MTU of a host's route to an address, where it is not the device's; 0 without one."""
    words = host.ip("route", "get", address).stdout.split()
    return int(words[words.index("mtu") + 1]) if "mtu" in words else 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inner", ("v4", "v6"))
@pytest.mark.parametrize("family", ("v4", "v6"))
def test_one_large_ping_makes_the_exception_and_tcp_passes(family, inner, kind):
    own, far, prefix = INNER[inner]
    with Lab(family=family, mtu=BEFORE, quiet=False) as lab:
        before, fits = BEFORE - overhead(lab, kind), LINK - overhead(lab, kind)
        # No help from the MSS: both ends of TCP think that they have 5000.
        first, _ = agents(lab, kind, {
            "h1": {"bridge": "br42", "mss-clamp": False},
            "h2": {"mtu": before, "address": [f"{far}/{prefix}"], "mss-clamp": False}})
        guest = lab.add_host("guest")
        lab.cable(lab.h1, "g0", guest, "eth0", mtu=before)
        lab.h1.ip("link", "set", "g0", "master", "br42")
        guest.ip("addr", "add", f"{own}/{prefix}", "dev", "eth0", *(["nodad"] if inner == "v6" else []))
        wait_until(lambda: guest.ping(far, check=False, seconds=0.5), 10, "the guest reaches h2")
        guest.ping(far, "-M", "do", "-s", before - (28 if inner == "v4" else 48))
        assert exception(guest, far) == 0
        set_link_mtu(lab, LINK)
        wait_until(lambda: segment_mtu(first) == fits, DOWN_SECONDS, "the segment carries what the link leaves")
        guest.ping(far, "-M", "want", "-s", LINK + 500, check=False, seconds=0.3)
        wait_until(lambda: exception(guest, far) == fits, 2, "the ping's sender has its exception")
        data, expected = blocks(1 << 20)
        assert tcp_hash(guest, lab.h2, far, *data) == expected
        # Once more from nothing: TCP itself is told.
        guest.ip(*(["-6"] if inner == "v6" else []), "route", "flush", "cache")
        wait_until(lambda: exception(guest, far) == 0, 2, "the exception is forgotten")
        assert tcp_hash(guest, lab.h2, far, *data, port=5202) == expected
        assert exception(guest, far) == fits
