import Forwarding
import Sealing
import Synchronization
import VXLAN

/// Segments, peers and their tables, as the workers use them: fixed once made, but for the entries of the tables.
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
  package let segments: [SegmentPlan]
  /// By slot.
  package let peers: [PeerPlan]

  // SAFETY: all are owned from `init` to `deinit` and indexed by slots below the counts.
  let records: UnsafeMutablePointer<SegmentRecord>
  let tables: UnsafeMutablePointer<FDB>
  /// Its readers are the workers, by number.
  package let gracePeriod: GracePeriod
  /// What fits at this moment.
  package let limits: SizeLimits
  /// What workers tell of addresses.
  package let events: EventRing
  /// How much is flooded, and what came back.
  package let flooding: FloodControl
  /// By peer slot, about when plain frames last left for it: the keys of sessions count sealed ones alone, and a path
  /// that either kind uses is worth confirming.
  private let plainMarks: AtomicCells
  /// By segment slot; for rare answers, so a lock is cheap.
  private let answers: Mutex<[AnswerLimiter]>
  /// By segment slot: which addresses are at which stations behind the peers.
  package let neighbors: [NeighborTable]
  let segmentByVNI: SlotIndex
  let peerByAddress: SlotIndex

  /// - Parameters:
  ///   - hash: keyed with a secret of this process.
  ///   - now: for the stamps of static entries.
  ///   - workerCount: how many workers look up in the tables; 0: one thread does, which is no `Worker`.
  ///   - onEvent: called when events wait that were not there at the last `drain`; must not block.
  package init(
    segments: [SegmentPlan], peers: [PeerPlan], hash: KeyedHash, now: Instant, workerCount: Int = 0,
    onEvent: @escaping @Sendable () -> Void = {}
  ) {
    precondition(peers.count <= Forwarding.Limits.peerCountMax)
    gracePeriod = GracePeriod(readerCount: workerCount)
    events = EventRing(onNews: onEvent)
    self.segments = segments
    self.peers = peers
    limits = SizeLimits(
      pathMTUs: peers.map(\.pathMTU), frameByteCounts: segments.map(\.frameByteCountMax))
    plainMarks = AtomicCells(peers.map { _ in 0 })
    neighbors = segments.map { _ in NeighborTable(hash: hash, peerCount: peers.count) }
    flooding = FloodControl(segments: segments, hash: hash, gracePeriod: gracePeriod)
    answers = Mutex(segments.map { _ in AnswerLimiter(hash: hash) })
    segmentByVNI = SlotIndex(keys: segments.map { (0, UInt64($0.vni.rawValue)) }, hash: hash)
    peerByAddress = SlotIndex(keys: peers.map { Self.key($0.endpoint.address) }, hash: hash)
    records = .allocate(capacity: max(1, segments.count))
    tables = .allocate(capacity: max(1, segments.count))
    for (slot, plan) in segments.enumerated() {
      (records + slot).initialize(to: Self.record(of: plan, peerCount: peers.count))
      (tables + slot).initialize(
        to: FDB(limit: plan.fdbLimit, peerLimits: peers.map(\.fdbLimit), hash: hash, gracePeriod: gracePeriod))
      for entry in plan.staticEntries {
        tables[slot].set(entry.mac, at: .peer(entry.peer), by: .configuration, now: now.seconds)
      }
    }
  }

  deinit {
    for slot in segments.indices {
      records[slot].floodList.deallocate()
      records[slot].isPermitted.deallocate()
    }
    tables.deinitialize(count: segments.count)
    tables.deallocate()
    records.deallocate()
  }

  /// Calls `body` with the table of the segment in `slot`.
  package func withFDB<Result>(ofSegment slot: Int, _ body: (borrowing FDB) -> Result) -> Result {
    precondition(segments.indices.contains(slot))
    return body(tables[slot])
  }

  // HOT
  /// Plain frames left for the peer. The first run of them in about a second writes.
  @inline(__always)
  func notePlainFrames(toPeer slot: Int, now: Instant) {
    // In units of 2^30 ns.
    plainMarks.update(slot, to: Int(truncatingIfNeeded: now.nanoseconds &>> 30))
  }

  /// Another number about a second later, if plain frames left for the peer meanwhile. Any thread.
  package func plainMark(ofPeer slot: Int) -> Int { plainMarks[slot] }

  // COLD
  /// Whether one more answer may go to the sender of a packet.
  func mayAnswer(_ ends: TooBigAnswer.Ends, segment: Int, now: Instant) -> Bool {
    answers.withLock { $0[segment].takes(from: ends.source, to: ends.destination, now: now) }
  }

  static func key(_ address: IPAddress) -> (high: UInt64, low: UInt64) {
    // An IPv4 address as the IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), so the families cannot be confused.
    switch address.family {
    case .ipv4: (0, 0xFFFF_0000_0000 | address.low)
    case .ipv6: (address.high, address.low)
    }
  }

  private static func record(of plan: SegmentPlan, peerCount: Int) -> SegmentRecord {
    let floodList = UnsafeMutablePointer<Int>.allocate(capacity: max(1, plan.peers.count))
    floodList.initialize(repeating: 0, count: max(1, plan.peers.count))
    let isPermitted = UnsafeMutablePointer<Bool>.allocate(capacity: max(1, peerCount))
    isPermitted.initialize(repeating: false, count: max(1, peerCount))
    for (position, peer) in plan.peers.enumerated() {
      precondition(peer < peerCount)
      floodList[position] = peer
      isPermitted[peer] = true
    }
    precondition(plan.isSealed == (plan.overhead.sealingTag != nil), "a sealed segment has the overhead of one")
    let fixed: Int16 = if case .fixed(let dscp) = plan.dscp { Int16(dscp & 63) << 2 } else { -1 }
    return SegmentRecord(
      vniWord: plan.vni.rawValue << 8, outerByteCount: plan.overhead.outerByteCount,
      headerByteCount: plan.overhead.headerByteCount, tagByteCount: plan.overhead.tagByteCount,
      isSealed: plan.isSealed, sealedPrefix: SealedHeader.prefix(kind: .frame, vni: plan.vni), ownMAC: plan.ownMAC,
      passesVLANTags: plan.passesVLANTags, ignoresReservedBits: plan.ignoresReservedBits, learns: plan.learns,
      clampsMSS: plan.clampsMSS, suppressesNeighbors: plan.suppressesNeighbors, snoops: plan.snoopsMulticast,
      fixedTrafficClass: fixed, floodList: floodList, floodCount: plan.peers.count, isPermitted: isPermitted)
  }
}
