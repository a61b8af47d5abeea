import Testing

@testable import Dataplane

@Suite("ForgedPace")
struct ForgedPaceTests {
  /// Rounds that the sealed port has of a hundred, when each brings `forgedCost` and another port carries `byteCount`.
  private func turns(forgedCost: Int, byteCount: Int) -> Int {
    var pace = ForgedPace()
    var count = 0
    for _ in 0..<100 {
      if pace.isTurn() {
        count += 1
        pace.noteSealed(forgedCost: forgedCost)
      }
      pace.noteOther(byteCount: byteCount)
    }
    return count
  }

  @Test("what was not forged costs nothing; short forged datagrams beside full batches cost no round")
  func little() {
    #expect(turns(forgedCost: 0, byteCount: 1) == 100)
    // Eight datagrams of a hundred bytes beside a batch of 64 KiB: genuine ones behind them are not kept waiting.
    #expect(turns(forgedCost: 8 * (100 + ForgedPace.datagramCost), byteCount: 65_536) == 100)
  }

  @Test("forged datagrams and the other ports' frames have equal shares")
  func equal() {
    #expect(turns(forgedCost: 4 * 65_536, byteCount: 65_536) == 25)
  }

  @Test("genuine datagrams behind forged ones wait for eight rounds at most, whatever the other ports carry")
  func most() {
    #expect(turns(forgedCost: 1 << 20, byteCount: 60) == 12)
    #expect(turns(forgedCost: .max, byteCount: 65_536) == 12)
  }
}
