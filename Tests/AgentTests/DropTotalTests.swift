import Testing

@testable import Agent

@Suite("DropTotal")
struct DropTotalTests {
  @Test("it follows the counter, and goes on where that starts anew")
  func smaller() {
    var total = DropTotal()
    var counts: [UInt64] = []
    for reading: UInt64 in [5, 5, 9, 2, 3, 0, 0, 4] {
      total.note(reading)
      counts.append(total.count)
    }
    #expect(counts == [5, 5, 9, 11, 12, 12, 12, 16])
  }

  @Test("a known restart counts also when the new counter has overtaken the old one")
  func known() {
    var total = DropTotal()
    total.note(5)
    total.restart()
    total.note(8)
    #expect(total.count == 13)
  }
}
