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
  /// The entry pointed elsewhere, and has moved too often now: it is frozen.
  case flapping(from: Remote)
  /// The entry is frozen: the frame is to be delivered, the address stays without a way.
  case refusedFrozen
  /// A control plane says that the address is elsewhere: the frame is to be delivered, the entry stays.
  case refusedControl
  /// A static entry says that the address is elsewhere: the frame is to be dropped.
  case refusedStatic
  /// A limit is reached: the frame is to be delivered, the address stays unknown.
  case refusedFull
}

extension FDB {
  /// Learns that a frame from `mac` came from `remote`. For readers of the grace period.
  ///
  /// The last frame wins; a static entry or one of a control plane never moves, and one that moves too often is frozen
  /// (`MoveDamping`). A known entry costs one look-up, and a store once a second.
  /// - Parameter now: in seconds, `Instant.seconds`.
  package borrowing func learn(_ mac: MACAddress, from remote: Remote, now: UInt32) -> LearnOutcome {
    let key = MACKey(mac)
    let hash = hash(key.rawValue)
    let table = table(of: hash)
    let (index, isUsed) = table.slot(of: key, hash: hash)
    let value = isUsed ? table.value(at: index) : .absent
    guard value.isPlain, value.remote == remote else { return learn(key, hash, from: remote, now: now, value) }
    if value.stamp == now { return .known }
    // Fails when another thread has refreshed, moved or removed the entry meanwhile, or is replacing the storage.
    let isRefreshed = table.replace(value, with: .dynamic(remote, stamp: now), at: index)
    return isRefreshed ? .known : change(key, hash, to: remote, now: now)
  }

  /// Whether a static entry says that `mac` is elsewhere than at `remote`: what `learn` answers with
  /// `.refusedStatic`, for segments that do not learn. For readers of the grace period.
  package borrowing func hasStatic(_ mac: MACAddress, elsewhereThan remote: Remote) -> Bool {
    let value = value(of: mac)
    return value.isStatic && value.remote != remote
  }

  /// Whether frames have taught that `mac` is at a peer, or that it moves, as a frozen address does: perhaps between a
  /// peer and a TAP that gives frames back. What somebody set was not learned. For readers of the grace period.
  package borrowing func isLearnedAtPeer(_ mac: MACAddress) -> Bool {
    let value = value(of: mac)
    return value.isPresent && !value.isPinned && (value.isFrozen || !value.remote.isLocal)
  }

  /// What can be told without the lock of an address whose entry, `value`, is not just the one to be refreshed.
  private borrowing func learn(
    _ key: MACKey, _ hash: UInt64, from remote: Remote, now: UInt32, _ value: FDBValue
  ) -> LearnOutcome {
    if value.isPinned { return Self.judgePinned(value, remote) }
    // At a limit nobody waits for a lock, whatever comes: new addresses, and those that could be believed again.
    if value.isFrozen {
      if !Self.staysFrozen(value, now: now) {
        if isPeerFull(remote) { return refuse() }
      } else if value.remote == remote || value.stamp == now {
        return .refusedFrozen
      }
    }
    if !value.isPresent, isFull(for: remote) { return refuse() }
    return change(key, hash, to: remote, now: now)
  }

  /// Adds, moves or refreshes an entry under the lock, where it is looked at once more: another thread may have done
  /// the same since.
  @inline(never)
  private borrowing func change(
    _ key: MACKey, _ hash: UInt64, to remote: Remote, now: UInt32
  ) -> LearnOutcome {
    let shard = shard(of: hash)
    return shards[shard].withLock { state in
      let place = place(of: key, hash, shard: shard)
      guard place.isUsed else { return insert(key, place, at: remote, now: now, &state) }
      // Under the lock nobody adds, moves or removes; only stamps change, so few rounds are needed.
      while true {
        let value = place.table.value(at: place.index)
        guard value.isPresent else { return insert(key, place, at: remote, now: now, &state) }
        if value.isPinned { return Self.judgePinned(value, remote) }
        if value.isFrozen { return judgeFrozen(value, place, remote, now: now, &state) }
        guard value.remote == remote else { return move(key, place, from: value, to: remote, now: now, &state) }
        if value.stamp == now { return .known }
        if place.table.replace(value, with: .dynamic(remote, stamp: now), at: place.index) { return .known }
      }
    }
  }

