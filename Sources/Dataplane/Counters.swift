import Forwarding

/// What is counted for each segment and direction, beside the drop reasons.
package enum Counter: Int, CaseIterable, Sendable {
  /// Frames that came.
  case framesIn
  /// Frames that were sent on: from the overlay to at least one peer, from the underlay into a TAP.
  case framesOut
  /// Frames that the agent answered or took itself.
  case consumed
  /// Frames that wait for a session. A level, not a sum.
  case waiting
  /// Frames that the agent made itself; outside the identity.
  case generated
  /// Copies of flooded frames that went out.
  case floodCopies
  /// Copies of flooded frames that did not.
  case floodCopyDrops
  /// Bytes of the frames that came, without encapsulation.
  case bytesIn
  /// Bytes of the frames that were sent on, without encapsulation.
  case bytesOut
}

/// The counters of one worker: plain numbers that it alone writes and reads.
///
/// Others see copies that the worker makes between two batches, so the identity holds in every copy:
/// framesIn = framesOut + drops + consumed + waiting, for each segment and direction.
package struct Counters: ~Copyable {
  static let countPerDirection = Counter.allCases.count + DropReason.count
  static let countPerSegment = countPerDirection * Direction.allCases.count

  // SAFETY: of the memory below, which this value keeps; indexed by slots of the topology, for all of which it has
  // room.
  private let values: UnsafeMutablePointer<UInt64>
  private let peers: UnsafeMutablePointer<PeerTraffic>
  private let valueMemory = SlotMemory<UInt64>(count: (Limits.segmentSlotCount + 1) * Self.countPerSegment)
  private let peerMemory = SlotMemory<PeerTraffic>(count: Forwarding.Limits.peerSlotCount)
  /// One above the last slot that is copied.
  private var segmentCount: Int
  private var peerCount: Int

  /// Zero for all. Frames that belong to no segment are counted under the slot `Counters.noSegment`.
  package init(segmentCount: Int, peerCount: Int) {
    self.segmentCount = segmentCount
    self.peerCount = peerCount
    (values, peers) = (valueMemory.start, peerMemory.start)
  }

  /// Other segments and peers have slots. What was counted of a segment that has none any more is from now on counted
  /// under `noSegment`, so that no sum goes back; of its frames none may wait. What was counted of a peer goes.
  mutating func follow(_ topology: Topology, after old: Topology) {
    for slot in 0..<segmentCount where !topology.segments.isOccupied(slot) {
      let (from, to) = (values + (slot + 1) * Self.countPerSegment, values)
      for index in 0..<Self.countPerSegment {
        to[index] &+= from[index]
        from[index] = 0
      }
    }
    // Entries that were not forgotten yet may have had frames sent to a peer that had left.
    for slot in 0..<max(peerCount, topology.peers.endIndex)
    where !(old.peers.isOccupied(slot) && topology.peers.isOccupied(slot)) {
      peers[slot] = PeerTraffic()
    }
    (segmentCount, peerCount) = (topology.segments.endIndex, topology.peers.endIndex)
  }

  /// The slot of frames whose segment is unknown.
  package static let noSegment = -1

  // HOT
  @inline(__always)
  mutating func add(_ amount: Int = 1, to counter: Counter, _ direction: Direction, segment: Int) {
    values[Self.index(counter, direction, segment: segment)] &+= UInt64(truncatingIfNeeded: amount)
  }

  // HOT
  @inline(__always)
  mutating func drop(_ reason: DropReason, count: Int = 1, _ direction: Direction, segment: Int) {
    values[Self.index(reason, direction, segment: segment)] &+= UInt64(truncatingIfNeeded: count)
  }

  /// Frames do not wait any more.
  mutating func endWaiting(_ count: Int, segment: Int) {
    values[Self.index(Counter.waiting, .overlay, segment: segment)] &-= UInt64(truncatingIfNeeded: count)
  }

  // HOT
  @inline(__always)
  mutating func received(_ byteCount: Int, fromPeer slot: Int, now: UInt64) {
    peers[slot].receivedByteCount &+= UInt64(truncatingIfNeeded: byteCount)
    peers[slot].lastReceive = now
  }

  // HOT
  @inline(__always)
  mutating func sent(_ byteCount: Int, toPeer slot: Int) {
    peers[slot].sentByteCount &+= UInt64(truncatingIfNeeded: byteCount)
  }

  /// Adds what another process counted.
  mutating func carry(_ traffic: PeerTraffic, peer slot: Int) { peers[slot] = peers[slot].merged(with: traffic) }

  /// A copy of all of it, for another thread.
  package borrowing func snapshot() -> CounterSnapshot {
    CounterSnapshot(
      values: Array(UnsafeBufferPointer(start: values, count: (segmentCount + 1) * Self.countPerSegment)),
      peers: Array(UnsafeBufferPointer(start: peers, count: peerCount)))
  }

  static func index(_ counter: Counter, _ direction: Direction, segment: Int) -> Int {
    base(direction, segment: segment) &+ counter.rawValue
  }

  static func index(_ reason: DropReason, _ direction: Direction, segment: Int) -> Int {
    base(direction, segment: segment) &+ Counter.allCases.count &+ Int(reason.rawValue)
  }

  private static func base(_ direction: Direction, segment: Int) -> Int {
    (segment &+ 1) &* countPerSegment &+ direction.rawValue &* countPerDirection
  }
}

