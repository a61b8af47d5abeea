import Synchronization
import VXLAN

/// The forwarding table of one segment: which remote a MAC address is at.
///
/// Entries are dynamic (learned from the source of frames, moving and ageing), of a control plane, or static
/// (configured, neither moving nor ageing); a higher state is never replaced by a lower one. The table knows nothing of
/// VXLAN: a remote is a number. It is bounded, and at its bound it stops learning.
///
/// *Shards.* The high half of an address's hash chooses one of many small tables, each with a lock and storage of its
/// own. So whatever holds a lock, replacing storage and ageing among it, is done within some ten microseconds, however
/// many entries there are in all.
///
/// *Threads.* Workers look up and learn, each as a reader of the grace period; any thread scans, ages and reads counts
/// at the same time. A look-up and the refresh of a known entry take no lock; whatever adds, moves or removes an entry
/// takes that of its shard. Storage is replaced under the lock, and given back when no worker can be looking at it any
/// more.
///
/// *What may be seen.* A worker that loaded the old storage just before it was replaced sees the entries as they were
/// until its next boundary, as if it had looked a moment earlier. Nothing that it writes there is lost: the values of
/// replaced storage are marked before they are copied, so a refresh came before the copy or fails and is done anew.
///
/// *Memory.* 16 bytes a slot; at its limit a table has five slots used of eight, which is 26 bytes an entry, and never
/// less than three of eight once a shard has more than a few: 43 bytes. While addresses move, what counts their moves
/// is 8 KB at most for each shard: 13 bytes an entry more at the limit.
/// - SeeAlso: RFC 7348, section 4.1; `bridge(8)`, fdb.
package struct FDB: ~Copyable {
  /// So many moves of an address ...
  package static var moveCountMax: Int { ChangeHistory.countMax }
  /// ... within less than so many seconds freeze its entry ...
  package static var moveSeconds: Int { Int(ChangeHistory.seconds) }
  /// ... until for so many seconds no frame has contradicted the one before.
  package static var freezeSeconds: Int { Int(MoveDamping.freezeTime) }

  let hash: KeyedHash
  /// By shard, the storage in use as `FDBTable.word`. Stored under the shard's lock, loaded by anybody.
  private let storages: UnsafeMutablePointer<Atomic<UInt>>
  let shardCount: Int
  /// Goes up when entries move, go, or become static: what was known of one may be wrong since.
  @usableFromInline let changes = Atomic<UInt64>(0)
  let shards: UnsafeMutablePointer<FDBShard>
  let counts: UnsafeMutablePointer<FDBCounts>
  /// Dynamic entries that are not frozen, by remote: index 0 local, n + 1 the peer in slot n.
  let countByRemote: UnsafeMutablePointer<Atomic<Int>>
  private let countMemory: SlotMemory<Atomic<Int>>
  /// Readers of the storage.
  let gracePeriod: GracePeriod
  private let limitCell: Atomic<Int>
  /// Dynamic entries by remote as in `countByRemote`; 0 = no limit of its own.
  let limitByRemote: UnsafeMutablePointer<Atomic<Int>>
  private let peerLimits: FDBPeerLimits

  /// An empty table.
  /// - Parameters:
  ///   - limit: dynamic entries at most.
  ///   - peerLimits: by peer slot, dynamic entries of that peer at most; 0 = no limit of its own. Its count is the
  ///     number of peers.
  ///   - hash: keyed with a secret, so that nobody can choose addresses that collide.
  ///   - gracePeriod: whose readers are the threads that look up and learn; without one, a single thread does.
  package init(
    limit: Int, peerLimits: [Int], hash: KeyedHash, gracePeriod: GracePeriod = GracePeriod(readerCount: 0)
  ) {
    self.init(limit: limit, peerLimits: FDBPeerLimits(peerLimits), hash: hash, gracePeriod: gracePeriod)
  }

  /// The same with limits that several tables share.
  package init(limit: Int, peerLimits: FDBPeerLimits, hash: KeyedHash, gracePeriod: GracePeriod) {
    self.gracePeriod = gracePeriod
    limitCell = Atomic(limit)
    self.peerLimits = peerLimits
    limitByRemote = peerLimits.cells
    countMemory = SlotMemory(count: peerLimits.remoteCount)
    countByRemote = countMemory.start
    self.hash = hash
    shardCount = limit / Limits.entryCountPerShard + 1
    // SAFETY: all are owned from here to `deinit`, and indexed below the counts that they are allocated with.
    storages = .allocate(capacity: shardCount)
    shards = .allocate(capacity: shardCount)
    for index in 0..<shardCount {
      (storages + index).initialize(to: Atomic(FDBTable(slotCount: Limits.slotCountMin).word))
      (shards + index).initialize(to: FDBShard())
    }
    counts = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128).bindMemory(
      to: FDBCounts.self, capacity: 1)
    counts.initialize(to: FDBCounts())
  }

  deinit {
    // SAFETY: nobody borrows the value any more, so nobody looks at its storage.
    for index in 0..<shardCount {
      table(ofShard: index).free()
      shards[index].withLock { state in
        for retired in state.retired { retired.table.free() }
      }
    }
    shards.deinitialize(count: shardCount)
    shards.deallocate()
    storages.deallocate()
    counts.deallocate()
  }

  /// Dynamic entries that the table may hold.
  package var limit: Int { limitCell.load(ordering: .relaxed) }

  /// Remotes that entries may point to: local, and each peer.
  var remoteCount: Int { countMemory.count }

  /// The table holds so many dynamic entries from now on. What is above stays until it ages. The number of shards is
  /// that of the limit at the start: with a much higher one a lock is held for longer.
  package borrowing func setLimit(_ limit: Int) { limitCell.store(limit, ordering: .relaxed) }

  /// Where `mac` is; nil when the table has no way for it: no entry, or a frozen one. Takes no lock. For readers of the
  /// grace period.
  package borrowing func remote(of mac: MACAddress) -> Remote? {
    let key = MACKey(mac)
    return remote(of: key, hash: hash(key.rawValue))
  }

  /// As `remote(of:)`, for an address whose place `prefetch` told.
  package borrowing func remote(of mac: MACAddress, place: UInt64) -> Remote? {
    remote(of: MACKey(mac), hash: place)
  }

  /// Has the processor fetch what a look-up of `mac` will read: look-ups of many addresses then wait for memory once,
  /// not one after the other. Answers what spares the look-up some work. For readers of the grace period.
  package borrowing func prefetch(_ mac: MACAddress) -> UInt64 {
    let hash = hash(MACKey(mac).rawValue)
    table(of: hash).prefetch(hash: hash)
    return hash
  }

  /// Whether it has more entries than the caches of a processor, so that fetching ahead pays.
  package borrowing func isLarge() -> Bool {
    counts.pointee.dynamic.load(ordering: .relaxed) > Limits.entryCountInCaches
  }

  /// Whether nothing more is learned, whichever peer it is from.
  package borrowing func isAtLimit() -> Bool {
    counts.pointee.dynamic.load(ordering: .relaxed) >= limit
  }

  /// Another number after an entry moved, went or became static, through whichever thread: who keeps what it learned
  /// keeps this with it, read before.
  @inlinable
  package borrowing func changeCount() -> UInt64 {
    // Relaxed: it stands for no other memory, and a frame that is handled at the same time has no order to the move.
    changes.load(ordering: .relaxed)
  }

  /// Entries of all states.
  package borrowing func entryCount() -> Int {
    counts.pointee.dynamic.load(ordering: .relaxed) + counts.pointee.pinned.load(ordering: .relaxed)
  }

  /// Those that were learned, and those that are static or of a control plane.
  package borrowing func entryCounts() -> (dynamic: Int, pinned: Int) {
    (counts.pointee.dynamic.load(ordering: .relaxed), counts.pointee.pinned.load(ordering: .relaxed))
  }

  /// What happened since the table was made.
  package borrowing func history() -> FDBHistory {
    FDBHistory(
      refusedCount: counts.pointee.refused.load(ordering: .relaxed),
      moveCount: counts.pointee.moves.load(ordering: .relaxed),
      freezeCount: counts.pointee.freezes.load(ordering: .relaxed),
      agedCount: counts.pointee.aged.load(ordering: .relaxed))
  }

  /// Goes on from what happened to a table before this one.
  package borrowing func carry(_ history: FDBHistory) {
    counts.pointee.refused.wrappingAdd(history.refusedCount, ordering: .relaxed)
    counts.pointee.moves.wrappingAdd(history.moveCount, ordering: .relaxed)
    counts.pointee.freezes.wrappingAdd(history.freezeCount, ordering: .relaxed)
    counts.pointee.aged.wrappingAdd(history.agedCount, ordering: .relaxed)
  }

  /// By the high half of the hash; the slot is found by the low one.
  borrowing func shard(of hash: UInt64) -> Int {
    Int(truncatingIfNeeded: ((hash &>> 32) &* UInt64(truncatingIfNeeded: shardCount)) &>> 32)
  }

  /// The storage in use: until the next boundary of the reader that asks, or while the shard's lock is held.
  borrowing func table(ofShard index: Int) -> FDBTable {
    // SAFETY: what was loaded is given back only after the grace period. Acquiring: filled before it was published.
    FDBTable(at: storages[index].load(ordering: .acquiring))
  }

  borrowing func table(of hash: UInt64) -> FDBTable { table(ofShard: shard(of: hash)) }

  /// Puts `new` into use and retires what it replaces. Under the lock.
  borrowing func replaceTable(ofShard index: Int, with new: FDBTable, _ state: inout FDBShard.State) {
    let old = table(ofShard: index)
    storages[index].store(new.word, ordering: .releasing)
    state.retired.append((old, gracePeriod.begin()))
    reclaim(&state)
  }

  /// Sorts out retired storage that nobody can be looking at any more. Under the lock.
  borrowing func reclaim(_ state: inout FDBShard.State) {
    guard !state.retired.isEmpty else { return }
    var unused = state.unused
    state.retired.removeAll { retired in
      let isUnused = gracePeriod.isOver(retired.period)
      if isUnused { unused.append(retired.table) }
      return isUnused
    }
    state.unused = unused
  }

  borrowing func value(of mac: MACAddress) -> FDBValue {
    let key = MACKey(mac)
    return value(of: key, hash: hash(key.rawValue))
  }

  private borrowing func value(of key: MACKey, hash: UInt64) -> FDBValue {
    let table = table(of: hash)
    let (index, isUsed) = table.slot(of: key, hash: hash)
    return isUsed ? table.value(at: index) : .absent
  }

  private borrowing func remote(of key: MACKey, hash: UInt64) -> Remote? {
    let value = value(of: key, hash: hash)
    return value.hasWay ? value.remote : nil
  }
}

/// What happened to a forwarding table since it was made.
package struct FDBHistory: Codable, Equatable, Sendable {
  /// Frames from new addresses that were delivered but not learned, because a limit was reached.
  package var refusedCount: UInt64
  /// Entries that pointed elsewhere from then on.
  package var moveCount: UInt64
  /// Addresses that moved too often.
  package var freezeCount: UInt64
  package var agedCount: UInt64
}

extension MACKey {
  init(_ mac: MACAddress) {
    self.rawValue = mac.rawValue | FDBTable.usedBit
  }

  var mac: MACAddress { MACAddress(rawValue: rawValue) }
}
