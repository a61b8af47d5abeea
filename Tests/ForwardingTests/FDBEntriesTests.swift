import Testing

@testable import Forwarding

@Suite("FDB entries of people and control planes")
struct FDBEntriesTests {
  @Test("static is above control, control above dynamic: a lower state never replaces a higher one")
  func precedence() {
    let origins: [FDBOrigin] = [.control, .configuration, .command]
    for first in origins {
      for second in origins {
        let table = Table()
        _ = table.learn(1, .peer(3))
        #expect(table.set(1, .peer(0), by: first) == .set)
        let outcome = table.set(1, .peer(1), by: second, now: 200)
        let isHigher = second.state >= first.state
        #expect((outcome == .set) == isHigher && table.remote(1) == .peer(isHigher ? 1 : 0))
        #expect(table.entry(1)?.origin == (isHigher ? second : first) && table.count == 1 && table.isConsistent)
      }
    }
  }

  @Test("adding what exists is refused with what is there, learned or set; replacing takes what is not above")
  func adding() {
    let table = Table()
    for number in 0...5 { _ = table.learn(2, .peer(number % 2)) }
    let frozen = FDBEntry(mac: Table.mac(2), remote: .peer(1), origin: .learned, isFrozen: true, stamp: 100)
    #expect(table.set(2, .peer(0), replacing: false) == .refused(frozen) && table.remove(2) == frozen)
    _ = table.learn(1, .peer(3))
    let learned = FDBEntry(mac: Table.mac(1), remote: .peer(3), origin: .learned, stamp: 100)
    #expect(table.set(1, .peer(0), replacing: false) == .refused(learned) && table.entries == [learned])
    #expect(table.set(1, .peer(0)) == .set && table.remove(1) != nil)
    #expect(table.set(1, .peer(0), replacing: false) == .set)
    let there = FDBEntry(mac: Table.mac(1), remote: .peer(0), origin: .command, stamp: 100)
    #expect(table.set(1, .peer(1), now: 200, replacing: false) == .refused(there))
    #expect(table.set(1, .peer(1), by: .control, now: 200) == .refused(there))
    #expect(table.entries == [there] && table.isConsistent)
  }

  @Test("frames from elsewhere than a control entry says are delivered and change nothing")
  func control() {
    let table = Table()
    table.set(1, .peer(0), by: .control)
    #expect(table.learn(1, .peer(1)) == .refusedControl && table.learn(1, .local) == .refusedControl)
    #expect(table.learn(1, .peer(0)) == .known && table.remote(1) == .peer(0))
    #expect(!table.hasStatic(1, elsewhereThan: .peer(1)))
    #expect(table.age(now: 100_000, .seconds(1)) == 0)
  }

  @Test("removing answers what was there, of whatever state, and leaves the place to others")
  func removing() {
    let table = Table(limit: 1)
    #expect(table.remove(1) == nil)
    _ = table.learn(1, .peer(0), now: 7)
    #expect(table.remove(1) == FDBEntry(mac: Table.mac(1), remote: .peer(0), origin: .learned, stamp: 7))
    #expect(table.remote(1) == nil && table.entry(1) == nil && table.remove(1) == nil)
    #expect(table.learn(2, .peer(0)) == .learned)
    table.set(3, .peer(0), by: .configuration)
    #expect(table.remove(3)?.origin == .configuration && table.count == 1 && table.isConsistent)
  }

  @Test("a flush takes the dynamic entries and nothing else")
  func flush() {
    let table = Table()
    for station in 0..<3000 { _ = table.learn(station, .peer(station % 4)) }
    for (station, origin) in zip(10_000..., FDBOrigin.allCases.dropFirst()) { table.set(station, .peer(0), by: origin) }
    #expect(table.flush() == 3000 && table.flush() == 0)
    #expect(table.count == 3 && table.remote(10_000) == .peer(0) && table.isConsistent)
    #expect(table.learn(1, .peer(0)) == .learned)
  }

  @Test("every entry of a peer that is removed leaves, of whatever state; those of others stay")
  func peerLoss() {
    let table = Table(limit: 5000, peerLimits: [0, 0, 0, 1000])
    for station in 0..<4000 { _ = table.learn(station, .peer(station % 4)) }
    for (station, origin) in zip(10_000..., FDBOrigin.allCases.dropFirst()) { table.set(station, .peer(3), by: origin) }
    let before = table.changeCount
    #expect(table.removeAll(at: .peer(3)) == 1003 && table.changeCount != before)
    #expect(!table.entries.contains { $0.remote == .peer(3) } && table.count == 3000 && table.isConsistent)
    #expect(table.learn(20_000, .peer(3)) == .learned)
  }

  @Test("static and control entries are bounded, and at the bound one may still be replaced")
  func bound() {
    let table = Table(limit: 1)
    for station in 0..<Limits.pinnedEntryCountMax { table.set(station, .peer(0)) }
    #expect(table.set(-1 & 0xFF_FFFF, .peer(0)) == .refusedFull && table.set(0, .peer(1)) == .set)
    #expect(table.count == Limits.pinnedEntryCountMax && table.isConsistent)
  }

  @Test("what aged is told, each once, and nothing else")
  func agedEntries() {
    let table = Table()
    for station in 0..<5000 { _ = table.learn(station, .peer(0), now: UInt32(station % 2)) }
    var aged: [FDBEntry] = []
    let agedCount = table.fdb.age(now: 10, ageingTime: .seconds(10)) { aged.append($0) }
    #expect(agedCount == 2500)
    #expect(Set(aged.map(\.mac)) == Set((0..<2500).map { Table.mac($0 * 2) }) && aged.count == 2500)
    #expect(table.history.agedCount == 2500)
  }

  @Test("a look-up that was fetched ahead finds the same")
  func prefetched() {
    let table = Table()
    for station in 0..<100 { _ = table.learn(station, .peer(station % 4)) }
    for station in 0..<200 {
      let place = table.fdb.prefetch(Table.mac(station))
      let found = table.fdb.remote(of: Table.mac(station), place: place)
      #expect(found == table.remote(station))
    }
    #expect(!table.isLarge)
    for station in 0..<20_000 { _ = table.learn(station, .peer(0)) }
    #expect(table.isLarge)
  }
}
