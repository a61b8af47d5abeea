import Synchronization
import VXLAN

/// One entry as a person or a program sees it.
package struct FDBEntry: Hashable, Sendable {
  package let mac: MACAddress
  package let remote: Remote
  package let isStatic: Bool
  /// `Instant.seconds` of the last frame from the address, or of the configuration of a static entry.
  package let stamp: UInt32
}

extension FDB {
  /// Removes the dynamic entries from which no frame came for `ageingTime`, and answers how many they were. Any thread.
  ///
  /// Only frames *from* an address keep it; frames towards it do not. An entry that is refreshed while the scan passes
  /// stays. `ageingTime` is rounded up to whole seconds, the resolution of the stamps; zero means never.
  package borrowing func age(now: UInt32, ageingTime: Duration) -> Int {
    guard ageingTime > .zero else { return 0 }
    let (whole, part) = ageingTime.components
    let seconds = whole + (part > 0 ? 1 : 0)
    var agedCount = 0
    scan { table, index, value, accounts in
      // Another thread's clock reading may be a little ahead of this scan's: a negative age is young.
      let age = Int64(Int32(bitPattern: now &- value.stamp))
      guard !value.isStatic, age >= seconds, table.replace(value, with: .absent, at: index) else { return }
      accounts.forget(value)
      changes.add(1, ordering: .relaxed)
      agedCount += 1
    }
    return agedCount
  }

  /// All entries, in no order. Any thread. Those that come or go meanwhile may be in it or not.
  package borrowing func entries() -> [FDBEntry] {
    var found: [MACAddress: FDBEntry] = [:]
    scan { table, index, value, _ in
      guard let mac = table.key(at: index)?.mac else { return }
      found[mac] = FDBEntry(mac: mac, remote: value.remote, isStatic: value.isStatic, stamp: value.stamp)
    }
    return Array(found.values)
  }

  /// Visits all entries, a stretch of slots under each hold of the lock; begins anew when the storage was replaced in
  /// between, so an entry may be visited twice but is never left out.
  private borrowing func scan(
    _ visit: (_ table: FDBTable, _ index: Int, _ value: FDBValue, _ accounts: inout Accounts) -> Void
  ) {
    var next = 0
    var generation: UInt64?
    while true {
      let isDone = accounts.withLock { accounts -> Bool in
        if generation != accounts.generation {
          generation = accounts.generation
          next = 0
        }
        reclaim(&accounts)
        // SAFETY: under the lock the storage is not replaced.
        let table = table
        let end = min(next + Limits.slotCountPerScan, table.mask + 1)
        for index in next..<end {
          let value = table.value(at: index)
          if value.isPresent { visit(table, index, value, &accounts) }
        }
        next = end
        return end == table.mask + 1
      }
      if isDone { return }
    }
  }
}
