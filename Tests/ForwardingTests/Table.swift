import VXLAN

@testable import Forwarding

/// A forwarding table that tests can hold and hand to threads. Stations are numbers.
final class Table: @unchecked Sendable {
  let fdb: FDB

  init(limit: Int = 1_000_000, peerLimits: [Int] = [0, 0, 0, 0], readerCount: Int = 0) {
    fdb = FDB(
      limit: limit, peerLimits: peerLimits, hash: KeyedHash(key0: 11, key1: 22),
      gracePeriod: GracePeriod(readerCount: readerCount))
  }

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

  var entries: [FDBEntry] { fdb.entries() }
  /// Of the accounts; a test compares it with the entries themselves.
  var count: Int { fdb.entryCount() }
  var refusedCount: UInt64 { fdb.refusedCount() }

  /// Whether the accounts say what the slots hold, entry by entry.
  var isConsistent: Bool {
    let entries = entries
    let dynamic = entries.filter { !$0.isStatic }
    var byRemote = [UInt32](repeating: 0, count: fdb.limitByRemote.count)
    for entry in dynamic { byRemote[Int(entry.remote.rawValue)] += 1 }
    return fdb.accounts.withLock { accounts in
      accounts.dynamicCount == dynamic.count && accounts.staticCount == entries.count - dynamic.count
        && accounts.countByRemote == byRemote && accounts.usedSlotCount >= entries.count
    }
  }

  var slotCount: Int { fdb.accounts.withLock { _ in fdb.table.mask + 1 } }
}
