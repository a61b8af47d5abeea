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
  /// Learns that a frame from `mac` came from `remote`. For readers of the grace period.
  ///
  /// The last frame wins; a static entry never moves. A known entry costs one look-up, and a store once a second.
  /// - Parameter now: in seconds, `Instant.seconds`.
  package borrowing func learn(_ mac: MACAddress, from remote: Remote, now: UInt32) -> LearnOutcome {
    let key = MACKey(mac)
    let table = table
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    guard isUsed else { return change(key, to: remote, now: now) }
    let value = table.value(at: index)
    guard value.isPresent else { return change(key, to: remote, now: now) }
    if value.isStatic { return value.remote == remote ? .known : .refusedStatic }
    guard value.remote == remote else { return change(key, to: remote, now: now) }
    if value.stamp == now { return .known }
    // Fails when another thread has refreshed, moved or removed the entry meanwhile, or is replacing the storage.
    let isRefreshed = !value.isFrozen && table.replace(value, with: .dynamic(remote, stamp: now), at: index)
    return isRefreshed ? .known : change(key, to: remote, now: now)
  }

  /// Whether a static entry says that `mac` is elsewhere than at `remote`: what `learn` answers with
  /// `.refusedStatic`, for segments that do not learn. For readers of the grace period.
  package borrowing func hasStatic(_ mac: MACAddress, elsewhereThan remote: Remote) -> Bool {
    let value = value(of: mac)
    return value.isPresent && value.isStatic && value.remote != remote
  }

  /// Adds or replaces a static entry. Any thread.
  package borrowing func setStatic(_ mac: MACAddress, at remote: Remote, now: UInt32) {
    let key = MACKey(mac)
    accounts.withLock { accounts in
      remove(key, from: &accounts)
      put(key, value: .static(remote, stamp: now), in: &accounts)
      accounts.staticCount += 1
      changes.add(1, ordering: .relaxed)
    }
  }

  /// Adds, moves or refreshes an entry under the lock, where it is looked at once more: another thread may have done
  /// the same since.
  private borrowing func change(_ key: MACKey, to remote: Remote, now: UInt32) -> LearnOutcome {
    accounts.withLock { accounts in
      let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
      guard isUsed else { return insert(key, at: remote, now: now, &accounts) }
      // Under the lock nobody adds, moves or removes; only stamps change, so few rounds are needed.
      while true {
        let value = table.value(at: index)
        guard value.isPresent else { return insert(key, at: remote, now: now, &accounts) }
        if value.isStatic { return value.remote == remote ? .known : .refusedStatic }
        guard value.remote == remote else { return move(key, from: value.remote, to: remote, now: now, &accounts) }
        if value.stamp == now { return .known }
        if table.replace(value, with: .dynamic(remote, stamp: now), at: index) { return .known }
      }
    }
  }

  private borrowing func insert(
    _ key: MACKey, at remote: Remote, now: UInt32, _ accounts: inout Accounts
  ) -> LearnOutcome {
    guard hasRoom(for: remote, in: accounts) else { return refuse() }
    put(key, value: .dynamic(remote, stamp: now), in: &accounts)
    accounts.count(remote)
    return .learned
  }

  /// Moves a dynamic entry. When the new remote is at its limit the entry goes all the same: frames for an address
  /// that has left are better flooded than sent to where it was.
  private borrowing func move(
    _ key: MACKey, from old: Remote, to remote: Remote, now: UInt32, _ accounts: inout Accounts
  ) -> LearnOutcome {
    let (index, _) = table.slot(of: key, hash: hash(key.rawValue))
    defer { changes.add(1, ordering: .relaxed) }
    accounts.forget(table.value(at: index))
    guard hasRoom(for: remote, in: accounts) else {
      exchange(at: index, for: .absent)
      return refuse()
    }
    exchange(at: index, for: .dynamic(remote, stamp: now))
    accounts.count(remote)
    return .moved(from: old)
  }

  private borrowing func hasRoom(for remote: Remote, in accounts: borrowing Accounts) -> Bool {
    let own = limitByRemote[Int(remote.rawValue)]
    return accounts.dynamicCount < limit && (own == 0 || accounts.countByRemote[Int(remote.rawValue)] < own)
  }

  private borrowing func refuse() -> LearnOutcome {
    refusalCount.add(1, ordering: .relaxed)
    return .refusedFull
  }

  /// Clears the entry of `key`, if it has one, and takes it out of the accounts.
  private borrowing func remove(_ key: MACKey, from accounts: inout Accounts) {
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    guard isUsed else { return }
    let value = exchange(at: index, for: .absent)
    if value.isPresent { accounts.forget(value) }
  }

  /// Puts `new` in the place of whatever value is there, and answers what it was. Under the lock, so that only stamps
  /// change meanwhile: workers refresh without it, and each refresh that comes in between costs one more round.
  @discardableResult
  private borrowing func exchange(at index: Int, for new: FDBValue) -> FDBValue {
    let table = table
    while true {
      let value = table.value(at: index)
      if table.replace(value, with: new, at: index) { return value }
    }
  }

  /// Writes `value` into the slot of `key`, which has no entry; takes a new slot when it has no slot either, and new
  /// storage when slots run short.
  private borrowing func put(_ key: MACKey, value: FDBValue, in accounts: inout Accounts) {
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    if isUsed {
      // Without an entry there is nothing to refresh, and all else needs the lock.
      let replaced = table.replace(.absent, with: value, at: index)
      precondition(replaced, "an entry came under the lock")
      return
    }
    accounts.usedSlotCount += 1
    guard accounts.usedSlotCount * 4 > (table.mask + 1) * 3 else {
      return table.fill(index, key: key, value: value)
    }
    rebuild(&accounts)
    table.fill(table.slot(of: key, hash: hash(key.rawValue)).index, key: key, value: value)
    accounts.usedSlotCount += 1
  }

  // COLD
  /// Replaces the storage by one with room for twice the entries, without the keys that have none.
  @inline(never)
  private borrowing func rebuild(_ accounts: inout Accounts) {
    let entryCount = accounts.dynamicCount + accounts.staticCount + 1
    var slotCount = Limits.slotCountMin
    while slotCount < entryCount * 2 { slotCount *= 2 }
    let old = table
    let new = FDBTable(slotCount: slotCount)
    accounts.usedSlotCount = 0
    for index in 0...old.mask {
      guard let key = old.key(at: index), old.value(at: index).isPresent else { continue }
      let value = old.freeze(at: index)
      new.fill(new.slot(of: key, hash: hash(key.rawValue)).index, key: key, value: value)
      accounts.usedSlotCount += 1
    }
    replaceTable(with: new, &accounts)
  }
}

extension FDB.Accounts {
  /// Takes a new dynamic entry into the counts.
  mutating func count(_ remote: Remote) {
    dynamicCount += 1
    countByRemote[Int(remote.rawValue)] += 1
  }

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
