import Dataplane
import Forwarding
import VXLAN

/// What the agent carries from one change to the next: what it is told to do, and each of the parts by its slot.
struct AgentGeneration {
  /// Of the file and the run time together.
  let configuration: Configuration
  let topology: Topology
  /// By slot, as the next two are.
  let segments: Slots<Configuration.Segment>
  let peers: Slots<Configuration.Peer>
  let devices: Slots<OverlayDevice>
  private let slotByVNI: [VNI: Int]
  private let slotByName: [String: Int]

  init(_ configuration: Configuration, _ topology: Topology, _ slots: AgentSlots, devices: Slots<OverlayDevice>) {
    self.configuration = configuration
    self.topology = topology
    self.devices = devices
    (slotByVNI, slotByName) = (slots.segments.slots, slots.peers.slots)
    var (segments, peers) = (Slots<Configuration.Segment>(), Slots<Configuration.Peer>())
    for segment in configuration.segments {
      if let slot = slotByVNI[segment.vni] { segments[slot] = segment }
    }
    for peer in configuration.peers {
      if let slot = slotByName[peer.name] { peers[slot] = peer }
    }
    (self.segments, self.peers) = (segments, peers)
  }

  func slot(of vni: VNI) -> Int? { slotByVNI[vni] }

  func slot(ofPeer name: String) -> Int? { slotByName[name] }

  /// Those with keys.
  var sessionPeers: [SessionPeer] { SessionPeer.all(in: configuration, slotByName) }

  /// Nil: nobody is in the slot any more.
  func name(ofPeer slot: Int) -> String? { peers.element(at: slot)?.name }
}

/// Which slot each segment and each peer of a configuration has.
struct AgentSlots {
  let segments: SlotPlan<VNI>
  let peers: SlotPlan<String>

  /// Those of a start: in the order of the configuration.
  init?(for configuration: Configuration) {
    self.init(
      segments: SlotPlan(
        inUse: Slots(), wanted: configuration.segments.map(\.vni), slotCount: Dataplane.Limits.segmentSlotCount),
      peers: SlotPlan(
        inUse: Slots(), wanted: configuration.peers.map(\.name), slotCount: Forwarding.Limits.peerSlotCount))
  }

  /// Those of the configuration that follows. Nil: there are too few.
  init?(
    after generation: AgentGeneration, for wanted: Configuration, replacingSegments: Set<VNI>, peers: Set<String>
  ) {
    let state = generation.topology.state
    self.init(
      segments: SlotPlan(
        inUse: generation.segments.mapped(\.vni), wanted: wanted.segments.map(\.vni), replacing: replacingSegments,
        busy: state.busySegmentSlots(), slotCount: Dataplane.Limits.segmentSlotCount),
      peers: SlotPlan(
        inUse: generation.peers.mapped(\.name), wanted: wanted.peers.map(\.name), replacing: peers,
        busy: state.busyPeerSlots(), slotCount: Forwarding.Limits.peerSlotCount))
  }

  private init?(segments: SlotPlan<VNI>?, peers: SlotPlan<String>?) {
    guard let segments, let peers else { return nil }
    (self.segments, self.peers) = (segments, peers)
  }
}

extension Slots {
  /// The same slots with what `change` makes of what is in them.
  func mapped<Value>(_ change: (Element) -> Value) -> Slots<Value> {
    var result = Slots<Value>()
    for slot in indices { result[slot] = change(self[slot]) }
    return result
  }

  /// Only what is in these slots.
  func only(_ slots: Set<Int>) -> Slots {
    var result = Slots()
    for slot in indices where slots.contains(slot) { result[slot] = self[slot] }
    return result
  }
}
