import Forwarding
import TestKit
import Testing
import VXLAN

@Suite("AnswerLimiter")
struct AnswerLimiterTests {
  private static let millisecond: UInt64 = 1_000_000

  private func address(_ number: UInt32) -> IPAddress { IPAddress(ipv4: 0x0A00_0000 + number) }

  private func limiter() -> AnswerLimiter { AnswerLimiter(hash: KeyedHash(key0: 7, key1: 8)) }

  @Test("a pair of addresses gets one answer a second, not two at a turn of the clock")
  func pair() {
    var limiter = limiter()
    var answered: [UInt64] = []
    for step in 0..<5_000 as Range<UInt64> {
      let now = Instant(nanoseconds: 999 * Self.millisecond + step * Self.millisecond)
      if limiter.takes(from: address(1), to: address(2), now: now) { answered.append(step) }
    }
    #expect(answered == [0, 1_000, 2_000, 3_000, 4_000])
  }

  @Test("the two directions of a pair are two pairs")
  func directions() {
    var limiter = limiter()
    let now = Instant(nanoseconds: 5)
    let taken = [(1, 2), (2, 1), (1, 2)].map { limiter.takes(from: address($0), to: address($1), now: now) }
    #expect(taken == [true, true, false])
  }

  @Test("a sender gets ten answers a second, however many it sends to")
  func sender() {
    var limiter = limiter()
    let now = Instant(nanoseconds: 5)
    let count = (2..<200).filter { limiter.takes(from: address(1), to: address($0), now: now) }.count
    // Two destinations may share a place, which costs answers and never adds any.
    #expect(count == 10)
    let later = Instant(nanoseconds: 5 + 2000 * Self.millisecond)
    let isTakenLater = limiter.takes(from: address(1), to: address(2), now: later)
    #expect(isTakenLater)
  }

  @Test("no second has more than ten for a sender, at the turn of a window either")
  func turn() {
    var limiter = limiter()
    let times = [0] + Array(repeating: 990, count: 9) + Array(repeating: 1000, count: 20) as [UInt64]
    let taken = times.enumerated().filter { index, time in
      limiter.takes(
        from: address(1), to: address(UInt32(2 + index)), now: Instant(nanoseconds: 7 + time * Self.millisecond))
    }
    #expect(taken.count == 10)
  }

  @Test("all senders together get a hundred answers a second")
  func all() {
    var limiter = limiter()
    let now = Instant(nanoseconds: 5)
    let count = (0..<5_000).filter { limiter.takes(from: address(2 * $0), to: address(2 * $0 + 1), now: now) }.count
    #expect(count == 100)
  }

  @Test("whatever comes, no pair, sender or second has more than its share", arguments: 1...20 as ClosedRange<UInt64>)
  func randomTraffic(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var limiter = limiter()
    var answers: [(time: UInt64, source: UInt32, destination: UInt32)] = []
    var time: UInt64 = 0
    for _ in 0..<20_000 {
      time += UInt64.random(in: 0...Self.millisecond, using: &generator)
      let source = UInt32.random(in: 0..<40, using: &generator)
      let destination = UInt32.random(in: 0..<20, using: &generator)
      if limiter.takes(from: address(source), to: address(destination), now: Instant(nanoseconds: time)) {
        answers.append((time, source, destination))
      }
    }
    #expect(answers.count > 200)
    var last: [UInt64: UInt64] = [:]
    for answer in answers {
      let pair = UInt64(answer.source) << 32 | UInt64(answer.destination)
      if let before = last[pair] { #expect(answer.time - before >= 1000 * Self.millisecond, "seed \(seed)") }
      last[pair] = answer.time
    }
    for (index, answer) in answers.enumerated() {
      let within = answers[index...].prefix { $0.time - answer.time < 1000 * Self.millisecond }
      #expect(within.count <= Int(AnswerLimiter.inAll), "seed \(seed)")
      #expect(
        within.count { $0.source == answer.source } <= Int(AnswerLimiter.perSender), "seed \(seed)")
    }
  }
}
