import Dataplane
import Forwarding
import Sealing
import TestKit
import VXLAN

/// One agent with two workers whose segments and peers come, go and change, as a test says. Peers and segments are
/// numbers for as long as the world lasts; the slots that they have are the agent's affair.
///
/// Segments below `plainCount` are plain, the others sealed. A frame names its sender, its segment and its number.
final class ChangingAgent {
  static let segmentCount = 8
  static let plainCount = 6
  static let peerCount = 12
  /// Who sends from behind the agent's own TAPs.
  static let local = 0xFF

  /// What is wanted: of each segment its plan without slots, and which peers have it.
  struct Wanted {
    var segments: [Int: Set<Int>]
    var peers: Set<Int>
    /// Of segments: what may change in place.
    var fdbLimits: [Int: Int] = [:]
    var silent: Set<Int> = []
    var entries: [Int: [Int]] = [:]
    /// Of peers and segments, whatever they were: they get other slots.
    var replacedPeers: Set<Int> = []
    var replacedSegments: Set<Int> = []
  }

  /// Who is in which slot, as one worker sees it.
  struct View {
    var segments = Slots<Int>()
    var peers = Slots<Int>()
    var permitted: [Int: Set<Int>] = [:]
  }

  let workers: [EngineBench]
  private(set) var views: [View]
  /// What workers may still do as of the view before, until it is settled.
  private(set) var unsettled: View?
  /// Where all of them will be then. Entries of the tables that they share may point there already.
  private(set) var coming: View?
  private(set) var topology: Topology
  /// By slot, where datagrams to it go.
  private(set) var destinations: [Int: Int] = [:]
  private let keyring: Keyring
  private let pairs = (0..<ChangingAgent.peerCount).map { SessionPair(seed: UInt64($0) + 1) }

  init(_ wanted: Wanted, hash: KeyedHash) {
    var keyrings: [Keyring] = []
    let (waiting, inbox) = (WaitingBudget(), SealedInbox {})
    let mac = HandshakeMAC(to: pairs[0].publicKeys[0])
    func side(_ port: FakeDatagramPort, _ lane: UInt8) -> SealedSide {
      SealedSide(port: port, keyring: keyrings[0], inbox: inbox, mac: mac, waiting: waiting, lane: lane)
    }
    let first = EngineBench(segments: [], peers: [], hash: hash) { topology, port in
      keyrings.append(Keyring(gracePeriod: topology.gracePeriod))
      return side(port, 0)
    }
    workers = [first, EngineBench(sharing: first) { side($0, 1) }]
    views = [View(), View()]
    keyring = keyrings[0]
    topology = first.topology
    change(to: wanted, sessions: Set(wanted.peers)) {}
  }

