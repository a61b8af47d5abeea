import CVXLAN
import Synchronization
import VXLAN

/// The groups of one segment as workers see them: by group, the peers that get its frames.
///
/// What they look at is a list that is never written again; another is put in its place when somebody comes or goes,
/// and the old one is given back when no worker can be looking at it any more. Lists are made on the thread that calls
/// `advance`, outside the lock and at most one in 10 ms, so that no worker pays for what all peers listen to. Until
/// then a new listener of a known group gets nothing, which is what it had before. When that thread is late, as while
/// it waits for whoever reads the log, the worker with the next message makes the list.
///
/// *Threads.* Any. Looking takes no lock; messages and `advance` do, which are rare.
package struct MulticastTable: ~Copyable {
  /// From one list to the next, in nanoseconds: at least so long, and longer the more there is to list, so that lists
  /// take a part of a thread only.
  private static let publishingPause: UInt64 = 10_000_000
  private static let publishingPausePerListener: UInt64 = 1_000
  /// After which a list that is due is made by whoever comes.
  private static let lateness: UInt64 = 100_000_000
  /// When what readers may still look at is looked at again.
  private static let reclaimPause: UInt64 = 1_000_000_000

  struct State: ~Copyable {
    var groups = MulticastGroups()
    /// Moments of `Instant`, in nanoseconds. When a list is to be made; `UInt64.max`: the one in use is right.
    var publishAt = UInt64.max
    /// Before which none is made.
    var nextPublishing: UInt64 = 0
    var retired: [(snapshot: MulticastSnapshot, period: UInt64)] = []
    var reclaimAt = UInt64.max

    var next: UInt64 { min(groups.next, publishAt, reclaimAt) }

    mutating func noteChange(now: UInt64) {
      if publishAt == .max { publishAt = max(now, nextPublishing) }
    }
  }

  private let hash: KeyedHash
  private let gracePeriod: GracePeriod
  let state = Mutex(State())
  /// Of the list in use; nil while no group has a known listener.
  private let current = Atomic<UnsafeMutablePointer<Int>?>(nil)
  private let deadline = Atomic<UInt64>(.max)
  /// A thread makes a list.
  private let isPublishing = Atomic<Bool>(false)

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
    let (outcome, isEarlier, isLate) = state.withLock { state in
      let outcome = state.groups.take(message, from: remote, outranks: outranks, now: now)
      if outcome.isChanged { state.noteChange(now: now.nanoseconds) }
      let next = state.next
      let isEarlier = next < deadline.load(ordering: .relaxed)
      deadline.store(next, ordering: .relaxed)
      return (outcome, isEarlier, state.publishAt < now.nanoseconds &- Self.lateness)
    }
    if isLate { publish(now: now) }
    return (outcome, isEarlier)
  }

  /// Does what is due, and answers what is to be asked.
  package borrowing func advance(now: Instant) -> [GroupQuery] {
    let (queries, isStale) = state.withLock { state in
      let (queries, isChanged) = state.groups.advance(now: now)
      return (queries, isChanged || state.publishAt <= now.nanoseconds)
    }
    if isStale { publish(now: now) }
    state.withLock { state in
      reclaim(&state, now: now.nanoseconds)
      deadline.store(state.next, ordering: .relaxed)
    }
    return queries
  }

  /// Forgets what is known of a peer that has left.
  package borrowing func remove(peer: Int, now: Instant) {
    change(now: now) { $0.remove(peer: peer, now: now) }
  }

  /// Forgets everything: every group is flooded.
  package borrowing func removeAll(now: Instant) {
    change(now: now) { groups in
      groups = MulticastGroups()
      return true
    }
  }

  private borrowing func change(now: Instant, _ body: (inout MulticastGroups) -> Bool) {
    let isChanged = state.withLock { state in
      let isChanged = body(&state.groups)
      if isChanged { state.publishAt = now.nanoseconds }
      deadline.store(state.next, ordering: .relaxed)
      return isChanged
    }
    // Who leaves must be in no list: another thread that makes one may have looked before.
    while isChanged, !publish(now: now) { cvxlan_pause() }
  }

  /// Lets workers see what is known now, unless another thread is about to. Answers whether it did.
  @discardableResult
  package borrowing func publish(now: Instant) -> Bool {
    guard !isPublishing.exchange(true, ordering: .acquiring) else { return false }
    defer { isPublishing.store(false, ordering: .releasing) }
    let groups = state.withLock { state in
      state.publishAt = .max
      return state.groups
    }
    let fresh = MulticastSnapshot(of: groups, hash: hash)
    let old = current.exchange(fresh?.words, ordering: .acquiringAndReleasing)
    let listenerCount = groups.groups.values.reduce(0) { $0 + $1.count }
    state.withLock { state in
      state.nextPublishing =
        now.nanoseconds &+ Self.publishingPause &+ UInt64(listenerCount) &* Self.publishingPausePerListener
      if state.publishAt != .max { state.publishAt = max(state.publishAt, state.nextPublishing) }
      if let old { state.retired.append((MulticastSnapshot(at: old), gracePeriod.begin())) }
      reclaim(&state, now: now.nanoseconds)
    }
    return true
  }

  private borrowing func reclaim(_ state: inout State, now: UInt64) {
    state.retired.removeAll { retired in
      let isUnused = gracePeriod.isOver(retired.period)
      if isUnused { retired.snapshot.free() }
      return isUnused
    }
    state.reclaimAt = state.retired.isEmpty ? .max : now &+ Self.reclaimPause
  }
}
