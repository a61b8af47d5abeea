import TestKit
import Testing

@testable import Forwarding

@Suite("ChangeHistory: five in 180 s")
struct ChangeHistoryTests {
  @Test("the fifth change is one too many 179 s after the first, and not 180 s after it; the time slides")
  func bound() {
    for (last, isTooMany) in [(179, true), (180, false)] as [(UInt32, Bool)] {
      var history = ChangeHistory()
      for second in [0, 1, 1, 100, last] {
        #expect(!history.isTooMany(now: second))
        history.note(now: second)
      }
      #expect(history.isTooMany(now: last) == isTooMany && !history.isTooMany(now: last + 1))
      history.note(now: 180)
      #expect(history.isTooMany(now: 180) && !history.isTooMany(now: 181))
    }
  }

  @Test("nothing counts before the first change, and a change for 180 s")
  func counts() {
    var history = ChangeHistory()
    #expect(!history.counts(now: 0) && !history.isTooMany(now: 0))
    history.note(now: 7)
    #expect(history.counts(now: 186) && !history.counts(now: 187))
  }

  @Test("a clock reading behind the last change is none later than it; seconds may wrap around at 2^32")
  func clocks() {
    var history = ChangeHistory()
    for second: UInt32 in [.max - 1, .max, .max - 3, 0, 1] { history.note(now: second) }
    #expect(history.isTooMany(now: 1) && history.isTooMany(now: .max))
    #expect(history.isTooMany(now: 177) && !history.isTooMany(now: 178))
  }

  @Test("random changes agree with a list of their times; seeded")
  func model() {
    var generator = SeededGenerator(seed: TestSeed.fixed("changes"))
    var history = ChangeHistory()
    var times: [UInt32] = []
    var now: UInt32 = 1_000
    for _ in 0..<100_000 {
      now +=
        generator.isOne(in: 20)
        ? UInt32.random(in: 100...400, using: &generator) : .random(in: 0...70, using: &generator)
      if Bool.random(using: &generator) {
        history.note(now: now)
        times = Array((times + [now]).suffix(5))
      }
      #expect(history.isTooMany(now: now) == (times.count == 5 && now - times[0] < 180))
      #expect(history.counts(now: now) == (times.last.map { now - $0 < 180 } ?? false))
    }
  }
}
