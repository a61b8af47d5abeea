import Forwarding
import Synchronization
import VXLAN

/// What keeps flooded frames from becoming too many, for all segments: their rates, the memory of what was written to
/// TAPs, and who listens to which groups.
///
/// *Threads.* Workers judge frames; any thread asks for counts and for what is to be asked.
package final class FloodControl: @unchecked Sendable {
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
  private let gracePeriod: GracePeriod
  /// Slots that have a segment. Who looks at the groups or the storms of segments, but for the workers, holds the lock.
  private let occupied = Mutex<Set<Int>>([])
  // SAFETY: as the parts.
  /// By segment slot, when a loop is told of again, in nanoseconds.
  private let nextLoopEvents = SlotMemory<Atomic<UInt64>>(count: Limits.segmentSlotCount)
  /// The thread that tells knows that there is something.
  private let isTold = Atomic<Bool>(false)

  init(hash: KeyedHash, gracePeriod: GracePeriod) {
    self.gracePeriod = gracePeriod
    let count = Limits.segmentSlotCount
    // SAFETY: as many bytes as are bound, with more than the alignment of the type; initialised by `occupy`.
    let storms = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<StormBucket>.stride, alignment: StormBucket.alignment
    ).bindMemory(to: StormBucket.self, capacity: count)
    parts = Parts(
      groups: .allocate(capacity: count), groupHash: hash, storms: storms,
      loops: .allocate(capacity: 1))
    parts.loops.initialize(to: LoopGuard(segmentCount: count, hash: hash))
  }

  deinit {
    parts.groups.deallocate()
    parts.storms.deallocate()
    parts.loops.deinitialize(count: 1)
    parts.loops.deallocate()
  }

  /// A segment has the slot, of which nothing is known yet.
  func occupy(_ slot: Int, stormLimit: Int) {
    (parts.groups + slot).initialize(to: MulticastTable(hash: parts.groupHash, gracePeriod: gracePeriod))
    (parts.storms + slot).initialize(to: StormBucket(perSecond: stormLimit))
    parts.loops.pointee.disarm(segment: slot)
    nextLoopEvents.start[slot].store(0, ordering: .relaxed)
    occupied.withLock { _ = $0.insert(slot) }
  }

  /// Nobody has the slot any more.
  func vacate(_ slot: Int) {
    occupied.withLock { _ = $0.remove(slot) }
    (parts.groups + slot).deinitialize(count: 1)
    (parts.storms + slot).deinitialize(count: 1)
  }

  /// Frames of the segment that were above its rate.
  package func stormCount(ofSegment slot: Int) -> UInt64 {
    occupied.withLock { $0.contains(slot) ? parts.storms[slot].refusedCount() : 0 }
  }

  /// Groups of the segment that have a known listener at a peer.
  package func groupCount(ofSegment slot: Int) -> Int {
    occupied.withLock { $0.contains(slot) ? parts.groups[slot].groupCount() : 0 }
  }

  /// When `advance` wants to be called; nil: not before a worker tells of something.
  package func nextQuestion() -> Instant? {
    let next = occupied.withLock { $0.reduce(UInt64.max) { min($0, parts.groups[$1].next()) } }
    return next == .max ? nil : Instant(nanoseconds: next)
  }

  /// Lets go of listeners that did not report again, and answers what is to be asked, by segment slot.
  package func advance(now: Instant) -> [(segment: Int, query: GroupQuery)] {
    occupied.withLock { occupied in
      occupied.filter { parts.groups[$0].next() <= now.nanoseconds }.sorted().flatMap { slot in
        parts.groups[slot].advance(now: now).map { (slot, $0) }
      }
    }
  }

  /// Lets workers see who listens now, without waiting for `advance`.
  package func publishGroups(now: Instant) {
    occupied.withLock { for slot in $0 { parts.groups[slot].publish(now: now) } }
  }

  /// Whether there is something to look at.
  package var hasNews: Bool { isTold.load(ordering: .relaxed) }

  /// The thread that tells looks again now: workers are to wake it for what comes from here on.
  package func beginLook() { isTold.store(false, ordering: .sequentiallyConsistent) }

  // COLD
  /// Whether a frame that came back is told of, as one of a segment is in a second.
  func claimLoopEvent(ofSegment slot: Int, now: Instant) -> Bool {
    let cell = nextLoopEvents.start + slot
    let next = cell.pointee.load(ordering: .relaxed)
    return now.nanoseconds >= next
      && cell.pointee.compareExchange(
        expected: next, desired: now.nanoseconds &+ 1_000_000_000, ordering: .relaxed
      ).exchanged
  }

  // HOT
  /// There is something to tell. True when the thread that tells does not know yet.
  func claimNews() -> Bool {
    if isTold.load(ordering: .relaxed) { return false }
    return !isTold.exchange(true, ordering: .sequentiallyConsistent)
  }
}
