import Dataplane
import LinuxIO
import VXLAN

/// What a configuration means on this host: MTUs, addresses and slots worked out, nothing made yet.
struct AgentPlan {
  let configuration: Configuration
  /// By slot, the order of the configuration's segments.
  let segments: [SegmentPlan]
  /// By slot, the order of the configuration's peers.
  let peers: [PeerPlan]

  /// - Throws: `.refused` when a configured MTU does not fit the underlay, with the arithmetic.
  init(_ configuration: Configuration, netlink: inout NetlinkSocket) throws(AgentError) {
    self.configuration = configuration
    var lookup = UnderlayLookup(local: configuration.local.address)
    var peers: [PeerPlan] = []
    for peer in configuration.peers {
      var plan = PeerPlan(endpoint: peer.endpoint)
      plan.fdbLimit = peer.fdbLimit
      plan.sealedEndpoint = configuration.hasSession(peer) ? peer.sealedEndpoint : nil
      plan.pathMTU = lookup.pathMTU(to: peer.address, netlink: &netlink) ?? Overhead.underlayMTUMax
      let own = configuration.local.address
      plan.outranks = (peer.address.high, peer.address.low) < (own.high, own.low)
      peers.append(plan)
    }
    self.peers = peers
    var segments: [SegmentPlan] = []
    for segment in configuration.segments {
      let underlay = try UnderlayMTU.find(
        for: configuration.peers(of: segment.vni), in: &lookup, netlink: &netlink)
      segments.append(try Self.plan(for: segment, in: configuration, underlay: underlay))
    }
    self.segments = segments
  }

  private static func plan(
    for segment: Configuration.Segment, in configuration: Configuration, underlay: UnderlayMTU
  ) throws(AgentError) -> SegmentPlan {
    let local = configuration.local.address
    let overhead = configuration.overhead(of: segment)
    var plan = SegmentPlan(
      vni: segment.vni, overlayMTU: try overlayMTU(of: segment, overhead: overhead, underlay: underlay),
      ownMAC: segment.mac ?? DefaultMAC.address(local: local, vni: segment.vni))
    plan.overhead = overhead
    plan.isSealed = segment.sealed
    plan.passesVLANTags = segment.vlan == .pass
    plan.clampsMSS = segment.clampsMSS
    plan.suppressesNeighbors = segment.suppressesNeighbors
    plan.ignoresReservedBits = segment.reserved == .ignore
    plan.learns = segment.learning
    plan.fdbLimit = segment.fdbLimit
    plan.ageingTime = segment.ageing
    plan.stormLimit = segment.stormLimit
    plan.snoopsMulticast = segment.snoopsMulticast
    plan.dscp =
      switch segment.dscp {
      case .copy: .copy
      case .fixed(let value): .fixed(value)
      }
    let slots = configuration.peers.enumerated().filter { $0.element.hasSegment(segment.vni) }
    plan.peers = slots.map(\.offset)
    plan.staticEntries = segment.fdb.compactMap { entry in
      slots.first { $0.element.name == entry.peer }.map { (mac: entry.mac, peer: $0.offset) }
    }
    return plan
  }

  /// The MTU of the segment's TAP: the configured one if it fits, else what the underlay leaves.
  static func overlayMTU(
    of segment: Configuration.Segment, overhead: Overhead, underlay: UnderlayMTU
  ) throws(AgentError) -> Int {
    guard let largest = overhead.overlayMTU(underlayMTU: underlay.byteCount) else {
      throw refused(
        segment,
        "the underlay's MTU of \(underlay.byteCount) (\(underlay.source)) leaves no room: "
          + "\(overhead.byteCount) bytes of headers and an overlay MTU of at least \(Overhead.overlayMTUMin) need "
          + "\(overhead.underlayMTUMin)")
    }
    let sum =
      "the underlay's MTU of \(underlay.byteCount) (\(underlay.source)) less \(overhead.byteCount) bytes of headers is "
      + "\(largest)"
    switch segment.mtu {
    case .fixed(let value) where value <= largest: return value
    case .fixed(let value):
      throw refused(segment, "mtu \(value) does not fit: \(sum); say `mtu: \(largest)` or less, or `mtu: auto`")
    case .auto:
      let floor = Configuration.Limits.mtuMinForIPv6
      guard largest >= floor || !segment.hasIPv6Address else {
        throw refused(
          segment,
          "an IPv6 address needs an MTU of \(floor) or more, and \(sum); raise the underlay's MTU to "
            + "\(floor + overhead.byteCount) or remove the IPv6 address")
      }
      return largest
    }
  }

  private static func refused(_ segment: Configuration.Segment, _ message: String) -> AgentError {
    AgentError(.refused, "segment \(segment.vni): \(message)", line: segment.mtuLine.number)
  }
}
