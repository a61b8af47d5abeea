import LinuxIO
import VXLAN

/// The underlay's MTU as the routing table has it, for one segment.
struct UnderlayMTU: Equatable {
  /// The smallest over the segment's peers, in bytes of an IP packet.
  let byteCount: Int
  /// The peer that it belongs to, and why nothing better was known; for messages.
  let source: String

  /// Takes the route to each of `peers`. A peer without a route, and a segment without peers, count with the device
  /// that has the own address: it is what a route would most likely lead through.
  static func find(
    for peers: [Configuration.Peer], in lookup: inout UnderlayLookup, netlink: inout NetlinkSocket
  ) throws(AgentError) -> UnderlayMTU {
    var smallest: UnderlayMTU?
    var hasUnrouted = peers.isEmpty
    for peer in peers {
      guard let byteCount = lookup.routeMTU(to: peer.address, netlink: &netlink) else {
        hasUnrouted = true
        continue
      }
      if byteCount < smallest?.byteCount ?? .max {
        smallest = UnderlayMTU(byteCount: byteCount, source: "the route to peer \(peer.name) (\(peer.address))")
      }
    }
    guard hasUnrouted else {
      guard let smallest else { throw AgentError(.failed, "no route to any peer") }
      return smallest
    }
    let own = try lookup.ownDevice(&netlink)
    guard let smallest, smallest.byteCount < own.byteCount else { return own }
    return smallest
  }
}
