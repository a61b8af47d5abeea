import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("PathProbing")
struct PathProbingTests {
  /// An end that has asked a sound path and is content.
  private func settled(route: Int = 1_500) -> SimulatedPath {
    let path = SimulatedPath(route: route, takes: route, seed: 1)
    path.run(for: .seconds(1))
    #expect(path.pathMTU == route && path.probing.isProbed && path.probing.isSettled)
    return path
  }

  @Test("until something is known the route's MTU counts; a path that takes it is known after one answer")
  func sound() {
    let path = SimulatedPath(route: 9_000, takes: 9_000, seed: 1)
    #expect(path.pathMTU == 9_000 && !path.probing.isProbed)
    #expect(path.run(for: .seconds(1)) { $0.probing.isProbed } <= .milliseconds(50))
    #expect(path.pathMTU == 9_000 && path.triesSince(Instant(nanoseconds: 0)) == 1)
  }

  @Test("without a route nothing is asked")
  func noRoute() {
    var entropy: any Entropy = SeededEntropy(seed: 1)
    var probing = PathProbing(family: .ipv4, raiseInterval: .seconds(600))
    #expect(probing.advance(to: Instant(nanoseconds: 5), frameCount: 1, &entropy).isEmpty)
    #expect(probing.deadline == nil && probing.pathMTU == nil)
  }

  @Test("a route that takes no more than what always passes is not asked about", arguments: [576, 500, 68])
  func leastIPv4(route: Int) {
    let path = SimulatedPath(route: route, takes: 0, seed: 1)
    path.run(for: .seconds(60))
    #expect(path.sent.isEmpty && path.pathMTU == route && !path.probing.isProbed && path.probing.deadline == nil)
  }

  @Test("on IPv6 1280 always pass: not asked for, and never fewer")
  func leastIPv6() {
    let least = SimulatedPath(route: 1_280, takes: 0, family: .ipv6, seed: 1)
    least.run(for: .seconds(60))
    #expect(least.sent.isEmpty && least.pathMTU == 1_280)
    let small = SimulatedPath(route: 1_500, takes: 1_000, family: .ipv6, seed: 1)
    small.run(for: .seconds(60))
    #expect(small.pathMTU == 1_280 && small.probing.isSettled)
  }

  @Test("every path MTU from 576 to the route's 1500 is found to the byte within 15 s of the first probe")
  func everyPath() {
    var longest = Duration.zero
    for byteCount in 576...1_500 {
      let path = SimulatedPath(route: 1_500, takes: byteCount, seed: UInt64(byteCount))
      longest = max(longest, path.run(for: .seconds(60)) { $0.pathMTU == byteCount })
      path.run(for: .seconds(30))
      #expect(path.pathMTU == byteCount && path.probing.isSettled)
    }
    #expect(longest <= .seconds(15), "\(longest)")
  }

  @Test("a black hole in the middle of traffic: every path MTU from 1280 to 1499 counts within 15 s, to the byte")
  func blackHole() {
    var longest = Duration.zero
    for byteCount in 1_280..<1_500 {
      let path = settled()
      path.run(for: .milliseconds(37 * (byteCount % 140)))
      path.byteCountMax = byteCount
      let start = path.now
      longest = max(longest, path.run(for: .seconds(60)) { $0.pathMTU == byteCount })
      path.run(for: .seconds(20))
      #expect(path.pathMTU == byteCount)
      // What counts on the way is what passes.
      #expect(path.told.filter { $0.at > start }.allSatisfy { $0.pathMTU <= byteCount })
    }
    #expect(longest <= .seconds(15), "\(longest)")
  }

  @Test(
    "asking for more again and again puts no confirmation off: a black hole is found all the same",
    arguments: [1, 3, 20])
  func frequentRaises(seconds: Int) {
    let path = SimulatedPath(route: 1_500, takes: 1_400, raiseInterval: .seconds(Int64(seconds)), seed: 3)
    path.run(for: .seconds(60))
    #expect(path.pathMTU == 1_400)
    path.byteCountMax = 1_300
    path.run(for: .seconds(40))
    #expect(path.pathMTU == 1_300)
  }

