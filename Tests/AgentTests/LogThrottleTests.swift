import Testing

@testable import Agent

@Suite("log throttle")
struct LogThrottleTests {
  let start = ContinuousClock.now

  @Test("a class has 10 lines a second, and the 11th waits")
  func perClass() {
    var throttle = LogThrottle()
    for _ in 0..<10 { #expect(throttle.judge("a", now: start) == .write(suppressed: 0)) }
    #expect(throttle.judge("a", now: start) == .suppress)
    #expect(throttle.judge("a", now: start + .milliseconds(999)) == .suppress)
    #expect(throttle.judge("b", now: start) == .write(suppressed: 0))
    #expect(throttle.judge("a", now: start + .seconds(1)) == .write(suppressed: 2))
    #expect(throttle.judge("a", now: start + .seconds(1)) == .write(suppressed: 0))
  }

  @Test("no second of any phase has more than 10 lines")
  func sliding() {
    var throttle = LogThrottle()
    var written: [Int] = []
    for millisecond in stride(from: 0, to: 10_000, by: 7)
    where throttle.judge("a", now: start + .milliseconds(millisecond)) != .suppress {
      written.append(millisecond)
    }
    for from in written {
      #expect(written.filter { $0 >= from && $0 < from + 1_000 }.count <= 10)
    }
    #expect(written.count >= 90)
  }

  @Test("a peer has one line in 10 s in a class, and each class and peer its own")
  func perPeer() {
    var throttle = LogThrottle()
    #expect(throttle.judge("a", peer: "p", now: start) == .write(suppressed: 0))
    #expect(throttle.judge("a", peer: "p", now: start + .milliseconds(9_999)) == .suppress)
    #expect(throttle.judge("a", peer: "q", now: start) == .write(suppressed: 0))
    #expect(throttle.judge("b", peer: "p", now: start) == .write(suppressed: 0))
    #expect(throttle.judge("a", peer: "p", now: start + .seconds(10)) == .write(suppressed: 1))
  }

  @Test("peers together stay under the rate of their class")
  func peersInClass() {
    var throttle = LogThrottle()
    let verdicts = (0..<50).map { throttle.judge("a", peer: "p\($0)", now: start) }
    #expect(verdicts.filter { $0 != .suppress }.count == 10)
  }

  @Test("a hundred thousand peers take bounded memory and no line is lost from the count")
  func bounded() {
    var throttle = LogThrottle()
    var written: UInt64 = 0
    var told: UInt64 = 0
    let total = 100_000
    for index in 0..<total {
      let now = start + .microseconds(index * 600)
      guard case .write(let suppressed) = throttle.judge("a", peer: "p\(index)", now: now) else { continue }
      written += 1
      told += suppressed
    }
    #expect(throttle.peerCount <= LogThrottle.peerCountMax)
    // 60 s at 10 lines a second at most; at least one line for each 10 s.
    #expect((6...600).contains(written))
    #expect(told > 0)
    #expect(written + told + throttle.untoldCount == UInt64(total))
  }

  @Test("classes beyond the bound share one place")
  func manyClasses() {
    var throttle = LogThrottle()
    for index in 0..<LogThrottle.classCountMax {
      #expect(throttle.judge("c\(index)", now: start) == .write(suppressed: 0))
    }
    let beyond = (0..<100).map { throttle.judge("x\($0)", now: start) }
    #expect(beyond.filter { $0 != .suppress }.count == 10)
    #expect(throttle.judge("c0", now: start) == .write(suppressed: 0))
  }
}
