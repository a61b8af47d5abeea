import Foundation
import Synchronization
import TestKit
import Testing

@testable import Forwarding

@Suite("FDB threads")
struct FDBThreadsTests {
  private final class Progress: Sendable {
    let isDone = Atomic<Bool>(false)
    let now = Atomic<UInt32>(1000)
    let agedCount = Atomic<Int>(0)
    let scanCount = Atomic<Int>(0)
    let strangeCount = Atomic<Int>(0)
  }

  @Test("one thread learns while others age and list: nothing breaks, and the counts are right at the end")
  func learningWhileAgeing() {
    let table = Table(limit: 20_000, peerLimits: [0, 3000, 0, 0])
    let progress = Progress()
    let others = [
      Thread {
        while !progress.isDone.load(ordering: .acquiring) {
          progress.agedCount.add(table.age(now: progress.now.load(ordering: .relaxed), .seconds(2)), ordering: .relaxed)
          progress.scanCount.add(1, ordering: .relaxed)
        }
        progress.scanCount.add(1_000_000, ordering: .releasing)
      },
      Thread {
        while !progress.isDone.load(ordering: .acquiring) {
          let isStrange = table.entries.contains { $0.remote.peerSlot != Int($0.mac.rawValue % 4) }
          if isStrange || table.count > 20_100 { progress.strangeCount.add(1, ordering: .relaxed) }
        }
        progress.scanCount.add(1_000_000, ordering: .releasing)
      },
    ]
    others.forEach { $0.start() }
    let learnedCount = learn(into: table, progress)
    progress.isDone.store(true, ordering: .releasing)
    while progress.scanCount.load(ordering: .acquiring) < 2_000_000 { usleep(1000) }
    #expect(progress.strangeCount.load(ordering: .relaxed) == 0)
    #expect(table.isConsistent && table.count == table.entries.count)
    // What was learned and has not been aged is there.
    #expect(learnedCount - progress.agedCount.load(ordering: .relaxed) == table.count)
    #expect(progress.agedCount.load(ordering: .relaxed) > 0)
  }

  /// Answers how many entries were new. The remote follows from the station, so no entry moves.
  private func learn(into table: Table, _ progress: Progress) -> Int {
    var random = SeededGenerator(seed: TestSeed.fixed("FDB threads"))
    var learnedCount = 0
    for step in 0..<300_000 {
      let station = Int(random.next() % 2000) + step / 10
      let now = 1000 + UInt32(step / 10_000)
      if step % 10_000 == 0 { progress.now.store(now, ordering: .relaxed) }
      if table.learn(station, .peer(station % 4), now: now) == .learned { learnedCount += 1 }
      if let remote = table.remote(station + 1), remote != .peer((station + 1) % 4) {
        progress.strangeCount.add(1, ordering: .relaxed)
      }
    }
    return learnedCount
  }
}
