import Testing

@testable import Forwarding

@Suite("FDB storage")
struct FDBStorageTests {
  @Test("100,000 entries are all found, in no more memory than promised")
  func growth() {
    let table = Table()
    for station in 0..<100_000 {
      guard table.learn(station, .peer(station % 4)) == .learned else {
        Issue.record("station \(station)")
        return
      }
    }
    let lost = (0..<100_000).first { table.remote($0) != .peer($0 % 4) }
    #expect(lost == nil && table.remote(100_000) == nil)
    #expect(table.count == 100_000 && table.entries.count == 100_000 && table.isConsistent)
    // At most three quarters used, and doubled when it was: 16 bytes a slot, 21 to 43 bytes an entry.
    #expect((133_334...270_000).contains(table.slotCount), "\(table.slotCount) slots")
  }

  @Test("a million entries that come and go leave the storage small")
  func comeAndGo() {
    let table = Table()
    for station in 0..<1_000_000 {
      _ = table.learn(station, .peer(0), now: UInt32(station / 100))
      if station % 100 == 99 { _ = table.age(now: UInt32(station / 100) + 1, .seconds(1)) }
    }
    #expect(table.count == 0 && table.isConsistent)
    #expect(table.slotCount <= 1024, "\(table.slotCount) slots for at most 100 entries at once")
  }

  @Test("storage that grew for a flood shrinks when it is next rebuilt")
  func shrinks() {
    let table = Table()
    for station in 0..<10_000 { _ = table.learn(station, .peer(0), now: 1) }
    let large = table.slotCount
    #expect(table.age(now: 2, .seconds(1)) == 10_000)
    for station in 10_000..<30_000 {
      _ = table.learn(station, .peer(0), now: 1)
      if station % 64 == 0 { _ = table.age(now: 2, .seconds(1)) }
    }
    #expect(table.slotCount < large)
  }

  @Test("static entries survive every rebuild")
  func staticEntries() {
    let table = Table(limit: 5000)
    for station in 0..<500 { table.setStatic(1_000_000 + station, .peer(station % 4)) }
    for station in 0..<20_000 { _ = table.learn(station, .peer(0)) }
    #expect((0..<500).allSatisfy { table.remote(1_000_000 + $0) == .peer($0 % 4) })
    #expect(table.count == 5500 && table.refusedCount == 15_000 && table.isConsistent)
  }
}
