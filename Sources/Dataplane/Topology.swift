import Forwarding
import Sealing
import VXLAN

/// One generation of segments and peers, as the workers use them: never changed once made. What they change beside it
/// is in `OverlayState`, which all generations share.
///
/// A segment or a peer has one slot from its first generation to its last. Slots may be vacant.
///
///     next = topology.successor(segments, peers)      nobody sees it yet
///     each worker adopts it between two batches       frames go by it
///     next.settle(after: topology)                    what has left is forgotten, what may change in place changes
///
/// *Threads.* Shared by all. The plans are constants; an `FDB` says itself who may do what.
package final class Topology: @unchecked Sendable {
  /// One segment as the hot path reads it.
  struct SegmentRecord {
    let vniWord: UInt32
    /// What is added to an inner frame.
    let outerByteCount: Int
    /// In front of the inner frame and behind it within the UDP payload.
    let headerByteCount: Int
    let tagByteCount: Int
    /// Nothing of it in clear leaves or enters.
    let isSealed: Bool
    /// The first half of the header of its sealed datagrams, as a number.
    let sealedPrefix: UInt64
    let ownMAC: MACAddress
    let passesVLANTags: Bool
    let ignoresReservedBits: Bool
    let learns: Bool
    let clampsMSS: Bool
    let suppressesNeighbors: Bool
    let snoops: Bool
    /// The fixed traffic class without ECN, or -1: copy.
    let fixedTrafficClass: Int16
    /// Slots of the segment's peers.
    let floodList: UnsafeMutablePointer<Int>
    let floodCount: Int
    /// By peer slot, whether it may speak on the segment.
    let isPermitted: UnsafeMutablePointer<Bool>

    /// Header and tag.
    var addedByteCount: Int { headerByteCount &+ tagByteCount }
  }

  /// By slot.
  package let segments: Slots<SegmentPlan>
  /// By slot.
  package let peers: Slots<PeerPlan>
  /// One above the last slot that has a peer.
  let peerEnd: Int
  /// What outlives this generation.
  package let state: OverlayState

  // SAFETY: owned from `init` to `deinit` and indexed by slots below `segments.endIndex`, but for `tables`, which are
  // those of the state: of slots that have a segment they are there, because `seats` keep them.
  let records: UnsafeMutablePointer<SegmentRecord>
  let tables: UnsafeMutablePointer<FDB>
  private let lists: UnsafeMutablePointer<Int>
  private let permits: UnsafeMutablePointer<Bool>
  /// Of the segments, by slot.
  private let seats: Slots<SegmentTables>
  /// Its readers are the workers, by number.
  package let gracePeriod: GracePeriod
  /// What fits at this moment.
  package let limits: SizeLimits
  /// What workers tell of addresses.
  package let events: EventRing
  /// How much is flooded, and what came back.
  package let flooding: FloodControl
  /// By segment slot: which addresses are at which stations behind the peers.
  package let neighbors: Slots<NeighborTable>
  let segmentByVNI: SlotIndex
  let peerByAddress: SlotIndex

  /// The first generation, each segment and peer in the slot of its position.
  /// - Parameters:
  ///   - hash: keyed with a secret of this process.
  ///   - now: for the stamps of static entries.
  ///   - workerCount: how many workers look up in the tables; 0: one thread does, which is no `Worker`.
  ///   - onEvent: called when events wait that were not there at the last `drain`; must not block.
  package convenience init(
    segments: [SegmentPlan], peers: [PeerPlan], hash: KeyedHash, now: Instant, workerCount: Int = 0,
    onEvent: @escaping @Sendable () -> Void = {}
  ) {
    precondition(peers.count <= Forwarding.Limits.peerCountMax)
    let state = OverlayState(hash: hash, workerCount: workerCount, onEvent: onEvent)
    self.init(segments: Slots(segments), peers: Slots(peers), state: state, after: nil, now: now)
  }

  /// The generation after this one, in which the same slot has the same segment or peer, or a new one has a slot that
  /// was free. Frames go by it where it is adopted. One that no worker adopts leaves no trace.
  ///
  /// Of a segment that stays, VNI, own MAC, sealing and cipher stay too; of a peer the endpoint.
  /// - Parameter now: for the stamps of static entries.
  package func successor(segments: Slots<SegmentPlan>, peers: Slots<PeerPlan>, now: Instant) -> Topology {
    Topology(segments: segments, peers: peers, state: state, after: self, now: now)
  }

  private init(
    segments: Slots<SegmentPlan>, peers: Slots<PeerPlan>, state: OverlayState, after old: Topology?, now: Instant
  ) {
    precondition(segments.endIndex <= Limits.segmentSlotCount && peers.endIndex <= Forwarding.Limits.peerSlotCount)
    self.segments = segments
    self.peers = peers
    peerEnd = peers.endIndex
    self.state = state
    (gracePeriod, limits, events, flooding) = (state.gracePeriod, state.limits, state.events, state.flooding)
    tables = state.tables
    segmentByVNI = SlotIndex(segments, hash: state.hash) { (0, UInt64($0.vni.rawValue)) }
    peerByAddress = SlotIndex(peers, hash: state.hash) { Self.key($0.endpoint.address) }
    Self.prepare(peers, after: old, in: state)
    var seats = Slots<SegmentTables>()
    for slot in segments.indices {
      if let before = old?.segments.element(at: slot) {
        precondition(before.isSame(as: segments[slot]), "slot \(slot) has another segment")
      }
      seats[slot] =
        old?.seats.element(at: slot) ?? SegmentTables(of: segments[slot], slot: slot, state: state, now: now)
    }
    self.seats = seats
    var neighbors = Slots<NeighborTable>()
    for slot in seats.indices { neighbors[slot] = seats[slot].neighbors }
    self.neighbors = neighbors
    records = .allocate(capacity: Swift.max(1, segments.endIndex))
    lists = .allocate(capacity: Swift.max(1, segments.reduce(0) { $0 + $1.peers.count }))
    permits = .allocate(capacity: Swift.max(1, segments.endIndex * peers.endIndex))
    permits.initialize(repeating: false, count: segments.endIndex * peers.endIndex)
    makeRecords()
  }

  deinit {
    lists.deallocate()
    permits.deallocate()
    records.deallocate()
  }

  /// What is known of peers that are new is that of the slot's last peer until here.
  private static func prepare(_ peers: Slots<PeerPlan>, after old: Topology?, in state: OverlayState) {
    let busy = state.busyPeerSlots()
    for slot in peers.indices {
      if let before = old?.peers.element(at: slot) {
        precondition(before.endpoint == peers[slot].endpoint, "slot \(slot) has another peer")
        continue
      }
      precondition(!busy.contains(slot), "workers may still look at what was in slot \(slot)")
      state.limits.setPathMTU(peers[slot].pathMTU, ofPeer: slot)
      state.peerLimits.set(peers[slot].fdbLimit, ofPeer: slot)
      state.plainMarks.update(slot, to: 0)
    }
  }

  private func makeRecords() {
    var list = lists
    for slot in 0..<segments.endIndex {
      let permit = permits + slot * peers.endIndex
      (records + slot).initialize(to: SegmentRecord(segments.element(at: slot), floodList: list, isPermitted: permit))
      for peer in segments.element(at: slot)?.peers ?? [] {
        precondition(peers.isOccupied(peer))
        list.initialize(to: peer)
        list += 1
        permit[peer] = true
      }
    }
  }

  /// Whether the peer in a slot has the segment in another.
  package func isPermitted(peer: Int, segment: Int) -> Bool {
    segments.isOccupied(segment) && peer >= 0 && peer < peers.endIndex && records[segment].isPermitted[peer]
  }

  /// Follows what every worker has adopted: what may change in place does, and what has left `old` is forgotten. To be
  /// called once, by one thread, when no worker uses `old` any more and the sessions of peers that have left are gone.
  package func settle(after old: Topology, now: Instant) {
    for slot in segments.indices {
      guard let before = old.segments.element(at: slot) else { continue }
      let plan = segments[slot]
      for peer in before.peers where !isPermitted(peer: peer, segment: slot) {
        seats[slot].remove(peer: peer, now: now)
      }
      seats[slot].follow(plan, after: before, now: now)
    }
    for slot in peers.indices { state.peerLimits.set(peers[slot].fdbLimit, ofPeer: slot) }
    state.release(peers: old.peers.indices.filter { !peers.isOccupied($0) })
  }

  /// Calls `body` with the table of the segment in `slot`.
  package func withFDB<Result>(ofSegment slot: Int, _ body: (borrowing FDB) -> Result) -> Result {
    precondition(segments.isOccupied(slot))
    return body(tables[slot])
  }

  // HOT
  /// Plain frames left for the peer. The first run of them in about a second writes.
  @inline(__always)
  func notePlainFrames(toPeer slot: Int, now: Instant) {
    // In units of 2^30 ns.
    state.plainMarks.update(slot, to: Int(truncatingIfNeeded: now.nanoseconds &>> 30))
  }

  /// Another number about a second later, if plain frames left for the peer meanwhile. Any thread.
  package func plainMark(ofPeer slot: Int) -> Int { state.plainMark(ofPeer: slot) }

  static func key(_ address: IPAddress) -> (high: UInt64, low: UInt64) {
    // An IPv4 address as the IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), so the families cannot be confused.
    switch address.family {
    case .ipv4: (0, 0xFFFF_0000_0000 | address.low)
    case .ipv6: (address.high, address.low)
    }
  }
}

