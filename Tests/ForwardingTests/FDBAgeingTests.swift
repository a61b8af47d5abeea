import Testing

@testable import Forwarding

@Suite("FDB ageing")
struct FDBAgeingTests {
  @Test("an entry is there one second before its time and gone at it")
  func bound() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1000)
    #expect(table.age(now: 1299, .seconds(300)) == 0 && table.remote(1) == .peer(0))
    #expect(table.age(now: 1300, .seconds(300)) == 1 && table.remote(1) == nil)
    #expect(table.count == 0 && table.entries.isEmpty && table.isConsistent)
    #expect(table.age(now: 1300, .seconds(300)) == 0)
    #expect(table.learn(1, .peer(0), now: 1300) == .learned)
  }

  @Test("frames from an address keep it; looking it up for frames towards it does not")
  func refresh() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1000)
    _ = table.learn(2, .peer(0), now: 1000)
    for now: UInt32 in 1001...1300 {
      _ = table.learn(1, .peer(0), now: now)
      _ = table.remote(2)
      _ = table.hasStatic(2, elsewhereThan: .peer(1))
    }
    #expect(table.age(now: 1300, .seconds(300)) == 1)
    #expect(table.remote(1) == .peer(0) && table.remote(2) == nil)
  }

  @Test("a move is a frame from the address: it starts anew")
  func move() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1000)
    _ = table.learn(1, .peer(1), now: 1299)
    #expect(table.age(now: 1300, .seconds(300)) == 0 && table.age(now: 1599, .seconds(300)) == 1)
  }

  @Test("an ageing time of zero, or less, is never")
  func never() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 0)
    #expect(table.age(now: 2_000_000_000, .zero) == 0 && table.age(now: 2_000_000_000, .seconds(-1)) == 0)
    #expect(table.remote(1) == .peer(0))
  }

  @Test("a fraction of a second counts as a whole one")
  func fraction() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1000)
    #expect(table.age(now: 1001, .milliseconds(1001)) == 0 && table.age(now: 1002, .milliseconds(1001)) == 1)
    _ = table.learn(1, .peer(0), now: 1000)
    #expect(table.age(now: 1000, .nanoseconds(1)) == 0 && table.age(now: 1001, .nanoseconds(1)) == 1)
  }

  @Test(
    "a time beyond what nanoseconds hold is long, not short",
    arguments: [
      .seconds(1 << 33), .seconds(UInt32.max), .seconds(Int64.max),
      .seconds(18_446_744_073) + .nanoseconds(709_551_615),
    ] as [Duration])
  func veryLong(ageingTime: Duration) {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 0)
    #expect(table.age(now: 2_000_000_000, ageingTime) == 0 && table.remote(1) == .peer(0))
  }

  @Test("static entries do not age, not even after years")
  func staticEntries() {
    let table = Table()
    table.setStatic(1, .peer(0), now: 0)
    _ = table.learn(2, .peer(0), now: 0)
    #expect(table.age(now: 1_000_000_000, .seconds(1)) == 1)
    #expect(table.remote(1) == .peer(0) && table.count == 1 && table.isConsistent)
  }

  @Test("seconds that wrap around at 2^32 do not age everything, nor nothing")
  func wrapAround() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: .max - 9)
    _ = table.learn(2, .peer(0), now: 5)
    // 15 seconds after the stamp of the first, none after that of the second.
    #expect(table.age(now: 5, .seconds(16)) == 0 && table.age(now: 5, .seconds(15)) == 1)
    #expect(table.remote(1) == nil && table.remote(2) == .peer(0))
  }

  @Test("a clock reading behind a stamp ages nothing")
  func behind() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1000)
    #expect(table.age(now: 999, .seconds(1)) == 0 && table.age(now: 0, .seconds(1)) == 0)
    #expect(table.age(now: 1001, .seconds(1)) == 1)
  }

  @Test("a full table ages as a whole, and the peers' counts follow")
  func manyEntries() {
    let table = Table()
    for station in 0..<20_000 { _ = table.learn(station, .peer(station % 4), now: 1000 + UInt32(station % 2)) }
    #expect(table.age(now: 1300, .seconds(300)) == 10_000 && table.count == 10_000 && table.isConsistent)
    #expect(table.entries.allSatisfy { $0.stamp == 1001 })
    #expect(table.age(now: 1301, .seconds(300)) == 10_000 && table.count == 0 && table.isConsistent)
  }
}