/// What went to and came from one peer.
package struct PeerTraffic: Codable, Equatable, Sendable {
  /// UDP payload of the datagrams that were accepted as the peer's.
  package var receivedByteCount: UInt64 = 0
  /// UDP payload of the datagrams that were sent.
  package var sentByteCount: UInt64 = 0
  /// Nanoseconds on the agent's clock; 0 = never.
  package var lastReceive: UInt64 = 0

  package init(receivedByteCount: UInt64 = 0, sentByteCount: UInt64 = 0, lastReceive: UInt64 = 0) {
    self.receivedByteCount = receivedByteCount
    self.sentByteCount = sentByteCount
    self.lastReceive = lastReceive
  }

  /// What went through this worker and another.
  func merged(with other: PeerTraffic) -> PeerTraffic {
    PeerTraffic(
      receivedByteCount: receivedByteCount &+ other.receivedByteCount,
      sentByteCount: sentByteCount &+ other.sentByteCount, lastReceive: max(lastReceive, other.lastReceive))
  }
}

/// The counters of one worker as they stood between two batches, or the sum of several workers'.
///
/// The identity holds for each, so it holds for the sum, although the copies were not made at one moment.
package struct CounterSnapshot: Equatable, Sendable {
  private var values: [UInt64]
  /// By peer slot.
  package let peers: [PeerTraffic]
  /// How many calls it took.
  package var batches = BatchCounters()

  /// Adds what was counted elsewhere, of frames of no segment.
  mutating func add(_ amount: UInt64, to counter: Counter, _ direction: Direction) {
    values[Counters.index(counter, direction, segment: Counters.noSegment)] &+= amount
  }

  /// The same for a drop reason.
  mutating func add(_ amount: UInt64, to reason: DropReason, _ direction: Direction) {
    values[Counters.index(reason, direction, segment: Counters.noSegment)] &+= amount
  }

  init(values: [UInt64], peers: [PeerTraffic]) {
    self.values = values
    self.peers = peers
  }

  /// The sum of both, of which one may have more slots: another worker's, which has adopted another generation.
  package static func + (a: CounterSnapshot, b: CounterSnapshot) -> CounterSnapshot {
    guard a.values.count >= b.values.count, a.peers.count >= b.peers.count else { return b + a.padded(like: b) }
    let b = b.padded(like: a)
    var sum = CounterSnapshot(
      values: zip(a.values, b.values).map { $0 &+ $1 }, peers: zip(a.peers, b.peers).map { $0.merged(with: $1) })
    sum.batches = a.batches + b.batches
    return sum
  }

  /// With as many slots as another has, if those are more.
  private func padded(like other: CounterSnapshot) -> CounterSnapshot {
    let valueCount = max(0, other.values.count - values.count)
    let peerCount = max(0, other.peers.count - peers.count)
    var padded = CounterSnapshot(
      values: values + Array(repeating: 0, count: valueCount),
      peers: peers + Array(repeating: PeerTraffic(), count: peerCount))
    padded.batches = batches
    return padded
  }

  /// Slots that have counters: `Counters.noSegment`, then each segment's.
  package var segments: Range<Int> {
    Counters.noSegment..<(values.count / Counters.countPerSegment - 1)
  }

  package func value(_ counter: Counter, _ direction: Direction, segment: Int) -> UInt64 {
    values[Counters.index(counter, direction, segment: segment)]
  }

  package func value(_ reason: DropReason, _ direction: Direction, segment: Int) -> UInt64 {
    values[Counters.index(reason, direction, segment: segment)]
  }

  /// The sum over all segments, and over the frames of none.
  package func total(_ counter: Counter, _ direction: Direction) -> UInt64 {
    segments.reduce(0) { $0 &+ value(counter, direction, segment: $1) }
  }

  package func total(_ reason: DropReason, _ direction: Direction) -> UInt64 {
    segments.reduce(0) { $0 &+ value(reason, direction, segment: $1) }
  }

  /// All drops of a direction.
  package func drops(_ direction: Direction) -> UInt64 {
    DropReason.allCases.reduce(0) { $0 &+ total($1, direction) }
  }

  /// framesIn - framesOut - drops - consumed - waiting: zero, always.
  package func imbalance(_ direction: Direction) -> Int64 {
    let ended = total(.framesOut, direction) &+ drops(direction) &+ total(.consumed, direction)
    return Int64(bitPattern: total(.framesIn, direction) &- (ended &+ total(.waiting, direction)))
  }
}
