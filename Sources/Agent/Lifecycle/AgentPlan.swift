import Dataplane
import LinuxIO
import VXLAN

/// What a configuration means on this host: MTUs, addresses and slots worked out, nothing made yet.
struct AgentPlan {
  let configuration: Configuration
  let slots: AgentSlots
  /// By slot.
  private(set) var segments = Slots<SegmentPlan>()
  /// By slot.
  private(set) var peers = Slots<PeerPlan>()

  /// - Parameters:
  ///   - slots: nil: in the order of the configuration.
  ///   - judged: the segments whose MTU has to fit; nil: all. A configured one of the others stays what it is.
  /// - Throws: `.refused` when a configured MTU does not fit the underlay, with the arithmetic.
  init(
    _ configuration: Configuration, slots: AgentSlots? = nil, judging judged: Set<VNI>? = nil,
    netlink: inout NetlinkSocket
  ) throws(AgentError) {
    self.configuration = configuration
    guard let slots = slots ?? AgentSlots(for: configuration) else {
      throw AgentError(.refused, "there are more segments or peers than the agent has room for")
    }
    self.slots = slots
    var lookup = UnderlayLookup(local: configuration.local.address)
    for peer in configuration.peers {
      guard let slot = slots.peers.slots[peer.name] else { continue }
      var plan = PeerPlan(endpoint: peer.endpoint)
      plan.fdbLimit = peer.fdbLimit
      plan.pathMTU = lookup.pathMTU(to: peer.address, netlink: &netlink) ?? Overhead.underlayMTUMax
      let own = configuration.local.address
      plan.outranks = (peer.address.high, peer.address.low) < (own.high, own.low)
      peers[slot] = plan
    }
    for segment in configuration.segments {
      guard let slot = slots.segments.slots[segment.vni] else { continue }
      let underlay = try UnderlayMTU.find(
        for: configuration.peers(of: segment.vni), in: &lookup, netlink: &netlink)
      segments[slot] = try Self.plan(
        for: segment, in: configuration, slots: slots.peers, underlay: underlay,
        isJudged: judged?.contains(segment.vni) ?? true)
    }
  }

  private static func plan(
    for segment: Configuration.Segment, in configuration: Configuration, slots: SlotPlan<String>,
    underlay: UnderlayMTU, isJudged: Bool
  ) throws(AgentError) -> SegmentPlan {
    let local = configuration.local.address
    let overhead = configuration.overhead(of: segment)
    var plan = SegmentPlan(
      vni: segment.vni,
      overlayMTU: isJudged
        ? try overlayMTU(of: segment, overhead: overhead, underlay: underlay)
        : keptMTU(of: segment, overhead: overhead, underlay: underlay),
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
    let members = configuration.peers(of: segment.vni)
    plan.peers = members.compactMap { slots.slots[$0.name] }
    let names = Set(members.map(\.name))
    plan.staticEntries = segment.fdb.compactMap { entry in
      guard names.contains(entry.peer), let slot = slots.slots[entry.peer] else { return nil }
      return (mac: entry.mac, peer: slot)
    }
    return plan
  }

  /// The MTU of a segment that was judged before, whatever fits now.
  private static func keptMTU(
    of segment: Configuration.Segment, overhead: Overhead, underlay: UnderlayMTU
  ) -> Int {
    guard case .fixed(let value) = segment.mtu else {
      return overhead.overlayMTU(underlayMTU: underlay.byteCount) ?? Overhead.overlayMTUMin
    }
    return value
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
