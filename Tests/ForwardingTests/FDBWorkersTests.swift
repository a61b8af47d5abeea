import Foundation
import Synchronization
import TestKit
import Testing

@testable import Forwarding

/// Several workers on one table, as the agent has them: each a reader of the grace period, with boundaries between.
@Suite("FDB workers")
struct FDBWorkersTests {
  private final class Progress: Sendable {
    let isDone = Atomic<Bool>(false)
    /// What should not have been.
    let wrongCount = Atomic<Int>(0)
    /// What should have been often.
    let workCount = Atomic<Int>(0)
  }

  @Test("replaced storage is kept while a worker may be looking at it, and given back after its boundary")
  func retirement() {
    let table = Table(limit: 1000, readerCount: 2)
    let grace = table.fdb.gracePeriod
    for reader in 0..<2 { grace.enter(reader: reader) }
    for station in 0..<1000 { _ = table.learn(station, .peer(0)) }
    #expect(table.slotCount > 256 && table.retiredCount > 1)
    grace.pass(reader: 0)
    _ = table.entries
    #expect(table.retiredCount > 1)
    grace.pass(reader: 1)
    _ = table.entries
    #expect(table.retiredCount == 0)
  }

  @Test("a worker that sleeps keeps no storage from being given back")
  func sleeper() {
    let table = Table(limit: 1000, readerCount: 2)
    let grace = table.fdb.gracePeriod
    for reader in 0..<2 { grace.enter(reader: reader) }
    grace.leave(reader: 1)
    for station in 0..<200 { _ = table.learn(station, .peer(0)) }
    #expect(table.retiredCount > 0)
    grace.pass(reader: 0)
    _ = table.entries
    #expect(table.retiredCount == 0)
  }

  @Test("look-ups of three workers find what is there, always, while a fourth learns, the table is rebuilt and aged")
  func lookingUpWhileRebuilding() {
    let table = Table(limit: 10_000, readerCount: 4)
    let (fixedCount, base) = (200, 5_000_000)
    for station in 0..<fixedCount { table.setStatic(base + station, .peer(station % 4), now: 1) }
    let progress = Progress()
    let lookers: [@Sendable () -> Void] = (1..<4).map { reader in
      {
        table.work(reader: reader) { step in
          for station in 0..<64 {
            let station = (step * 64 + station) % fixedCount
            if table.remote(base + station) != .peer(station % 4) { progress.wrongCount.add(1, ordering: .relaxed) }
            if table.learn(base + station, .peer((station + 1) % 4), now: UInt32(step)) != .refusedStatic {
              progress.wrongCount.add(1, ordering: .relaxed)
            }
          }
          return !progress.isDone.load(ordering: .acquiring)
        }
      }
    }
    let learner: @Sendable () -> Void = {
      var storages = table.storages
      table.work(reader: 0) { step in
        for station in 0..<256 { _ = table.learn(step * 256 + station, .peer(station % 4), now: UInt32(step)) }
        if step % 8 == 7 { _ = table.age(now: UInt32(step), .seconds(4)) }
        let now = table.storages
        progress.workCount.add(zip(storages, now).count { $0 != $1 }, ordering: .relaxed)
        storages = now
        return step < 800
      }
      progress.isDone.store(true, ordering: .releasing)
    }
    atOnce(lookers + [learner])
    #expect(progress.wrongCount.load(ordering: .relaxed) == 0)
    #expect(progress.workCount.load(ordering: .relaxed) > 20, "nothing was rebuilt, so nothing was tested")
    #expect(table.isConsistent)
  }

  @Test("no refresh is lost to a rebuild: the stamp that a worker set is there when it looks")
  func refreshing() {
    let table = Table(limit: 1000, readerCount: 3)
    let progress = Progress()
    let refreshers: [@Sendable () -> Void] = (1..<3).map { reader in
      {
        let base = reader * 1_000_000
        for station in 0..<32 { _ = table.learn(base + station, .peer(reader), now: 1) }
        table.work(reader: reader) { step in
          let now = UInt32(step + 2)
          for station in 0..<32 {
            let isKnown = table.learn(base + station, .peer(reader), now: now) == .known
            let stamp = table.fdb.value(of: Table.mac(base + station)).stamp
            if !isKnown || stamp != now { progress.wrongCount.add(1, ordering: .relaxed) }
          }
          progress.workCount.add(32, ordering: .relaxed)
          return !progress.isDone.load(ordering: .acquiring)
        }
      }
    }
    let learner: @Sendable () -> Void = {
      table.work(reader: 0) { step in
        for station in 0..<192 { _ = table.learn(10_000_000 + step * 192 + station, .peer(0), now: 0) }
        // Keys that were aged make the next rebuild due soon, and the table small: a rebuild every few steps.
        _ = table.age(now: 1 << 20, .seconds((1 << 20) - 1))
        return step < 3000
      }
      progress.isDone.store(true, ordering: .releasing)
    }
    atOnce(refreshers + [learner])
    #expect(progress.wrongCount.load(ordering: .relaxed) == 0)
    #expect(progress.workCount.load(ordering: .relaxed) > 10_000)
    #expect(table.count >= 64 && table.isConsistent)
  }

  @Test("stations that several workers move at once are each at one place in the end, and counted there")
  func moving() {
    let table = Table(limit: 300, peerLimits: [0, 60, 0, 0], readerCount: 4)
    let movers: [@Sendable () -> Void] = (0..<4).map { reader in
      {
        var random = SeededGenerator(seed: TestSeed.fixed("FDB workers \(reader)"))
        table.work(reader: reader) { step in
          for _ in 0..<32 { _ = table.learn(Int(random.next() % 400), .peer(reader), now: UInt32(step / 100)) }
          if step % 50 == 0 { _ = table.age(now: UInt32(step / 100), .seconds(2)) }
          return step < 1500
        }
      }
    }
    atOnce(movers)
    #expect(table.isConsistent && table.count <= 300)
    #expect(table.entries.filter { $0.remote == .peer(1) && !$0.isFrozen }.count <= 60)
  }

  @Test("the count of changes tells of moves, removals and static entries, and not of learning and refreshing")
  func changes() {
    let table = Table()
    _ = table.learn(1, .peer(0), now: 1)
    _ = table.learn(1, .peer(0), now: 2)
    #expect(table.changeCount == 0)
    _ = table.learn(1, .local, now: 2)
    #expect(table.changeCount == 1)
    table.setStatic(2, .peer(1))
    #expect(table.changeCount == 2)
    #expect(table.age(now: 9, .seconds(1)) == 1)
    #expect(table.changeCount == 3)
  }
}