  private static func judgePinned(_ value: FDBValue, _ remote: Remote) -> LearnOutcome {
    if value.remote == remote { return .known }
    return value.isStatic ? .refusedStatic : .refusedControl
  }

  private borrowing func insert(
    _ key: MACKey, _ place: FDBPlace, at remote: Remote, now: UInt32, _ state: inout FDBShard.State
  ) -> LearnOutcome {
    guard counts.pointee.dynamic.increment(upTo: limit) else { return refuse() }
    guard takePlace(at: remote) else {
      counts.pointee.dynamic.subtract(1, ordering: .relaxed)
      return refuse()
    }
    put(key, place, .dynamic(remote, stamp: now), &state)
    return .learned
  }

  /// Moves a dynamic entry. When the new remote is at its limit the entry goes all the same: frames for an address
  /// that has left are better flooded than sent to where it was.
  private borrowing func move(
    _ key: MACKey, _ place: FDBPlace, from old: FDBValue, to remote: Remote, now: UInt32,
    _ state: inout FDBShard.State
  ) -> LearnOutcome {
    defer { changes.add(1, ordering: .relaxed) }
    counts.pointee.moves.add(1, ordering: .relaxed)
    countByRemote[Int(old.remote.rawValue)].subtract(1, ordering: .relaxed)
    if state.damping.noteMove(of: place.hash, now: now) {
      counts.pointee.freezes.add(1, ordering: .relaxed)
      place.exchange(for: .frozen(remote, stamp: now))
      return .flapping(from: old.remote)
    }
    guard takePlace(at: remote) else {
      place.exchange(for: .absent)
      counts.pointee.dynamic.subtract(1, ordering: .relaxed)
      state.entryCount -= 1
      return refuse()
    }
    place.exchange(for: .dynamic(remote, stamp: now))
    return .moved(from: old.remote)
  }

  /// A frozen entry is learned anew when no frame has contradicted the one before for the time of the freeze; the first
  /// one of a second that does so keeps it frozen.
  private borrowing func judgeFrozen(
    _ value: FDBValue, _ place: FDBPlace, _ remote: Remote, now: UInt32, _ state: inout FDBShard.State
  ) -> LearnOutcome {
    guard !Self.staysFrozen(value, now: now) else {
      if value.remote != remote, value.stamp != now { place.exchange(for: .frozen(remote, stamp: now)) }
      return .refusedFrozen
    }
    guard takePlace(at: remote) else { return refuse() }
    place.exchange(for: .dynamic(remote, stamp: now))
    changes.add(1, ordering: .relaxed)
    return .learned
  }

  private static func staysFrozen(_ value: FDBValue, now: UInt32) -> Bool {
    value.age(now: now) < MoveDamping.freezeTime
  }

  /// Takes a place of the remote's own limit; false when there is none.
  private borrowing func takePlace(at remote: Remote) -> Bool {
    let own = limitByRemote[Int(remote.rawValue)].load(ordering: .relaxed)
    return countByRemote[Int(remote.rawValue)].increment(upTo: own == 0 ? .max : own)
  }

  private borrowing func isFull(for remote: Remote) -> Bool {
    isAtLimit() || isPeerFull(remote)
  }

  /// Whether the remote's own limit is reached.
  private borrowing func isPeerFull(_ remote: Remote) -> Bool {
    let own = limitByRemote[Int(remote.rawValue)].load(ordering: .relaxed)
    return own != 0 && countByRemote[Int(remote.rawValue)].load(ordering: .relaxed) >= own
  }

  private borrowing func refuse() -> LearnOutcome {
    counts.pointee.refused.add(1, ordering: .relaxed)
    return .refusedFull
  }
}
