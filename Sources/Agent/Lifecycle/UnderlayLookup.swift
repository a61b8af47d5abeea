import LinuxIO
import VXLAN

/// What the kernel says of the underlay at one moment, asked once about each peer however many segments it has.
///
/// For one reading: what it was told once it does not ask again.
struct UnderlayLookup {
  private let local: IPAddress
  /// By peer; an entry of nil is a peer without a route.
  private var routes: [IPAddress: (route: Route, linkMTU: Int)?] = [:]
  private var device: UnderlayMTU?
  /// What stands for a route that is missing, once it was looked for: the devices of a host are many to ask.
  private var fallback: Int??
  /// How often the kernel was asked.
  private(set) var questionCount = 0

  /// - Parameter local: the own address on the underlay.
  init(local: IPAddress) {
    self.local = local
  }

  /// The MTU of the route to a peer; nil without one.
  mutating func routeMTU(to peer: IPAddress, netlink: inout NetlinkSocket) -> Int? {
    if let known = routes[peer] { return known?.linkMTU }
    questionCount += 1
    let found = try? netlink.routeWithMTU(to: peer)
    routes.updateValue(found, forKey: peer)
    return found?.linkMTU
  }

  /// The route to a peer, if it was asked for and there is one.
  func route(to peer: IPAddress) -> Route? { routes[peer].flatMap { $0?.route } }

  /// The largest IP packet that goes to a peer as far as this host knows: the route's MTU, and without a route that of
  /// the device that has the own address; nil without either.
  mutating func pathMTU(to peer: IPAddress, netlink: inout NetlinkSocket) -> Int? {
    (routeMTU(to: peer, netlink: &netlink) ?? unroutedMTU(&netlink)).map { min($0, Overhead.underlayMTUMax) }
  }

  /// The MTU of the device that has the own address; nil when there is none.
  mutating func unroutedMTU(_ netlink: inout NetlinkSocket) -> Int? {
    if let fallback { return fallback }
    let found = (try? ownDevice(&netlink))?.byteCount
    fallback = .some(found)
    return found
  }

  /// The MTU of the device that has the own address.
  /// - Throws: `.failed` when there is none.
  mutating func ownDevice(_ netlink: inout NetlinkSocket) throws(AgentError) -> UnderlayMTU {
    if let device { return device }
    questionCount += 1
    do throws(Errno) {
      for link in try netlink.links() {
        if try netlink.addresses(ofLink: link.index).contains(where: { $0.address == local }) {
          let found = UnderlayMTU(byteCount: link.linkMTU, source: "the device \(link.name), which has \(local)")
          device = found
          return found
        }
      }
    } catch {
      throw AgentError(.failed, "reading the devices: \(error)")
    }
    throw AgentError(.failed, "local.address \(local) is on no device of this host; add it or name another")
  }
}
