import Synchronization
import VXLAN

/// The forwarding table of one segment: which remote a MAC address is at.
///
/// Entries are dynamic (learned from the source of frames, ageing) or static (configured, neither moving nor ageing).
/// The table knows nothing of VXLAN: a remote is a number. It is bounded, and at its bound it stops learning.
///
/// *Threads.* Workers look up and learn, each as a reader of the grace period; any thread scans, ages and reads counts
/// at the same time. A look-up and the refresh of a known entry take no lock; whatever adds, moves or removes an entry
/// takes one, and scans hold it for short stretches only. Storage is replaced under the lock, and given back when no
/// worker can be looking at it any more.
///
/// *What may be seen.* A worker that loaded the old storage just before it was replaced sees the entries as they were
/// until its next boundary, as if it had looked a moment earlier. Nothing that it writes there is lost: the values of
/// replaced storage are frozen before they are copied, so a refresh came before the copy or fails and is done anew.
///
/// *Memory.* 16 bytes a slot, at most three quarters of the slots used: 21 to 43 bytes an entry.
/// - SeeAlso: RFC 7348, section 4.1; `bridge(8)`, fdb.
package struct FDB: ~Copyable {
  /// What one scan or learning step may change, all under the lock.
  struct Accounts: ~Copyable {
    /// Slots that have a key, with an entry or without.
    var usedSlotCount = 0
    var dynamicCount = 0
    var staticCount = 0
    /// Dynamic entries by remote: index 0 local, n + 1 the peer in slot n.
    var countByRemote: [UInt32]
    /// Goes up when the storage is replaced: indexes of an earlier generation mean nothing.
    var generation: UInt64 = 0
    /// Storage that was replaced and may have readers still, with the period that must be over.
    var retired: [(table: FDBTable, period: UInt64)] = []
  }

  let hash: KeyedHash
  /// Readers of the storage.
  let gracePeriod: GracePeriod
  /// The storage in use, as `FDBTable.base`. Stored under the lock, loaded by anybody.
  private let storage: Atomic<UnsafeMutableRawPointer>
  /// Goes up with every entry that moves, goes, or becomes static: what was known of one may be wrong since.
  @usableFromInline let changes = Atomic<UInt64>(0)
  let accounts: Mutex<Accounts>
  /// Dynamic entries that the table may hold.
  package let limit: Int
  /// Dynamic entries by remote as in `countByRemote`; 0 = no limit of its own.
  let limitByRemote: [UInt32]
  /// Frames from a new address that was not learned because a limit was reached.
  let refusalCount = Atomic<UInt64>(0)

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
    self.gracePeriod = gracePeriod
    self.limit = limit
    self.limitByRemote = [0] + peerLimits.map { UInt32(clamping: $0) }
    self.hash = hash
    self.accounts = Mutex(Accounts(countByRemote: Array(repeating: 0, count: peerLimits.count + 1)))
    // SAFETY: owned by this value until it is retired, or until `deinit`.
    self.storage = Atomic(FDBTable(slotCount: Limits.slotCountMin).base)
  }

  deinit {
    // SAFETY: nobody borrows the value any more, so nobody looks at its storage.
    table.free()
    accounts.withLock { accounts in
      for retired in accounts.retired { retired.table.free() }
    }
  }

  /// Where `mac` is; nil when the table has no entry for it. Takes no lock. For readers of the grace period.
  package borrowing func remote(of mac: MACAddress) -> Remote? {
    let value = value(of: mac)
    return value.isPresent ? value.remote : nil
  }

  /// Another number after an entry moved, went or became static, through whichever thread: who keeps what it learned
  /// keeps this with it, read before.
  @inlinable
  package borrowing func changeCount() -> UInt64 {
    // Relaxed: it stands for no other memory, and a frame that is handled at the same time has no order to the move.
    changes.load(ordering: .relaxed)
  }

  /// Entries of both kinds.
  package borrowing func entryCount() -> Int {
    accounts.withLock { $0.dynamicCount + $0.staticCount }
  }

  /// Frames from new addresses that were delivered but not learned, because a limit was reached.
  package borrowing func refusedCount() -> UInt64 {
    refusalCount.load(ordering: .relaxed)
  }

  /// The storage in use: until the next boundary of the reader that asks, or while the lock is held.
  var table: FDBTable {
    // SAFETY: what was loaded is given back only after the grace period. Acquiring: filled before it was published.
    FDBTable(at: storage.load(ordering: .acquiring))
  }

  /// Puts `new` into use and retires what it replaces. Under the lock.
  borrowing func replaceTable(with new: FDBTable, _ accounts: inout Accounts) {
    let old = table
    storage.store(new.base, ordering: .releasing)
    accounts.generation += 1
    accounts.retired.append((old, gracePeriod.begin()))
    reclaim(&accounts)
  }

  /// Gives retired storage back that nobody can be looking at any more. Under the lock.
  borrowing func reclaim(_ accounts: inout Accounts) {
    guard !accounts.retired.isEmpty else { return }
    accounts.retired.removeAll { retired in
      let isUnused = gracePeriod.isOver(retired.period)
      if isUnused { retired.table.free() }
      return isUnused
    }
  }

  borrowing func value(of mac: MACAddress) -> FDBValue {
    let key = MACKey(mac)
    let table = table
    let (index, isUsed) = table.slot(of: key, hash: hash(key.rawValue))
    return isUsed ? table.value(at: index) : .absent
  }
}

extension MACKey {
  init(_ mac: MACAddress) {
    self.rawValue = mac.rawValue | FDBTable.usedBit
  }

  var mac: MACAddress { MACAddress(rawValue: rawValue) }
}