  static func vni(_ segment: Int) -> UInt32 { 100 + UInt32(segment) }
  static func address(_ peer: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0210 + UInt32(peer)) }
  static func sealedEndpoint(_ peer: Int) -> Endpoint { Endpoint(address: address(peer), udpPort: 4790) }
  static func mac(of peer: Int, segment: Int) -> MACAddress {
    MACAddress(rawValue: 0x0200_0000_0001 | UInt64(peer) << 24 | UInt64(segment) << 8)
  }

  var now: Instant { workers[0].now }

  /// The worker's slot of a segment.
  func slot(ofSegment segment: Int, worker: Int) -> Int? { views[worker].segments.firstIndex(of: segment) }

  func advance(by duration: Duration) {
    for worker in workers { worker.now = worker.now + duration }
  }

  /// From here on what waits for the peer leaves.
  func startSession(with peer: Int) {
    guard let slot = views[0].peers.firstIndex(of: peer), unsettled == nil else { return }
    keyring.seal(with: pairs[peer].keys[0].sealing, until: now + .seconds(100_000), toPeer: slot)
    for worker in workers { worker.sendWaiting() }
  }

  /// A datagram of a sealed segment from the peer.
  func seal(_ frame: [UInt8], peer: Int, segment: Int) -> [UInt8] {
    let header = SealedHeader.byteCount
    var datagram = [UInt8](repeating: 0, count: header) + frame + [UInt8](repeating: 0, count: 16)
    let sealer = pairs[peer].keys[1].sealing.sealer(lane: 0)
    datagram.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      _ = sealer.seal(
        Sealer.Run(start: start, count: 1, frameByteCount: frame.count, lastFrameByteCount: frame.count),
        prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: Self.vni(segment))))
    }
    return datagram
  }

  /// Every worker goes by what is wanted, one after the other; `between` is called when the first does, when all do,
  /// and nothing is forgotten yet.
  func change(to wanted: Wanted, sessions: Set<Int>, _ between: () -> Void) {
    guard
      let segments = SlotPlan(
        inUse: views[0].segments, wanted: wanted.segments.keys.sorted(), replacing: wanted.replacedSegments,
        busy: topology.state.busySegmentSlots(), slotCount: Limits.segmentSlotCount),
      let peers = SlotPlan(
        inUse: views[0].peers, wanted: wanted.peers.sorted(), replacing: wanted.replacedPeers,
        busy: topology.state.busyPeerSlots(), slotCount: Forwarding.Limits.peerSlotCount)
    else { preconditionFailure("there are slots enough") }
    let (old, oldView) = (topology, views[0])
    topology = old.successor(
      segments: plans(wanted, segments, peers), peers: plans(peers), now: now)
    let view = view(wanted, segments, peers)
    for slot in peers.fresh { join(view.peers[slot], slot, hasSession: sessions.contains(view.peers[slot])) }
    (unsettled, coming) = (oldView, view)
    for number in workers.indices {
      workers[number].adopt(topology)
      views[number] = view
      between()
    }
    for slot in peers.vacated {
      keyring.retire(index: pairs[oldView.peers[slot]].keys[0].opening.index)
      keyring.vacate(peer: slot)
    }
    // A peer that got another slot is still accepted.
    for slot in peers.fresh { accept(view.peers[slot], slot) }
    topology.settle(after: old, now: now)
    _ = keyring.collect()
    (unsettled, coming) = (nil, nil)
  }

  private func join(_ peer: Int, _ slot: Int, hasSession: Bool) {
    destinations[slot] = peer
    keyring.move(peer: slot, to: Self.sealedEndpoint(peer))
    if hasSession {
      keyring.seal(with: pairs[peer].keys[0].sealing, until: now + .seconds(100_000), toPeer: slot)
    }
  }

  private func accept(_ peer: Int, _ slot: Int) {
    keyring.accept(pairs[peer].keys[0].opening, fromPeer: slot, until: now + .seconds(100_000))
  }

  private func view(_ wanted: Wanted, _ segments: SlotPlan<Int>, _ peers: SlotPlan<Int>) -> View {
    var view = View(permitted: wanted.segments)
    for (segment, slot) in segments.slots { view.segments[slot] = segment }
    for (peer, slot) in peers.slots { view.peers[slot] = peer }
    return view
  }

  private func plans(_ peers: SlotPlan<Int>) -> Slots<PeerPlan> {
    var plans = Slots<PeerPlan>()
    for (peer, slot) in peers.slots {
      plans[slot] = PeerPlan(endpoint: Endpoint(address: Self.address(peer), udpPort: 4789))
    }
    return plans
  }

  private func plans(
    _ wanted: Wanted, _ segments: SlotPlan<Int>, _ peers: SlotPlan<Int>
  ) -> Slots<SegmentPlan> {
    var plans = Slots<SegmentPlan>()
    for (segment, slot) in segments.slots {
      let mac = MACAddress(rawValue: 0x02EE_0000_0000 | UInt64(segment))
      var plan = SealedNetwork.segment(Self.vni(segment), ownMAC: mac, peers: 0, cipher: .chacha20poly1305)
      if segment < Self.plainCount {
        plan.isSealed = false
        plan.overhead = Overhead(family: .ipv4)
      }
      plan.peers = (wanted.segments[segment] ?? []).compactMap { peers.slots[$0] }.sorted()
      plan.fdbLimit = wanted.fdbLimits[segment] ?? 1000
      plan.learns = !wanted.silent.contains(segment)
      plan.staticEntries = (wanted.entries[segment] ?? []).compactMap { peer in
        guard wanted.segments[segment]?.contains(peer) == true else { return nil }
        return peers.slots[peer].map { (Self.mac(of: peer, segment: segment), $0) }
      }
      plans[slot] = plan
    }
    return plans
  }
}
