import Forwarding
import Synchronization
import VXLAN

/// What outlives a generation of segments and peers: tables, limits, and what workers tell, by slot, with room for as
/// many as there may ever be.
///
/// A slot belongs to one segment or peer. When that has left, the slot may be used again once no worker can look at
/// anything of it: of a segment when no generation is left that has it, of a peer a grace period after what was known
/// of it went (`Topology.settle`).
///
/// *Threads.* Shared by all; each part says who may do what.
package final class OverlayState: @unchecked Sendable {
  private struct Occupancy {
    /// Slots whose tables are there.
    var segments: Set<Int> = []
    /// Slots of peers that have left, with the period that must be over.
    var leavingPeers: [Int: UInt64] = [:]
  }

  let hash: KeyedHash
  /// Its readers are the workers, by number.
  package let gracePeriod: GracePeriod
  /// What fits at this moment.
  package let limits: SizeLimits
  /// What workers tell of addresses.
  package let events: EventRing
  /// Whether what leaves sealed segments is sealed.
  package let leaks: LeakTally
  /// How much is flooded, and what came back.
  package let flooding: FloodControl
  /// How many entries each peer may have.
  let peerLimits = FDBPeerLimits(slotCount: Forwarding.Limits.peerSlotCount)
  // SAFETY: owned from `init` to `deinit`; what is initialised belongs to `SegmentTables`, which holds this object.
  let tables: UnsafeMutablePointer<FDB>
  /// By peer slot, about when plain frames last left for it: the keys of sessions count sealed ones alone, and a path
  /// that either kind uses is worth confirming.
  let plainMarks = AtomicCells(count: Forwarding.Limits.peerSlotCount)
  /// By segment slot; for rare answers, so a lock is cheap.
  private let answers = Mutex<[Int: AnswerLimiter]>([:])
  private let occupancy = Mutex(Occupancy())

  init(hash: KeyedHash, workerCount: Int, onEvent: @escaping @Sendable () -> Void) {
    self.hash = hash
    gracePeriod = GracePeriod(readerCount: workerCount)
    events = EventRing(onNews: onEvent)
    leaks = LeakTally(onFailure: onEvent)
    limits = SizeLimits()
    flooding = FloodControl(hash: hash, gracePeriod: gracePeriod)
    tables = .allocate(capacity: Limits.segmentSlotCount)
  }

  deinit {
    tables.deallocate()
  }

  /// Slots that have no peer and may not be given to one yet.
  package func busyPeerSlots() -> Set<Int> {
    occupancy.withLock { occupancy in
      occupancy.leavingPeers = occupancy.leavingPeers.filter { !gracePeriod.isOver($0.value) }
      return Set(occupancy.leavingPeers.keys)
    }
  }

  /// Slots that have the tables of a segment, in whatever generation.
  package func busySegmentSlots() -> Set<Int> { occupancy.withLock { $0.segments } }

  func claim(segment slot: Int) {
    precondition(slot >= 0 && slot < Limits.segmentSlotCount)
    let isNew = occupancy.withLock { $0.segments.insert(slot).inserted }
    precondition(isNew, "another segment has slot \(slot)")
  }

  func release(segment slot: Int) {
    answers.withLock { $0[slot] = nil }
    occupancy.withLock { _ = $0.segments.remove(slot) }
  }

  /// Nothing of the peers in these slots can be found any more.
  func release(peers slots: [Int]) {
    let period = gracePeriod.begin()
    occupancy.withLock { occupancy in for slot in slots { occupancy.leavingPeers[slot] = period } }
  }

  /// Another number about a second later, if plain frames left for the peer meanwhile. Any thread.
  package func plainMark(ofPeer slot: Int) -> Int { plainMarks[slot] }

  // COLD
  /// Whether one more answer may go to the sender of a packet.
  func mayAnswer(_ ends: TooBigAnswer.Ends, segment: Int, now: Instant) -> Bool {
    answers.withLock {
      $0[segment, default: AnswerLimiter(hash: hash)].takes(from: ends.source, to: ends.destination, now: now)
    }
  }
}
