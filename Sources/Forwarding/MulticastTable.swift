import Synchronization
import VXLAN

/// The groups of one segment as workers see them: by group, the peers that get its frames.
///
/// What they look at is a list that is never written again; another is put in its place when somebody comes or goes,
/// and the old one is given back when no worker can be looking at it any more.
///
/// *Threads.* Any. Looking takes no lock; messages and `advance` do, which are rare.
package struct MulticastTable: ~Copyable {
  private struct State: ~Copyable {
    var groups = MulticastGroups()
    var retired: [(snapshot: MulticastSnapshot, period: UInt64)] = []
  }

  private let hash: KeyedHash
  private let gracePeriod: GracePeriod
  private let state = Mutex(State())
  /// Of the list in use; nil while no group has a known listener.
  private let current = Atomic<UnsafeMutablePointer<Int>?>(nil)
  private let deadline = Atomic<UInt64>(.max)

  package init(hash: KeyedHash, gracePeriod: GracePeriod) {
    self.hash = hash
    self.gracePeriod = gracePeriod
  }

  deinit {
    // SAFETY: nobody borrows the value any more, so nobody looks at its lists.
    if let words = current.load(ordering: .acquiring) { MulticastSnapshot(at: words).free() }
    state.withLock { state in for retired in state.retired { retired.snapshot.free() } }
  }

  // HOT
  /// The list in use, until the reader's next boundary; nil while every group is flooded.
  @inline(__always)
  package borrowing func snapshot() -> MulticastSnapshot? {
    // SAFETY: what was loaded is given back only after the grace period. Acquiring: filled before it was published.
    current.load(ordering: .acquiring).map { MulticastSnapshot(at: $0) }
  }

  /// When `advance` wants to be called, in nanoseconds; `UInt64.max`: not before the next message.
  package borrowing func next() -> UInt64 { deadline.load(ordering: .relaxed) }

  /// Groups that have a known listener at a peer.
  package borrowing func groupCount() -> Int { state.withLock { $0.groups.groups.count } }

  /// Takes a message. Answers what became of it, and whether `advance` wants to be called earlier than before.
  package borrowing func take(
    _ message: GroupMessage, from remote: Remote, outranks: Bool, now: Instant
  ) -> (outcome: MulticastGroups.Outcome, isEarlier: Bool) {
    state.withLock { state in
      let outcome = state.groups.take(message, from: remote, outranks: outranks, now: now)
      if outcome.isChanged { publish(&state) }
      let next = state.groups.next
      let isEarlier = next < deadline.load(ordering: .relaxed)
      deadline.store(next, ordering: .relaxed)
      return (outcome, isEarlier)
    }
  }

  /// Does what is due, and answers what is to be asked.
  package borrowing func advance(now: Instant) -> [GroupQuery] {
    state.withLock { state in
      let (queries, isChanged) = state.groups.advance(now: now)
      if isChanged { publish(&state) }
      reclaim(&state)
      // What waits for readers is looked at again soon.
      deadline.store(
        state.retired.isEmpty ? state.groups.next : min(state.groups.next, now.nanoseconds &+ 1_000_000_000),
        ordering: .relaxed)
      return queries
    }
  }

  private borrowing func publish(_ state: inout State) {
    let fresh = MulticastSnapshot(of: state.groups, hash: hash)
    let old = current.exchange(fresh?.words, ordering: .acquiringAndReleasing)
    reclaim(&state)
    if let old { state.retired.append((MulticastSnapshot(at: old), gracePeriod.begin())) }
  }

  private borrowing func reclaim(_ state: inout State) {
    state.retired.removeAll { retired in
      let isUnused = gracePeriod.isOver(retired.period)
      if isUnused { retired.snapshot.free() }
      return isUnused
    }
  }
}
