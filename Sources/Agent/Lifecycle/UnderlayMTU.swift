import LinuxIO
import VXLAN

/// The underlay's MTU as the routing table has it, for one segment.
struct UnderlayMTU: Equatable {
  /// The smallest over the segment's peers, in bytes of an IP packet.
  let byteCount: Int
  /// The peer that it belongs to, and why nothing better was known; for messages.
  let source: String

  /// Asks the kernel for the route to each of `peers`. A peer without a route, and a segment without peers, count with
  /// the device that has the own address: it is what a route would most likely lead through.
  static func find(
    for peers: [Configuration.Peer], local: IPAddress, netlink: inout NetlinkSocket
  ) throws(AgentError) -> UnderlayMTU {
    var smallest: UnderlayMTU?
    var hasUnrouted = peers.isEmpty
    for peer in peers {
      do {
        let byteCount = try netlink.routeMTU(to: peer.address)
        if byteCount < smallest?.byteCount ?? .max {
          smallest = UnderlayMTU(byteCount: byteCount, source: "the route to peer \(peer.name) (\(peer.address))")
        }
      } catch {
        hasUnrouted = true
      }
    }
    guard hasUnrouted else {
      guard let smallest else { throw AgentError(.failed, "no route to any peer") }
      return smallest
    }
    let own = try ofDevice(with: local, netlink: &netlink)
    guard let smallest, smallest.byteCount < own.byteCount else { return own }
    return smallest
  }

  private static func ofDevice(
    with local: IPAddress, netlink: inout NetlinkSocket
  ) throws(AgentError) -> UnderlayMTU {
    do throws(Errno) {
      for link in try netlink.links() {
        if try netlink.addresses(ofLink: link.index).contains(where: { $0.address == local }) {
          return UnderlayMTU(byteCount: link.linkMTU, source: "the device \(link.name), which has \(local)")
        }
      }
    } catch {
      throw AgentError(.failed, "reading the devices: \(error)")
    }
    throw AgentError(.failed, "local.address \(local) is on no device of this host; add it or name another")
  }
}
