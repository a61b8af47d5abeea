import Testing

@testable import Forwarding

@Suite("GracePeriod")
struct GracePeriodTests {
  @Test("without readers, and with all of them offline, a period is over when it begins")
  func nobody() {
    for readerCount in [0, 1, 15] {
      let grace = GracePeriod(readerCount: readerCount)
      #expect(grace.isOver(grace.begin()) && grace.isOver(grace.begin()))
    }
  }

  @Test("a reader that is online ends a period at its next boundary, and not before")
  func boundary() {
    let grace = GracePeriod(readerCount: 2)
    grace.enter(reader: 0)
    let first = grace.begin()
    #expect(!grace.isOver(first))
    grace.pass(reader: 0)
    #expect(grace.isOver(first))
    let second = grace.begin()
    #expect(!grace.isOver(second) && grace.isOver(first))
  }

  @Test("a period waits for the slowest of the readers, and one boundary ends all that began before it")
  func slowest() {
    let grace = GracePeriod(readerCount: 3)
    for reader in 0..<3 { grace.enter(reader: reader) }
    let periods = [grace.begin(), grace.begin()]
    grace.pass(reader: 0)
    grace.pass(reader: 2)
    #expect(!grace.isOver(periods[0]) && !grace.isOver(periods[1]))
    grace.pass(reader: 1)
    #expect(grace.isOver(periods[0]) && grace.isOver(periods[1]))
  }

  @Test("leaving counts as a boundary, and who enters afterwards is waited for by later periods only")
  func offline() {
    let grace = GracePeriod(readerCount: 1)
    grace.enter(reader: 0)
    let first = grace.begin()
    grace.leave(reader: 0)
    #expect(grace.isOver(first))
    grace.enter(reader: 0)
    #expect(grace.isOver(first))
    let second = grace.begin()
    #expect(!grace.isOver(second))
    grace.leave(reader: 0)
    #expect(grace.isOver(second))
  }
}
