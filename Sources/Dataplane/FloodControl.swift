import Forwarding
import Synchronization
import VXLAN

/// What keeps flooded frames from becoming too many, for all segments: their rates, the memory of what was written to
/// TAPs, and who listens to which groups. What workers find is kept here for the thread that tells of it.
///
/// *Threads.* Workers judge frames; any thread takes the sightings.
package final class FloodControl: @unchecked Sendable {
  /// A frame that came back.
  package struct Loop: Equatable, Sendable {
    package let mac: MACAddress
    package let time: Instant
  }

  /// What workers look at for each frame, without a reference to count.
  struct Parts {
    // SAFETY: owned by the object that made this, and indexed by slots of the topology, which are below the count;
    // whoever holds this value holds the topology.
    let groups: UnsafeMutablePointer<MulticastTable>
    let groupHash: KeyedHash
    let storms: UnsafeMutablePointer<StormBucket>
    let loops: UnsafeMutablePointer<LoopGuard>
  }

  let parts: Parts
  private let segmentCount: Int
  /// By segment slot, the last frame that came back and was not taken yet.
  private let sightings: Mutex<[Loop?]>
  // SAFETY: as the parts.
  /// By segment slot, when the next one is kept, in nanoseconds.
  private let nextSightings: UnsafeMutablePointer<Atomic<UInt64>>
  /// The thread that tells knows that there is something.
  private let isTold = Atomic<Bool>(false)

  init(segments: [SegmentPlan], hash: KeyedHash, gracePeriod: GracePeriod) {
    segmentCount = segments.count
    sightings = Mutex(Array(repeating: nil, count: segments.count))
    let count = max(1, segments.count)
    // SAFETY: as many bytes as are bound, with more than the alignment of the type; initialised below.
    let storms = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<StormBucket>.stride, alignment: StormBucket.alignment
    ).bindMemory(to: StormBucket.self, capacity: count)
    parts = Parts(
      groups: .allocate(capacity: count), groupHash: hash, storms: storms,
      loops: .allocate(capacity: 1))
    parts.loops.initialize(to: LoopGuard(segmentCount: segments.count, hash: hash))
    nextSightings = .allocate(capacity: count)
    for (slot, plan) in segments.enumerated() {
      (parts.groups + slot).initialize(to: MulticastTable(hash: hash, gracePeriod: gracePeriod))
      (parts.storms + slot).initialize(to: StormBucket(perSecond: plan.stormLimit))
      (nextSightings + slot).initialize(to: Atomic(0))
    }
  }

  deinit {
    parts.groups.deinitialize(count: segmentCount)
    parts.groups.deallocate()
    parts.storms.deinitialize(count: segmentCount)
    parts.storms.deallocate()
    parts.loops.deinitialize(count: 1)
    parts.loops.deallocate()
    nextSightings.deinitialize(count: segmentCount)
    nextSightings.deallocate()
  }

  /// Frames of the segment that were above its rate.
  package func stormCount(ofSegment slot: Int) -> UInt64 {
    precondition(slot >= 0 && slot < segmentCount)
    return parts.storms[slot].refusedCount()
  }

  /// Groups of the segment that have a known listener at a peer.
  package func groupCount(ofSegment slot: Int) -> Int {
    precondition(slot >= 0 && slot < segmentCount)
    return parts.groups[slot].groupCount()
  }

  /// When `advance` wants to be called; nil: not before a worker tells of something.
  package func nextQuestion() -> Instant? {
    let next = (0..<segmentCount).reduce(UInt64.max) { min($0, parts.groups[$1].next()) }
    return next == .max ? nil : Instant(nanoseconds: next)
  }

  /// Lets go of listeners that did not report again, and answers what is to be asked, by segment slot.
  package func advance(now: Instant) -> [(segment: Int, query: GroupQuery)] {
    (0..<segmentCount).filter { parts.groups[$0].next() <= now.nanoseconds }.flatMap { slot in
      parts.groups[slot].advance(now: now).map { (slot, $0) }
    }
  }

  /// Lets workers see who listens now, without waiting for `advance`.
  package func publishGroups(now: Instant) {
    for slot in 0..<segmentCount { parts.groups[slot].publish(now: now) }
  }

  /// The last frame of the segment that came back, once.
  package func takeLoop(ofSegment slot: Int) -> Loop? {
    sightings.withLock { sightings in
      defer { sightings[slot] = nil }
      return sightings[slot]
    }
  }

  /// Whether there is something to look at.
  package var hasNews: Bool { isTold.load(ordering: .relaxed) }

  /// The thread that tells looks again now: workers are to wake it for what comes from here on.
  package func beginLook() { isTold.store(false, ordering: .sequentiallyConsistent) }

  // COLD
  /// A frame came back. True when it is kept, as one of a segment is in a second.
  func note(_ loop: Loop, segment: Int) -> Bool {
    let cell = nextSightings + segment
    let next = cell.pointee.load(ordering: .relaxed)
    guard loop.time.nanoseconds >= next,
      cell.pointee.compareExchange(
        expected: next, desired: loop.time.nanoseconds &+ 1_000_000_000, ordering: .relaxed
      ).exchanged
    else { return false }
    sightings.withLock { $0[segment] = loop }
    return true
  }

  // HOT
  /// There is something to tell. True when the thread that tells does not know yet.
  func claimNews() -> Bool {
    if isTold.load(ordering: .relaxed) { return false }
    return !isTold.exchange(true, ordering: .sequentiallyConsistent)
  }
}
