import Synchronization
import VXLAN

/// The forwarding table of one segment: which remote a MAC address is at.
///
/// Entries are dynamic (learned from the source of frames, ageing) or static (configured, neither moving nor ageing).
/// The table knows nothing of VXLAN: a remote is a number. It is bounded, and at its bound it stops learning.
///
/// *Threads.* One worker looks up and learns; any thread scans, ages and reads counts at the same time. A look-up and
/// the refresh of a known entry take no lock; whatever adds or removes an entry takes one, and scans hold it for short
/// stretches only. Storage is replaced by the worker, under the lock.
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
  }

  let hash: KeyedHash
  /// The cell with the storage in use. Written by the worker under the lock; read by the worker without.
  let storage: UnsafeMutablePointer<FDBTable>
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
  package init(limit: Int, peerLimits: [Int], hash: KeyedHash) {
    self.limit = limit
    self.limitByRemote = [0] + peerLimits.map { UInt32(clamping: $0) }
    self.hash = hash
    self.accounts = Mutex(Accounts(countByRemote: Array(repeating: 0, count: peerLimits.count + 1)))
    // SAFETY: one cell, owned by this value from here to `deinit`.
    self.storage = .allocate(capacity: 1)
    storage.initialize(to: FDBTable(slotCount: Limits.slotCountMin))
  }

  deinit {
    // SAFETY: nobody borrows the value any more, so nobody looks at its storage.
    storage.pointee.free()
    storage.deinitialize(count: 1)
    storage.deallocate()
  }

  /// Where `mac` is; nil when the table has no entry for it. Takes no lock. For the worker only.
  package borrowing func remote(of mac: MACAddress) -> Remote? {
    let value = value(of: mac)
    return value.isPresent ? value.remote : nil
  }

  /// Entries of both kinds.
  package borrowing func entryCount() -> Int {
    accounts.withLock { $0.dynamicCount + $0.staticCount }
  }

  /// Frames from new addresses that were delivered but not learned, because a limit was reached.
  package borrowing func refusedCount() -> UInt64 {
    refusalCount.load(ordering: .relaxed)
  }

  borrowing func value(of mac: MACAddress) -> FDBValue {
    let key = MACKey(mac)
    // SAFETY: the cell lives as long as this value; only the calling worker replaces what is in it.
    let table = storage.pointee
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