extension Topology.SegmentRecord {
  /// - Parameter plan: nil: the slot is vacant, and nothing passes.
  fileprivate init(
    _ plan: SegmentPlan?, floodList: UnsafeMutablePointer<Int>, isPermitted: UnsafeMutablePointer<Bool>
  ) {
    guard let plan else {
      self.init(
        vniWord: 0, outerByteCount: 0, headerByteCount: 0, tagByteCount: 0, isSealed: true, sealedPrefix: 0,
        ownMAC: .zero, passesVLANTags: false, ignoresReservedBits: false, learns: false, clampsMSS: false,
        suppressesNeighbors: false, snoops: false, fixedTrafficClass: 0, floodList: floodList, floodCount: 0,
        isPermitted: isPermitted)
      return
    }
    precondition(plan.isSealed == (plan.overhead.sealingTag != nil), "a sealed segment has the overhead of one")
    let fixed: Int16 = if case .fixed(let dscp) = plan.dscp { Int16(dscp & 63) << 2 } else { -1 }
    self.init(
      vniWord: plan.vni.rawValue << 8, outerByteCount: plan.overhead.outerByteCount,
      headerByteCount: plan.overhead.headerByteCount, tagByteCount: plan.overhead.tagByteCount,
      isSealed: plan.isSealed, sealedPrefix: SealedHeader.prefix(kind: .frame, vni: plan.vni), ownMAC: plan.ownMAC,
      passesVLANTags: plan.passesVLANTags, ignoresReservedBits: plan.ignoresReservedBits, learns: plan.learns,
      clampsMSS: plan.clampsMSS, suppressesNeighbors: plan.suppressesNeighbors, snoops: plan.snoopsMulticast,
      fixedTrafficClass: fixed, floodList: floodList, floodCount: plan.peers.count, isPermitted: isPermitted)
  }
}

extension SegmentPlan {
  /// Whether a segment can follow this plan without a slot of its own.
  package func isSame(as other: SegmentPlan) -> Bool {
    vni == other.vni && ownMAC == other.ownMAC && isSealed == other.isSealed
      && overhead.sealingTag == other.overhead.sealingTag
  }
}
