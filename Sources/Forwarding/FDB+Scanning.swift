import Synchronization
import VXLAN

/// Looking at all entries, one shard under each hold of a lock.
extension FDB {
  /// Removes the dynamic entries from which no frame came for `ageingTime`, and answers how many they were. What is
  /// kept of moves that do not count any more goes as well. Any thread.
  ///
  /// Only frames *from* an address keep it; frames towards it do not. An entry that is refreshed while the scan passes
  /// stays, and a frozen one until its freeze is over. `ageingTime` is rounded up to whole seconds, the resolution of
  /// the stamps; zero means never.
  /// - Parameter onRemoval: called with each that was removed, under no lock; nil costs less.
  package borrowing func age(
    now: UInt32, ageingTime: Duration, onRemoval: ((FDBEntry) -> Void)? = nil
  ) -> Int {
    guard ageingTime > .zero else {
      forEachShard { $0.damping.sweep(now: now) }
      return 0
    }
    let (whole, part) = ageingTime.components
    let seconds = whole + (part > 0 ? 1 : 0)
    let frozenSeconds = max(seconds, Int64(MoveDamping.freezeTime))
    var removed: [FDBEntry] = []
    var agedCount = 0
    var unused = FDBTableChain()
    defer { unused.free() }
    for shard in 0..<shardCount {
      // Room is made before the lock is taken.
      if onRemoval != nil { removed.reserveCapacity(Limits.entryCountPerShard * 2) }
      agedCount += shards[shard].withLock(leaving: &unused) { state in
        state.damping.sweep(now: now)
        return sweep(shard: shard, &state) { value in
          !value.isPinned && Int64(value.age(now: now)) >= (value.isFrozen ? frozenSeconds : seconds)
        } onRemoval: {
          if onRemoval != nil { removed.append($0) }
        }
      }
      if let onRemoval { removed.forEach(onRemoval) }
      removed.removeAll(keepingCapacity: true)
    }
    counts.pointee.aged.add(UInt64(agedCount), ordering: .relaxed)
    return agedCount
  }

  /// Each under its lock, one after the other.
  borrowing func forEachShard(_ body: (inout FDBShard.State) -> Void) {
    for shard in 0..<shardCount { shards[shard].withLock { body(&$0) } }
  }

  /// All entries, in no order. Any thread. Those that come or go meanwhile may be in it or not.
  package borrowing func entries() -> [FDBEntry] {
    var found: [FDBEntry] = []
    found.reserveCapacity(entryCount())
    for shard in 0..<shardCount {
      found += shards[shard].withLock { state in
        reclaim(&state)
        let table = table(ofShard: shard)
        var entries: [FDBEntry] = []
        entries.reserveCapacity(state.entryCount)
        for index in 0...table.mask {
          let value = table.value(at: index)
          if value.isPresent, let key = table.key(at: index) { entries.append(FDBEntry(key, value)) }
        }
        return entries
      }
    }
    return found
  }
}
