import Dataplane
import Forwarding
import LinuxIO
import VXLAN

/// Puts what another agent has learned into the tables of this one, as far as it holds here. Before the workers run.
struct TableHeir {
  private let topology: Topology
  private let state: CarriedState
  private let places: CarriedPlaces
  /// By VNI: the slots of segments whose entries hold: sealed as they were.
  private let slots: [UInt32: Int]
  private let now: UInt32
  private(set) var takenCount = 0
  /// Of peers and segments that are not there any more, and such that a frame could not have taught.
  private(set) var leftCount = 0

  init(_ configuration: Configuration, _ topology: Topology, of state: CarriedState) {
    self.topology = topology
    self.state = state
    now = Instant(nanoseconds: Clock.now()).seconds
    places = CarriedPlaces(
      state, configuration.segments.enumerated().map { ($0, $1) }, configuration.peers.enumerated().map { ($0, $1) })
    let sealing = Dictionary(state.segments.map { ($0.vni, $0.isSealed) }) { first, _ in first }
    var slots: [UInt32: Int] = [:]
    for slot in topology.segments.indices {
      let plan = topology.segments[slot]
      if sealing[plan.vni.rawValue] == plan.isSealed { slots[plan.vni.rawValue] = slot }
    }
    self.slots = slots
  }

  /// Takes one entry, with the age that it has.
  mutating func take(_ entry: CarriedEntry) {
    if put(entry) { takenCount += 1 } else { leftCount += 1 }
  }

  private func put(_ entry: CarriedEntry) -> Bool {
    guard let slot = slots[entry.vni], let remote = remote(of: entry) else { return false }
    let plan = topology.segments[slot]
    guard entry.mac.isValidSource, remote.isLocal || entry.mac != plan.ownMAC else { return false }
    if let peer = remote.peerSlot, !plan.peers.contains(peer) { return false }
    // Nothing was seen after now.
    let stamp = Int32(bitPattern: now &- entry.stamp) < 0 ? now : entry.stamp
    return topology.withFDB(ofSegment: slot) { table in
      switch entry.origin {
      case .learned: plan.learns && table.learn(entry.mac, from: remote, now: stamp) == .learned
      case .command, .control:
        table.set(entry.mac, at: remote, by: entry.origin, now: stamp, replacing: false) == .set
      case .configuration: false
      }
    }
  }

  private func remote(of entry: CarriedEntry) -> Remote? {
    guard let peer = entry.peer else { return .local }
    return places.peer(peer).map { .peer($0) }
  }

  /// What happened to the tables.
  func takeHistories() {
    for segment in state.segments {
      guard let slot = slots[segment.vni] else { continue }
      topology.withFDB(ofSegment: slot) { $0.carry(segment.history) }
    }
  }
}
