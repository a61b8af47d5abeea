import LinuxIO
import VXLAN

/// What the kernel said of the way to a peer when it was asked last.
struct PeerWay: Equatable {
  /// What the route takes, in bytes of an IP packet.
  let pathMTU: Int
  /// Nil without a route.
  let route: Route?
  /// Whether the route was looked at, be there one or none.
  var isRead = true

  /// Whether frames leave another way now than `before`: by another next hop or device, or by one where none was. What
  /// is read for the first time is no news, nor is a way that is lost.
  func isOther(than before: PeerWay) -> Bool {
    guard before.isRead, let route, route.hasCarrier else { return false }
    return route != before.route
  }
}

extension UnderlayLookup {
  /// The way to a peer as it is now; `before` is what was known of it. Where nothing is known, because the way is gone,
  /// what it took stays.
  /// - Parameters:
  ///   - present: where the peer's sealed datagrams go; nil: to the configured address, as plain ones always do.
  ///   - isPlainToo: whether it has a plain segment beside.
  mutating func way(
    to peer: IPAddress, movedTo present: IPAddress?, isPlainToo: Bool, before: PeerWay, netlink: inout NetlinkSocket
  ) -> PeerWay {
    var pathMTUs = [pathMTU(to: present ?? peer, netlink: &netlink)]
    if present != nil, isPlainToo { pathMTUs.append(pathMTU(to: peer, netlink: &netlink)) }
    return PeerWay(
      pathMTU: pathMTUs.compactMap { $0 }.min() ?? before.pathMTU, route: route(to: present ?? peer))
  }
}
