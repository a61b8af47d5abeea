import TestKit
import VXLAN

@testable import Forwarding

/// A forwarding table that tests can hold and hand to threads. Stations are numbers.
final class Table: @unchecked Sendable {
  let fdb: FDB

  init(
    limit: Int = 1_000_000, peerLimits: [Int] = [0, 0, 0, 0], readerCount: Int = 0,
    hash: KeyedHash = KeyedHash(key0: 11, key1: 22)
  ) {
    fdb = FDB(
      limit: limit, peerLimits: peerLimits, hash: hash,
      gracePeriod: GracePeriod(readerCount: readerCount))
  }

  /// With limits that other tables share.
  init(limit: Int, limits: FDBPeerLimits) {
    fdb = FDB(
      limit: limit, peerLimits: limits, hash: KeyedHash(key0: 11, key1: 22), gracePeriod: GracePeriod(readerCount: 0))
  }

  func setLimit(_ limit: Int) { fdb.setLimit(limit) }

  static func mac(_ station: Int) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | UInt64(station)) }

  func learn(_ station: Int, _ remote: Remote, now: UInt32 = 100) -> LearnOutcome {
    fdb.learn(Self.mac(station), from: remote, now: now)
  }

  func remote(_ station: Int) -> Remote? { fdb.remote(of: Self.mac(station)) }

  func learn(_ mac: MACAddress, _ remote: Remote, now: UInt32) -> LearnOutcome {
    fdb.learn(mac, from: remote, now: now)
  }

  func remote(of mac: MACAddress) -> Remote? { fdb.remote(of: mac) }

  func hasStatic(_ station: Int, elsewhereThan remote: Remote) -> Bool {
    fdb.hasStatic(Self.mac(station), elsewhereThan: remote)
  }

  func setStatic(_ station: Int, _ remote: Remote, now: UInt32 = 100) {
    fdb.setStatic(Self.mac(station), at: remote, now: now)
  }

  func age(now: UInt32, _ ageingTime: Duration) -> Int { fdb.age(now: now, ageingTime: ageingTime) }

  @discardableResult
  func set(
    _ station: Int, _ remote: Remote, by origin: FDBOrigin = .command, now: UInt32 = 100, replacing: Bool = true
  ) -> SettingOutcome {
    fdb.set(Self.mac(station), at: remote, by: origin, now: now, replacing: replacing)
  }

  @discardableResult
  func remove(_ station: Int) -> FDBEntry? { fdb.remove(Self.mac(station)) }

  func entry(_ station: Int) -> FDBEntry? { fdb.entry(of: Self.mac(station)) }

  func flush() -> Int { fdb.flush() }

  func removeAll(at remote: Remote) -> Int { fdb.removeAll(at: remote) }

  var history: FDBHistory { fdb.history() }
  var changeCount: UInt64 { fdb.changeCount() }
  var isLarge: Bool { fdb.isLarge() }
  var entries: [FDBEntry] { fdb.entries() }
  /// Of the accounts; a test compares it with the entries themselves.
  var count: Int { fdb.entryCount() }
  var refusedCount: UInt64 { history.refusedCount }

  /// Whether the accounts say what the slots hold, entry by entry.
  var isConsistent: Bool {
    let entries = entries
    let dynamic = entries.filter { $0.state == .dynamic }
    var byRemote = [Int](repeating: 0, count: fdb.remoteCount)
    for entry in dynamic where !entry.isFrozen { byRemote[Int(entry.remote.rawValue)] += 1 }
    let counts = fdb.counts
    return counts.pointee.dynamic.load(ordering: .relaxed) == dynamic.count
      && counts.pointee.pinned.load(ordering: .relaxed) == entries.count - dynamic.count
      && byRemote.indices.allSatisfy { fdb.countByRemote[$0].load(ordering: .relaxed) == byRemote[$0] }
      && sum { $0.entryCount } == entries.count && sum { $0.usedSlotCount } >= entries.count
      && sum { $0.unused.isEmpty ? 0 : 1 } == 0
  }

  /// Of all shards.
  func sum(_ part: (borrowing FDBShard.State) -> Int) -> Int {
    (0..<fdb.shardCount).reduce(0) { sum, shard in
      sum + fdb.shards[shard].withLock { state in part(state) }
    }
  }

  var slotCount: Int { (0..<fdb.shardCount).reduce(0) { $0 + fdb.table(ofShard: $1).mask + 1 } }
  var retiredCount: Int { sum { $0.retired.count } }
  /// Of what counts moves.
  var movesSlotCount: Int { sum { $0.damping.slotCount } }
  /// Of each shard, which storage is in use.
  var storages: [UInt] { (0..<fdb.shardCount).map { fdb.table(ofShard: $0).word } }

  /// How many slots the longest search for an entry passes.
  var longestSearch: Int {
    var longest = 0
    for shard in 0..<fdb.shardCount {
      let table = fdb.table(ofShard: shard)
      for index in 0...table.mask {
        guard let key = table.key(at: index) else { continue }
        longest = max(longest, (index - Int(truncatingIfNeeded: fdb.hash(key.rawValue))) & table.mask)
      }
    }
    return longest
  }
}
