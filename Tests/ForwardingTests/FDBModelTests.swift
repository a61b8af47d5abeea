import TestKit
import Testing

@testable import Forwarding

@Suite("FDB against a model")
struct FDBModelTests {
  /// Under debug builds a million operations take a few seconds.
  private static let operationCount = 1_000_000

  @Test("a million random operations of all kinds do what a dictionary does")
  func random() {
    let seed = TestSeed.fixed("FDB against a model")
    var random = SeededGenerator(seed: seed)
    let peerLimits = [0, 60, 20, 1]
    let table = Table(limit: 180, peerLimits: peerLimits)
    var model = FDBModel(limit: 180, peerLimits: peerLimits)
    var now: UInt32 = 1000
    for step in 0..<Self.operationCount {
      let isRight = Self.operate(random.next(), step, &now, table, &model)
      guard isRight, step % 20_000 != 0 || isSame(table, model) else {
        Issue.record("seed \(seed), step \(step), now \(now)")
        return
      }
    }
    #expect(isSame(table, model), "seed \(seed)")
    #expect(model.refusedCount > 1000 && model.moveCount > 1000 && model.freezeCount > 100, "the draw covers nothing")
    #expect(Set(model.entries.values.map(\.origin)).count == 4, "the draw covers nothing")
  }

  /// One operation on both, drawn by `bits`. Answers whether they agree.
  private static func operate(
    _ bits: UInt64, _ step: Int, _ now: inout UInt32, _ table: Table, _ model: inout FDBModel
  ) -> Bool {
    // A working set that drifts, so that old keys are left behind and storage is replaced; of fewer stations in 180 s
    // than moves are counted of.
    let station = Int(bits & 0xFF) + step / 1024
    // Most frames come from where the station is at home.
    let isAway = bits >> 10 & 31 == 0
    let number = isAway ? Int(bits >> 40 & 7) % 5 : station % 5
    let remote: Remote = number == 4 ? .local : .peer(number)
    let isRare = bits >> 36 & 15 == 0
    switch bits >> 16 & 0xFFF {
    case 0, 1:
      now += UInt32(bits >> 32 & 0xF)
      return table.age(now: now, .seconds(20)) == model.age(now: now, seconds: 20)
    case let kind where kind < 6:
      let origin: FDBOrigin = kind == 2 ? .configuration : kind == 3 ? .control : .command
      let isSet = table.set(station, remote, by: origin, now: now, replacing: kind != 5) == .set
      return isSet == model.set(station, remote, by: origin, now: now, replacing: kind != 5)
    case 6..<16:
      return (table.remove(station) != nil) == model.delete(station)
    case 16 where isRare:
      return table.flush() == model.flush()
    case 17 where isRare:
      return table.removeAll(at: remote) == model.removeAll { $0.remote == remote }
    case 18..<1000:
      return table.remote(station) == model.way(station)
    default:
      return table.learn(station, remote, now: now) == model.learn(station, remote, now: now)
    }
  }

  private func isSame(_ table: Table, _ model: FDBModel) -> Bool {
    let entries = table.entries
    let history = table.history
    return table.isConsistent && table.count == model.entries.count && entries.count == model.entries.count
      && history.refusedCount == model.refusedCount && history.moveCount == model.moveCount
      && history.freezeCount == model.freezeCount
      && entries.allSatisfy { entry in
        guard let expected = model.entries[Int(entry.mac.rawValue & 0xFF_FFFF)] else { return false }
        return expected.remote == entry.remote && expected.origin == entry.origin && expected.stamp == entry.stamp
          && expected.isFrozen == entry.isFrozen
      }
  }
}