  @Test("what counts is said again when asked to, and is not what is new")
  func repeated() {
    let path = settled()
    #expect(path.probing.takeChange() == nil)
    path.probing.repeatChange()
    let change = path.probing.takeChange()
    #expect(change?.pathMTU == 1_500 && change?.isSettled == false)
  }

  @Test("a black hole under jumbo frames: something that passes counts within 15 s, the exact size within 30 s")
  func jumboBlackHole() {
    let seed = TestSeed.next("jumbo")
    var generator = SeededGenerator(seed: seed)
    var (safe, exact) = (Duration.zero, Duration.zero)
    for _ in 0..<200 {
      let byteCount = Int.random(in: 600..<9_000, using: &generator)
      let path = settled(route: 9_000)
      path.run(for: .milliseconds(Int.random(in: 0..<5_000, using: &generator)))
      path.byteCountMax = byteCount
      let first = path.run(for: .seconds(60)) { $0.pathMTU ?? .max <= byteCount }
      safe = max(safe, first)
      exact = max(exact, first + path.run(for: .seconds(60)) { $0.pathMTU == byteCount })
      #expect(path.pathMTU == byteCount, "seed \(seed), \(byteCount)")
    }
    #expect(safe <= .seconds(15) && exact <= .seconds(30), "seed \(seed): \(safe), \(exact)")
  }

  @Test("a first size that passes is not told while a better one is likely: 1400 comes before anything less")
  func noDetour() {
    let path = settled()
    let start = path.now
    path.byteCountMax = 1_400
    path.run(for: .seconds(20))
    #expect(path.told.filter { $0.at > start }.first?.pathMTU ?? 0 >= 1_380, "\(path.told)")
  }

  @Test("paths that lose up to 30 % each way, and change: in the end the exact size counts, and never more than passes")
  func lossy() {
    let first = TestSeed.next("path")
    for number in 0..<UInt64(TestSeed.count("VTEP_PATH_SEEDS", standard: 60)) {
      let seed = first &+ number
      var generator = SeededGenerator(seed: seed)
      let path = SimulatedPath(
        route: [1_500, 9_000].randomElement(using: &generator) ?? 1_500,
        takes: Int.random(in: 600...1_500, using: &generator), raiseInterval: .seconds(30), seed: seed)
      path.loss = Int.random(in: 0...30, using: &generator)
      path.roundTrip = .milliseconds(Int.random(in: 1...300, using: &generator))
      for _ in 0..<3 {
        path.run(for: .seconds(Int.random(in: 0...40, using: &generator)))
        path.byteCountMax = Int.random(in: 600...1_500, using: &generator)
      }
      path.run(for: .seconds(300))
      var exactCount = 0
      for _ in 0..<120 {
        path.run(for: .seconds(1))
        if path.pathMTU == path.byteCountMax { exactCount += 1 }
        #expect(path.pathMTU ?? .max <= path.byteCountMax, "VTEP_SEED=\(seed)")
      }
      #expect(exactCount >= 60, "VTEP_SEED=\(seed): \(exactCount) of 120 s, loss \(path.loss) %")
    }
  }

  @Test("where nothing passes nothing is found out, and little is asked: the path is down, not small")
  func dead() {
    let path = settled()
    path.isCut = true
    let start = path.now
    path.run(for: .seconds(600))
    #expect(path.pathMTU == 1_500 && path.probing.isProbed)
    #expect(path.triesSince(start) < 180)
    path.isCut = false
    path.run(for: .seconds(10))
    #expect(path.pathMTU == 1_500 && path.probing.isSettled)
  }

  @Test("with traffic what counts is confirmed every 4 to 5 s by one probe, without every 30 s")
  func confirmation() {
    let path = settled()
    let start = path.now
    path.run(for: .seconds(100))
    #expect((19...26).contains(path.triesSince(start)) && path.sent.allSatisfy { $0.probe.byteCount == 1_500 })
    path.hasTraffic = false
    path.run(for: .seconds(10))
    let quiet = path.now
    path.run(for: .seconds(300))
    #expect((9...11).contains(path.triesSince(quiet)))
    // The first frame after a long rest is reason enough.
    path.hasTraffic = true
    let resumed = path.now
    path.run(for: .milliseconds(300))
    #expect(path.triesSince(resumed) == 1)
  }

