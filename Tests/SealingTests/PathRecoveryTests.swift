import TestKit
import Testing
import VXLAN

@testable import Sealing

/// Paths that take more again, links that dip, and answers that take long.
@Suite("PathProbing: recovery")
struct PathRecoveryTests {
  /// An end that knows that its path takes 1400 although its route takes 1500.
  private func lowered(raiseInterval: Duration = .seconds(600)) -> SimulatedPath {
    let path = SimulatedPath(route: 1_500, takes: 1_400, raiseInterval: raiseInterval, seed: 1)
    path.run(for: .seconds(20)) { $0.probing.isSettled }
    #expect(path.pathMTU == 1_400)
    return path
  }

  @Test("a path that takes more again is found so when it is asked next, by the interval and no sooner")
  func raise() {
    let path = lowered(raiseInterval: .seconds(10))
    path.byteCountMax = 1_500
    #expect(path.run(for: .seconds(9)) { $0.pathMTU != 1_400 } >= .seconds(9))
    #expect(path.run(for: .seconds(2)) { $0.pathMTU == 1_500 } < .seconds(2))
  }

  @Test("large packets that congestion loses for some seconds cost half a minute, not the interval of ten")
  func congestion() {
    for milliseconds in stride(from: 0, to: 5_000, by: 250) {
      let path = SimulatedPath(route: 1_500, takes: 1_500, seed: 1)
      path.run(for: .seconds(2) + .milliseconds(milliseconds))
      // Small packets find room in a full queue.
      path.byteCountMax = 1_000
      path.run(for: .seconds(12))
      #expect(path.pathMTU ?? 0 < 1_500)
      path.byteCountMax = 1_500
      let taken = path.run(for: .seconds(120)) { $0.pathMTU == 1_500 }
      #expect(taken <= .seconds(35), "\(taken)")
    }
  }

  @Test("a path that stays small is asked for one byte more after 15, 30, 60… s up to the interval, in three tries")
  func raiseInVain() {
    let path = lowered()
    let start = path.now
    path.run(for: .seconds(3_600))
    let asked = path.sent.filter { $0.at > start && $0.probe.byteCount > 1_400 }
    #expect(asked.allSatisfy { $0.probe.byteCount == 1_401 } && asked.count.isMultiple(of: 3))
    let times = stride(from: 0, to: asked.count, by: 3).map { asked[$0].at }
    let pauses = zip([start] + times, times).map { $1.since($0) }
    let expected: [Duration] = [15, 30, 60, 120, 240, 480, 600, 600].map { .seconds(Int64($0)) }
    for (pause, least) in zip(pauses, expected) {
      #expect(pause >= least && pause <= least * 5 / 4 + .seconds(3), "\(pauses)")
    }
    #expect(pauses.count >= 9 && path.pathMTU == 1_400)
  }

  @Test("a path that goes to and fro is raised less and less often, and after a long time of rest soon again")
  func toAndFro() {
    var pause = RaisePause(longest: .seconds(600))
    var entropy: any Entropy = SeededEntropy(seed: TestSeed.next("pause"))
    var now = Instant(nanoseconds: 0)
    for least in [15, 30, 60, 120, 240, 480, 600, 600] {
      pause.noteLowered(now: now)
      let next = pause.next(&entropy)
      #expect(next >= .seconds(least) && next <= min(.seconds(600), .seconds(least) * 5 / 4))
      now = now + .seconds(100)
    }
    pause.noteLowered(now: now + .seconds(600))
    #expect(pause.next(&entropy) < .seconds(20))
    var short = RaisePause(longest: .seconds(4))
    short.noteVain()
    #expect(short.next(&entropy) == .seconds(4))
  }

  @Test("a link that takes less for a moment takes nothing from what was found: what counts is the less of both")
  func dip() {
    let path = lowered()
    for ceiling in [1_300, 1_380, 1_500] {
      path.probing.setCeiling(ceiling, startingAt: path.now + .seconds(1))
      #expect(path.pathMTU == min(ceiling, 1_400) && path.probing.isProbed == (ceiling == 1_500))
    }
    let start = path.now
    path.run(for: .seconds(60))
    #expect(path.pathMTU == 1_400 && path.told.allSatisfy { $0.at <= start || $0.pathMTU == 1_400 })
    // Asked while the link was small, what passes then counts until more is known.
    path.probing.setCeiling(1_300, startingAt: path.now)
    path.run(for: .seconds(2))
    path.probing.setCeiling(1_500, startingAt: path.now)
    #expect(path.pathMTU == 1_300 && path.probing.isProbed)
    path.run(for: .seconds(30))
    #expect(path.pathMTU == 1_400)
  }

  @Test(
    "row 35: a black hole is gone after 15 s if answers take up to 2 s, and the exact size is found after a minute",
    arguments: [20, 100, 200, 400, 600, 800, 1_000, 1_500, 2_000])
  func slowAnswers(milliseconds: Int) {
    var (longest, exact) = (Duration.zero, Duration.zero)
    for byteCount in stride(from: 1_280, to: 1_500, by: 7) {
      for family in [AddressFamily.ipv4, .ipv6] {
        let path = SimulatedPath(route: 1_500, takes: 1_500, family: family, seed: UInt64(byteCount))
        path.roundTrip = .milliseconds(milliseconds)
        path.run(for: .seconds(20) + .milliseconds(37 * (byteCount % 140)))
        #expect(path.pathMTU == 1_500 && path.probing.isProbed)
        path.byteCountMax = byteCount
        let first = path.run(for: .seconds(60)) { $0.pathMTU ?? .max <= byteCount }
        longest = max(longest, first)
        exact = max(exact, first + path.run(for: .seconds(120)) { $0.pathMTU == byteCount })
      }
    }
    #expect(longest <= .seconds(15) && exact <= .seconds(60), "\(longest), \(exact)")
  }
}
