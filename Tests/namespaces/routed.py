"""Two hosts on links of their own, and a router between them that carries less than its links when it is told to."""

from host import wait_until
from lab import Lab

SILENT = """table inet silent {
  chain output {
    type filter hook output priority 0;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}"""
"""The router tells nobody that a packet was too large for it."""


class RoutedLab(Lab):
    """h1 [u0] --- [u1] rt [u2] --- [u0] h2. All links have `mtu`; what the router forwards is set by `forward`.

    The router behaves as one does: a packet with DF that is too large for the route is dropped, and its sender told by
    ICMP, which a filter of the router's own then drops (`silent`).
    """

    def __init__(self, silent=True, **options):
        self.silent = silent
        super().__init__(hosts=2, **options)

    def address(self, number):
        """The underlay address of host `number`."""
        return f"{self._network(number)}{number}"

    def forward(self, mtu):
        """The router forwards packets of up to `mtu` bytes, both ways."""
        for number in (1, 2):
            self.rt.ip("route", "replace", f"{self._network(number)}{self._length()[1]}", "dev", f"u{number}",
                       *(["metric", 256] if self.family == "v6" else []), "mtu", "lock", mtu)

    def second_gateway(self, number):
        """Gives the router another address on the link of a host, and returns it."""
        address = f"{self._network(number)}{'fd' if self.family == 'v6' else '253'}"
        self.rt.ip("addr", "add", f"{address}{self._length()[0]}", "dev", f"u{number}",
                   *(["nodad"] if self.family == "v6" else []))
        return address

    def translate(self, number, address):
        """What the agent of a host sends from its sealed port comes from `address` of the router from now on, and what
        is sent there comes to it.
        """
        family, host = ("ip", "ip6")[self.family == "v6"], self.hosts[f"h{number}"].address
        # What the other end still sends to the host's own address opens no way back past the translation.
        self.rt.run("nft", f"""table {family} translated {{
          chain first {{ type filter hook prerouting priority -300; {family} daddr {host} udp dport 4790 notrack; }}
          chain after {{ type nat hook postrouting priority 100;
            {family} saddr {host} udp sport 4790 snat to {address}; }}
          chain before {{ type nat hook prerouting priority -100;
            {family} daddr {address} udp dport 4790 dnat to {host}; }}
        }}""")

    def _network(self, number):
        return f"192.0.{number}." if self.family == "v4" else f"2001:db8:{number}::"

    def _length(self):
        """The prefix length, and the network's own end with it."""
        return ("/24", "0/24") if self.family == "v4" else ("/64", "/64")

    def _build(self, count, wire, cuts, quiet):
        router = self.add_host("rt")
        length = self._length()[0]
        for number in (1, 2):
            host = self.add_host(f"h{number}", self.address(number))
            self.cable(host, "u0", router, f"u{number}")
            gateway = f"{self._network(number)}fe" if self.family == "v6" else f"{self._network(number)}254"
            for side, device, address in ((host, "u0", host.address), (router, f"u{number}", gateway)):
                side.ip("addr", "add", f"{address}{length}", "dev", device, *(["nodad"] if self.family == "v6" else []))
                for feature in ("tso", "gso", "tx-udp-segmentation", "tx"):
                    side.run("ethtool", "-K", device, feature, "off")
            host.ip("route", "add", "default", "via", gateway)
            if quiet:
                host.sysctl(net__ipv6__conf__default__disable_ipv6=1)
        router.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
        if self.silent:
            router.run("nft", SILENT)
        self.forward(self.mtu)
        wait_until(lambda: self.h1.ping(self.address(2), check=False, seconds=0.2), 30, "h1 reaches h2 over the router")