  @Test("at most one size is under way, with one small probe beside it, and five of each in a second")
  func rate() {
    for byteCount in [700, 1_337, 1_450, 8_999] {
      let path = SimulatedPath(route: 9_000, takes: byteCount, seed: 7)
      path.roundTrip = .milliseconds(300)
      path.run(for: .seconds(60))
      for (index, probe) in path.sent.enumerated() {
        let second = path.sent[index...].prefix { $0.at < probe.at + .seconds(1) }
        #expect(second.count <= 10)
      }
    }
  }

  @Test("only an answer with a token that is out, and the size it was sent with, is taken, and that once")
  func forged() throws {
    let path = SimulatedPath(route: 1_500, takes: 0, seed: 1)
    path.run(for: .milliseconds(10))
    let asked = try #require(path.sent.first?.probe)
    path.answer(PathProbing.Probe(byteCount: asked.byteCount, token: asked.token ^ 1))
    path.answer(PathProbing.Probe(byteCount: asked.byteCount + 1, token: asked.token))
    path.answer(PathProbing.Probe(byteCount: 9_000, token: 0))
    #expect(!path.probing.isProbed && path.pathMTU == 1_500)
    path.answer(asked)
    #expect(path.probing.isProbed)
    // A repeated one is no confirmation: the path has become a black hole meanwhile.
    path.byteCountMax = 1_300
    for _ in 0..<200 {
      path.run(for: .milliseconds(100))
      path.answer(asked)
    }
    #expect(path.pathMTU == 1_300)
  }

  @Test("answers that come late still count: what was taken for lost passes")
  func late() {
    let path = settled()
    path.roundTrip = .seconds(4)
    path.run(for: .seconds(60))
    #expect(path.pathMTU == 1_500 && path.told.allSatisfy { $0.pathMTU == 1_500 }, "\(path.told)")
  }

  @Test("a route that takes less counts at once; one that takes more is asked first, and waits for no interval")
  func routes() {
    let path = settled()
    path.probing.setCeiling(1_400, startingAt: path.now)
    #expect(path.pathMTU == 1_400)
    path.byteCountMax = 1_400
    path.run(for: .seconds(1))
    #expect(path.probing.isProbed && path.probing.isSettled)
    path.probing.setCeiling(9_000, startingAt: path.now)
    #expect(path.pathMTU == 1_400)
    path.byteCountMax = 9_000
    #expect(path.run(for: .seconds(1)) { $0.pathMTU == 9_000 } <= .milliseconds(50))
  }

  @Test("another route of the same size is asked at once, and again after 5 s at the earliest")
  func otherRoute() {
    let path = SimulatedPath(route: 1_500, takes: 1_400, seed: 1)
    path.hasTraffic = false
    path.run(for: .seconds(20)) { $0.probing.isSettled }
    path.byteCountMax = 1_500
    path.probing.recheck(at: path.now)
    #expect(path.run(for: .seconds(5)) { $0.pathMTU == 1_500 } < .seconds(1))
    let start = path.now
    for _ in 0..<100 {
      path.probing.recheck(at: path.now)
      path.run(for: .milliseconds(100))
    }
    #expect(path.triesSince(start) <= 4)
  }

  @Test("between what passes and what does not there is a next size, until they are neighbours")
  func nextSizes() {
    for passed in 576...1_600 {
      for failed in (passed + 1)...(passed + 400) {
        let next = PathSizes.next(above: passed, below: failed)
        #expect(next.map { $0 > passed && $0 < failed } ?? (failed == passed + 1))
      }
    }
    #expect(PathSizes.next(above: 1_500, below: 1_500) == nil && PathSizes.next(above: 1_500, below: 1_400) == nil)
  }
}
