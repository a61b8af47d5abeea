import Synchronization

/// What belongs to one part of a forwarding table beside its slots: a lock, and what only its holder may touch.
struct FDBShard: ~Copyable {
  struct State: ~Copyable {
    /// Slots that have a key, with an entry or without.
    var usedSlotCount = 0
    var entryCount = 0
    var damping = MoveDamping()
    /// Storage that was replaced and may have readers still, with the period that must be over.
    var retired: [(table: FDBTable, period: UInt64)] = []
    /// Storage that has none any more; empty while the lock is free.
    var unused = FDBTableChain()
  }

  private let state = Mutex(State())

  /// Runs `body` with the lock held, and then gives back what it has found unused.
  @inline(__always)
  borrowing func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    var unused = FDBTableChain()
    let result = withLock(leaving: &unused, body)
    if !unused.isEmpty { unused.free() }
    return result
  }

  /// Runs `body` with the lock held, and adds what it has found unused to `unused`.
  @inline(__always)
  borrowing func withLock<Result>(leaving unused: inout FDBTableChain, _ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      defer { if !state.unused.isEmpty { unused.take(&state.unused) } }
      return body(&state)
    }
  }
}

/// The numbers of a forwarding table, which every thread changes: on cache lines of their own, since those who look up
/// need none of them.
struct FDBCounts: ~Copyable {
  /// Learned entries, frozen ones among them.
  let dynamic = Atomic<Int>(0)
  /// Static and control entries.
  let pinned = Atomic<Int>(0)
  let refused = Atomic<UInt64>(0)
  let moves = Atomic<UInt64>(0)
  let freezes = Atomic<UInt64>(0)
  let aged = Atomic<UInt64>(0)
}

extension Atomic where Value == Int {
  /// Adds one unless that makes more than `limit`. Answers whether it did.
  borrowing func increment(upTo limit: Int) -> Bool {
    var value = load(ordering: .relaxed)
    while value < limit {
      // Relaxed: the number stands for no other memory.
      let result = weakCompareExchange(expected: value, desired: value &+ 1, ordering: .relaxed)
      if result.exchanged { return true }
      value = result.original
    }
    return false
  }
}
