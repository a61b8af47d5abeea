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

  /// Up to `countMax` entries that come after `mac` in the table's order, by shard, then by address; nil: from the
  /// start. Fewer: there are no more. Any thread.
  ///
  /// The order depends on addresses alone and stays for as long as the table lives. So who goes on after the last entry
  /// each time comes to an end, and sees every entry that is there all the while exactly once; those that come or go
  /// meanwhile may be seen or not. Each hold of a lock is for the slots of one shard.
  package borrowing func entries(after mac: MACAddress? = nil, countMax: Int = .max) -> [FDBEntry] {
    var found: [FDBEntry] = []
    // Room is made before a lock is taken.
    found.reserveCapacity(min(countMax, entryCount()) + Limits.entryCountPerShard * 2)
    let first = mac.map { shard(of: hash(MACKey($0).rawValue)) } ?? 0
    for shard in first..<shardCount {
      let start = found.count
      collect(shard: shard, after: shard == first ? mac : nil, into: &found)
      found[start...].sort { $0.mac.rawValue < $1.mac.rawValue }
      guard found.count < countMax else {
        found.removeLast(found.count - countMax)
        break
      }
    }
    return found
  }

  /// Adds the entries of a shard whose address is above `mac`, in no order.
  private borrowing func collect(shard: Int, after mac: MACAddress?, into found: inout [FDBEntry]) {
    shards[shard].withLock { state in
      reclaim(&state)
      let table = table(ofShard: shard)
      for index in 0...table.mask {
        let value = table.value(at: index)
        guard value.isPresent, let key = table.key(at: index) else { continue }
        if let mac, key.mac.rawValue <= mac.rawValue { continue }
        found.append(FDBEntry(key, value))
      }
    }
  }
}
