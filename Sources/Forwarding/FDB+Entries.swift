import Synchronization
import VXLAN

/// What came of setting an entry.
package enum SettingOutcome: Equatable, Sendable {
  case set
  /// This entry stands in the way, and stays.
  case refused(FDBEntry)
  /// The table takes no more static and control entries.
  case refusedFull
}

/// What people and control planes do to a table. Any thread, each under the lock of the address's shard.
extension FDB {
  /// Sets a static or control entry: when `replacing`, in the place of what has the same state or a lower one, else
  /// only where there is none of any state.
  /// - Parameter origin: not `.learned`.
  @discardableResult
  package borrowing func set(
    _ mac: MACAddress, at remote: Remote, by origin: FDBOrigin, now: UInt32, replacing: Bool = true
  ) -> SettingOutcome {
    precondition(origin != .learned && remote.rawValue < remoteCount)
    return withPlace(of: mac) { key, place, state in
      let old = place.isUsed ? place.table.value(at: place.index) : .absent
      if old.isPresent, !replacing || old.origin.state > origin.state {
        return .refused(FDBEntry(key, old))
      }
      guard old.isPinned || counts.pointee.pinned.increment(upTo: Limits.pinnedEntryCountMax) else {
        return .refusedFull
      }
      let value = FDBValue(remote, origin: origin, stamp: now)
      state.damping.forget(place.hash)
      if old.isPresent {
        let replaced = place.exchange(for: value)
        if !old.isPinned { forgetDynamic(replaced) }
      } else {
        put(key, place, value, &state)
      }
      changes.add(1, ordering: .relaxed)
      return .set
    }
  }

  /// Removes the entry of `mac`, of whatever state. Nil when there is none.
  @discardableResult
  package borrowing func remove(_ mac: MACAddress) -> FDBEntry? {
    withPlace(of: mac) { key, place, state in
      guard place.isUsed, place.table.value(at: place.index).isPresent else { return nil }
      let removed = place.exchange(for: .absent)
      forget(removed, &state)
      state.damping.forget(place.hash)
      changes.add(1, ordering: .relaxed)
      return FDBEntry(key, removed)
    }
  }

  /// The entry of `mac`, of whatever state.
  package borrowing func entry(of mac: MACAddress) -> FDBEntry? {
    withPlace(of: mac) { key, place, _ in
      let value = place.isUsed ? place.table.value(at: place.index) : .absent
      return value.isPresent ? FDBEntry(key, value) : nil
    }
  }

  /// Removes all dynamic entries, and forgets their moves. Answers how many they were.
  package borrowing func flush() -> Int {
    forEachShard { $0.damping.forgetAll() }
    return removeAll { !$0.isPinned }
  }

  /// Removes all entries that point to `remote`, of whatever state: those of a peer that has left. Answers how many.
  @discardableResult
  package borrowing func removeAll(at remote: Remote) -> Int { removeAll { $0.remote == remote } }

  private borrowing func removeAll(_ isGoing: (FDBValue) -> Bool) -> Int {
    var count = 0
    for shard in 0..<shardCount {
      count += shards[shard].withLock { state in
        sweep(shard: shard, &state, isGoing)
      }
    }
    return count
  }

  private borrowing func withPlace<Result: Sendable>(
    of mac: MACAddress, _ body: (MACKey, FDBPlace, inout FDBShard.State) -> Result
  ) -> Result {
    let key = MACKey(mac)
    let hash = hash(key.rawValue)
    let shard = shard(of: hash)
    return shards[shard].withLock { state in
      body(key, place(of: key, hash, shard: shard), &state)
    }
  }

  /// Takes an entry that was cleared out of the counts. Under the lock.
  private borrowing func forget(_ value: FDBValue, _ state: inout FDBShard.State) {
    state.entryCount -= 1
    if value.isPinned {
      counts.pointee.pinned.subtract(1, ordering: .relaxed)
    } else {
      forgetDynamic(value)
    }
  }

  private borrowing func forgetDynamic(_ value: FDBValue) {
    counts.pointee.dynamic.subtract(1, ordering: .relaxed)
    if !value.isFrozen { countByRemote[Int(value.remote.rawValue)].subtract(1, ordering: .relaxed) }
  }

  /// Removes the entries of a shard whose value is to go, and gives storage back that is hardly used any more. Answers
  /// how many they were. Under the lock.
  borrowing func sweep(
    shard: Int, _ state: inout FDBShard.State, _ isGoing: (FDBValue) -> Bool, onRemoval: (FDBEntry) -> Void = { _ in }
  ) -> Int {
    reclaim(&state)
    let table = table(ofShard: shard)
    var removedCount = 0
    for index in 0...table.mask {
      // Workers refresh without the lock: what was refreshed in this moment is judged again.
      while true {
        let value = table.value(at: index)
        guard value.isPresent, isGoing(value) else { break }
        guard table.replace(value, with: .absent, at: index) else { continue }
        forget(value, &state)
        removedCount += 1
        if let key = table.key(at: index) { onRemoval(FDBEntry(key, value)) }
        break
      }
    }
    guard removedCount > 0 else { return 0 }
    changes.add(1, ordering: .relaxed)
    if table.mask + 1 > max(Limits.slotCountMin, state.entryCount * 8) { rebuild(shard: shard, &state) }
    return removedCount
  }
}
