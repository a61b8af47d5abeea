import Synchronization
import VXLAN

/// What came of offering the source address of a frame to the table.
package enum LearnOutcome: Equatable, Sendable {
  /// The entry was there; its stamp is now.
  case known
  /// A new entry.
  case learned
  /// The entry pointed elsewhere; it points to the frame's remote now.
  case moved(from: Remote)
  /// A static entry says that the address is elsewhere: the frame is to be dropped.
  case refusedStatic
  /// A limit is reached: the frame is to be delivered, the address stays unknown.
  case refusedFull
}

extension FDB {
  /// Learns that a frame from `mac` came from `remote`. For the worker only.
  ///
  /// The last frame wins; a static entry never moves. A known entry costs one look-up, and a store once a second.
  /// - Parameter now: in seconds, `Instant.seconds`.
  package borrowing func learn(_ mac: MACAddress, from remote: Remote, now: UInt32) -> LearnOutcome {
    let key = MACKey(mac)
    // SAFETY: the cell lives as long as this value; only the calling worker replaces what is in it.
    let table = storage.pointee
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    guard isUsed else { return insert(key, at: remote, now: now) }
    let value = table.value(at: index)
    guard value.isPresent else { return insert(key, at: remote, now: now) }
    if value.isStatic { return value.remote == remote ? .known : .refusedStatic }
    guard value.remote == remote else { return move(key, to: remote, now: now) }
    if value.stamp == now { return .known }
    // Fails only when the entry has just been aged away by another thread; then it is new.
    let isRefreshed = table.replace(value, with: .dynamic(remote, stamp: now), at: index)
    return isRefreshed ? .known : insert(key, at: remote, now: now)
  }

  /// Whether a static entry says that `mac` is elsewhere than at `remote`: what `learn` answers with
  /// `.refusedStatic`, for segments that do not learn. For the worker only.
  package borrowing func hasStatic(_ mac: MACAddress, elsewhereThan remote: Remote) -> Bool {
    let value = value(of: mac)
    return value.isPresent && value.isStatic && value.remote != remote
  }

  /// Adds or replaces a static entry. For the worker, or before the worker starts.
  package borrowing func setStatic(_ mac: MACAddress, at remote: Remote, now: UInt32) {
    let key = MACKey(mac)
    accounts.withLock { accounts in
      _ = remove(key, from: &accounts)
      put(key, value: .static(remote, stamp: now), in: &accounts)
      accounts.staticCount += 1
    }
  }

  private borrowing func insert(_ key: MACKey, at remote: Remote, now: UInt32) -> LearnOutcome {
    accounts.withLock { accounts in
      guard hasRoom(for: remote, in: accounts) else { return refuse() }
      put(key, value: .dynamic(remote, stamp: now), in: &accounts)
      accounts.dynamicCount += 1
      accounts.countByRemote[Int(remote.rawValue)] += 1
      return .learned
    }
  }

  /// Moves a dynamic entry. When the new remote is at its limit the entry goes all the same: frames for an address
  /// that has left are better flooded than sent to where it was.
  private borrowing func move(_ key: MACKey, to remote: Remote, now: UInt32) -> LearnOutcome {
    accounts.withLock { accounts in
      let old = remove(key, from: &accounts)
      guard hasRoom(for: remote, in: accounts) else { return refuse() }
      put(key, value: .dynamic(remote, stamp: now), in: &accounts)
      accounts.dynamicCount += 1
      accounts.countByRemote[Int(remote.rawValue)] += 1
      return old.isPresent ? .moved(from: old.remote) : .learned
    }
  }

  private borrowing func hasRoom(for remote: Remote, in accounts: borrowing Accounts) -> Bool {
    let own = limitByRemote[Int(remote.rawValue)]
    return accounts.dynamicCount < limit && (own == 0 || accounts.countByRemote[Int(remote.rawValue)] < own)
  }

  private borrowing func refuse() -> LearnOutcome {
    refusalCount.add(1, ordering: .relaxed)
    return .refusedFull
  }

  /// Clears the entry of `key`, if it has one, and takes it out of the accounts. Answers what it was.
  private borrowing func remove(_ key: MACKey, from accounts: inout Accounts) -> FDBValue {
    // SAFETY: under the lock the cell does not change.
    let table = storage.pointee
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    guard isUsed else { return .absent }
    // Only the worker refreshes, and the worker is here; ageing holds the lock. So the value cannot change now.
    let value = table.value(at: index)
    guard value.isPresent, table.replace(value, with: .absent, at: index) else { return .absent }
    accounts.forget(value)
    return value
  }

  /// Writes `value` into the slot of `key`, taking a new slot when it has none, and new storage when slots run short.
  private borrowing func put(_ key: MACKey, value: FDBValue, in accounts: inout Accounts) {
    // SAFETY: under the lock the cell does not change but for `rebuild` below.
    let (index, isUsed) = storage.pointee.slot(of: key, hash: hash(key.rawValue))
    if isUsed {
      let replaced = storage.pointee.replace(storage.pointee.value(at: index), with: value, at: index)
      precondition(replaced, "a value changed under the lock")
      return
    }
    guard (accounts.usedSlotCount + 1) * 4 > (storage.pointee.mask + 1) * 3 else {
      storage.pointee.fill(index, key: key, value: value)
      accounts.usedSlotCount += 1
      return
    }
    rebuild(&accounts)
    let fresh = storage.pointee.slot(of: key, hash: hash(key.rawValue)).index
    storage.pointee.fill(fresh, key: key, value: value)
    accounts.usedSlotCount += 1
  }

  /// Replaces the storage by one with room for twice the entries, without the keys that have none.
  private borrowing func rebuild(_ accounts: inout Accounts) {
    let entryCount = accounts.dynamicCount + accounts.staticCount + 1
    var slotCount = Limits.slotCountMin
    while slotCount < entryCount * 2 { slotCount *= 2 }
    let old = storage.pointee
    let new = FDBTable(slotCount: slotCount)
    accounts.usedSlotCount = 0
    for index in 0...old.mask {
      guard let key = old.key(at: index) else { continue }
      let value = old.value(at: index)
      guard value.isPresent else { continue }
      new.fill(new.slot(of: key, hash: hash(key.rawValue)).index, key: key, value: value)
      accounts.usedSlotCount += 1
    }
    // SAFETY: the worker is the one thread that reads the cell without the lock, and the worker is here.
    storage.pointee = new
    accounts.generation += 1
    old.free()
  }
}

extension FDB.Accounts {
  /// Takes an entry that was cleared out of the counts.
  mutating func forget(_ value: FDBValue) {
    if value.isStatic {
      staticCount -= 1
    } else {
      dynamicCount -= 1
      countByRemote[Int(value.remote.rawValue)] -= 1
    }
  }
}
