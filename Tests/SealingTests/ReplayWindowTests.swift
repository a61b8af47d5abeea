import Foundation
import Glibc
import TestKit
import Testing

@testable import Sealing

@Suite("Replay window")
struct ReplayWindowTests {
  /// The window as a set: slow and plain.
  private struct Model {
    var seen: Set<UInt64> = []
    var highest: UInt64?

    mutating func accept(_ counter: UInt64) -> Bool {
      if let highest, highest >= ReplayWindow.bitCount, counter <= highest - ReplayWindow.bitCount { return false }
      guard seen.insert(counter).inserted else { return false }
      highest = max(highest ?? 0, counter)
      return true
    }
  }

  private func withWindow(_ body: (ReplayWindow) -> Void) {
    let window = ReplayWindow.allocate()
    defer { window.deallocate() }
    body(window)
  }

  @Test("8,191 below the highest is accepted once, 8,192 below never")
  func bounds() {
    withWindow { window in
      #expect(window.accept(100_000))
      #expect(window.mayAccept(100_000 - 8191) && window.accept(100_000 - 8191))
      #expect(!window.mayAccept(100_000 - 8191) && !window.accept(100_000 - 8191))
      #expect(!window.mayAccept(100_000 - 8192) && !window.accept(100_000 - 8192))
      #expect(window.accept(100_001) && !window.accept(100_001 - 8192) && window.accept(100_001 - 8190))
    }
  }

  /// The numbered cases of RFC 6479's and WireGuard's counter test, with this window's size.
  @Test("each boundary of RFC 6479")
  func boundaries() {
    let size = ReplayWindow.bitCount
    withWindow { window in
      let steps: [(UInt64, Bool)] = [
        (0, true), (1, true), (1, false), (9, true), (8, true), (7, true), (7, false), (size, true),
        (size - 1, true), (size - 1, false), (size - 2, true), (2, true), (2, false), (size + 16, true), (3, false),
        (size + 16, false), (size * 4, true), (size * 4 - (size - 1), true), (10, false), (size * 4 - size, false),
        (size * 4 - (size + 1), false), (size * 4 - (size - 2), true), (size * 4 + 1 - size, false), (0, false),
        (1 << 40 - 1, true), (1 << 40 - 2, true), (1 << 40 - 1, false), (1 << 40 - 2, false),
        (1 << 40 - size, true), (1 << 40 - size - 1, false), (1 << 40 - 3, true), (1 << 40 - 3, false),
      ]
      for (step, (counter, isAccepted)) in steps.enumerated() {
        #expect(window.mayAccept(counter) == isAccepted, "step \(step)")
        #expect(window.accept(counter) == isAccepted, "step \(step)")
      }
    }
  }

  @Test("more threads than processors that want the lock get it one at a time, and none waits for ever")
  func lock() {
    withWindow { window in
      nonisolated(unsafe) let shared = window
      nonisolated(unsafe) let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
      count.initialize(to: 0)
      defer { count.deallocate() }
      let waits: @Sendable () -> Void = {
        for round in 0..<2_000 {
          shared.lock()
          let before = count.pointee
          // Now and then whoever has the lock loses its processor.
          if round.isMultiple(of: 100) { sched_yield() }
          count.pointee = before + 1
          shared.unlock()
        }
      }
      let threadCount = 8 * ProcessInfo.processInfo.activeProcessorCount
      atOnce(Array(repeating: waits, count: threadCount))
      #expect(count.pointee == 2_000 * threadCount)
    }
  }

  @Test("ascending, descending and every second counter of twice the window")
  func orders() {
    let size = ReplayWindow.bitCount
    withWindow { window in
      for counter in 0..<2 * size { #expect(window.accept(counter)) }
      for counter in 0..<2 * size { #expect(!window.accept(counter)) }
    }
    withWindow { window in
      #expect(window.accept(size))
      for counter in (1..<size).reversed() { #expect(window.accept(counter)) }
      #expect(!window.accept(0))
    }
    withWindow { window in
      for counter in stride(from: 0, to: 2 * size, by: 2) { #expect(window.accept(counter)) }
      for counter in stride(from: size - 1, to: 2 * size, by: 2) { #expect(window.accept(counter)) }
      #expect(!window.accept(size - 3))
    }
  }

  @Test(
    "row 19: shuffled by up to 8,000 nothing is lost; by 9,000 what comes late is, exactly",
    arguments: [
      64, 1024, 8000, 9000,
    ])
  func reordering(depth: Int) {
    var generator = SeededGenerator(seed: UInt64(depth))
    var counters = (0..<UInt64(40_000)).map { ($0, $0 + UInt64.random(in: 0..<UInt64(depth), using: &generator)) }
    counters.sort { $0.1 < $1.1 }
    withWindow { window in
      var model = Model()
      var lostCount = 0
      for (counter, _) in counters {
        let isAccepted = window.accept(counter)
        #expect(isAccepted == model.accept(counter))
        if !isAccepted { lostCount += 1 }
      }
      #expect(depth <= 8192 ? lostCount == 0 : lostCount > 0)
    }
  }

  @Test("it agrees with a set, whatever comes")
  func model() {
    let seed = TestSeed.next("replay window")
    for round in 0..<40 {
      var generator = SeededGenerator(seed: seed &+ UInt64(round))
      withWindow { window in
        var model = Model()
        var base = round.isMultiple(of: 4) ? UInt64(1) << 40 - 30_000 : UInt64.random(in: 0..<20_000, using: &generator)
        for _ in 0..<5_000 {
          let counter = Self.counter(&base, &generator)
          let expected = model.accept(counter)
          #expect(window.mayAccept(counter) == expected, "seed \(seed), round \(round), counter \(counter)")
          #expect(window.accept(counter) == expected, "seed \(seed), round \(round), counter \(counter)")
        }
        #expect(window.next == model.highest.map { $0 + 1 })
      }
    }
  }

  /// Mostly near `base`, sometimes far behind, rarely a jump.
  private static func counter(_ base: inout UInt64, _ generator: inout SeededGenerator) -> UInt64 {
    let limit = UInt64(1) << 40 - 1
    switch Int.random(in: 0..<100, using: &generator) {
    case 0: base = min(limit, base + UInt64.random(in: 0..<40_000, using: &generator))
    case 1 where generator.isOne(in: 20): base = min(limit, base + UInt64.random(in: 0..<1 << 39, using: &generator))
    case 2..<40: base = min(limit, base + UInt64.random(in: 0..<70, using: &generator))
    case 40..<60: return base - min(base, UInt64.random(in: 8_180..<8_200, using: &generator))
    default: break
    }
    return base - min(base, UInt64.random(in: 0..<9_000, using: &generator))
  }
}
