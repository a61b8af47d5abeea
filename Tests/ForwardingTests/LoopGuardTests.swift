import TestKit
import Testing
import VXLAN

@testable import Forwarding

@Suite("Loop guard")
struct LoopGuardTests {
  private let start = Instant(nanoseconds: 5_000_000_000_000)

  private func guardOf(_ segmentCount: Int = 2) -> LoopGuard {
    LoopGuard(segmentCount: segmentCount, hash: KeyedHash(key0: 5, key1: 6))
  }

  @Test("a frame that was written to a TAP is known there for nearly a second, and not after one")
  func time() {
    let loops = guardOf()
    loops.remember(77, segment: 0, now: start)
    for milliseconds in [0, 1, 500, 950] {
      #expect(loops.isReturned(77, segment: 0, now: start + .milliseconds(milliseconds)) == true, "\(milliseconds)")
    }
    for milliseconds in [1000, 1100, 2000, 280_000] {
      #expect(loops.isReturned(77, segment: 0, now: start + .milliseconds(milliseconds)) == false, "\(milliseconds)")
    }
  }

  @Test("it is known at this TAP only, and no other frame is")
  func place() {
    let loops = guardOf()
    loops.remember(77, segment: 0, now: start)
    let others = [(77, 1), (78, 0), (77 | 1 << 40, 0)] as [(UInt64, Int)]
    #expect(others.count { loops.isReturned($0.0, segment: $0.1, now: start) } == 0)
  }

  @Test("of 10,000 frames in a second nearly all are known, and of 10,000 others none")
  func capacity() {
    let loops = guardOf()
    var generator = SeededGenerator(seed: TestSeed.fixed("loop guard"))
    let frames = (0..<10_000).map { _ in generator.next() }
    for (number, frame) in frames.enumerated() {
      loops.remember(frame, segment: 0, now: start + .microseconds(number * 95))
    }
    let end = start + .milliseconds(950)
    // What is overwritten before it comes back has come a long way: a loop's round takes less than a millisecond.
    #expect(frames.count { loops.isReturned($0, segment: 0, now: end) } > 8_000)
    #expect((0..<10_000).count { _ in loops.isReturned(generator.next(), segment: 0, now: end) } == 0)
  }

  @Test(
    "what was written to a TAP may come from one, and is held when it does again and again within a second",
    arguments: [1, 2])
  func circling(segmentCount: Int) {
    let loops = guardOf(segmentCount)
    #expect(loops.mayCircle(now: start) == false)
    #expect(loops.isCircling(9, now: start) == false, "it was not written anywhere")
    loops.remember(9, segment: 0, now: start)
    let rounds = (0..<20).map { round in
      let now = start + .milliseconds(round)
      loops.remember(9, segment: 0, now: now)
      return loops.isCircling(9, now: now)
    }
    #expect(rounds == [Bool](repeating: false, count: 16) + [Bool](repeating: true, count: 4))
    #expect(loops.isCircling(9, now: start + .seconds(3)) == false, "it has been quiet")
    #expect(loops.mayCircle(now: start + .milliseconds(500)) == true)
    #expect(loops.mayCircle(now: start + .seconds(3)) == false, "nor has any other")
  }

  @Test("a frame that is sent again at most ten times a second is never held", arguments: [100, 1000])
  func repeated(everyMilliseconds pause: Int) {
    let loops = guardOf()
    for round in 0..<600 {
      let now = start + .milliseconds(round * pause)
      loops.remember(9, segment: 0, now: now)
      #expect(loops.isCircling(9, now: now) == false, "round \(round)")
    }
  }

  @Test("a segment is armed for a second, by itself")
  func arming() {
    let loops = guardOf()
    func armed() -> [Bool] {
      [(0, 0), (0, 999), (0, 1000), (1, 0)].map { loops.isArmed(segment: $0.0, now: start + .milliseconds($0.1)) }
    }
    #expect(armed() == [false, false, false, false])
    loops.arm(segment: 0, now: start)
    #expect(armed() == [true, true, false, false])
  }
}
