import Foundation
import Synchronization
import TestKit
import Testing
import VXLAN

@testable import Forwarding

@Suite("The entries of an FDB, some at a time")
struct FDBPagesTests {
  /// All entries in pages, with `between` called before each but the first.
  private static func pages(
    _ table: Table, of countMax: Int, between: (Int) -> Void = { _ in }
  ) -> [[FDBEntry]] {
    var pages = [table.fdb.entries(countMax: countMax)]
    while let last = pages.last?.last, pages[pages.count - 1].count == countMax {
      between(pages.count)
      pages.append(table.fdb.entries(after: last.mac, countMax: countMax))
    }
    return pages
  }

  @Test(
    "a table at rest is told whole, every address once, whatever the size of a page",
    arguments: [1, 7, 640, 4096, 5000, 5001])
  func complete(countMax: Int) {
    let table = Table(limit: 10_000)
    for station in 0..<5000 { _ = table.learn(station, .peer(station % 4)) }
    let pages = Self.pages(table, of: countMax)
    #expect(pages.dropLast().allSatisfy { $0.count == countMax } && pages[pages.count - 1].count < countMax)
    #expect(pages.joined().map(\.mac) == table.entries.map(\.mac), "the order is always the same")
    #expect(Set(pages.joined().map(\.mac)) == Set((0..<5000).map { Table.mac($0) }))
  }

  @Test("what follows an address is told also when that has no entry any more, and nothing follows the last")
  func removed() throws {
    let table = Table(limit: 10_000)
    for station in 0..<5000 { _ = table.learn(station, .peer(0)) }
    let all = table.entries
    for place in [0, 639, 2500, 4998] {
      table.fdb.remove(all[place].mac)
      #expect(table.fdb.entries(after: all[place].mac, countMax: 1).map(\.mac) == [all[place + 1].mac])
    }
    #expect(table.fdb.entries(after: try #require(all.last).mac).isEmpty && Table().entries.isEmpty)
  }

  @Test("static entries in a table that has hardly any room for others are told page by page as well")
  func oneShard() {
    let table = Table(limit: 1)
    for station in 0..<20_000 { table.set(station, .peer(0)) }
    #expect(table.fdb.shardCount == 1)
    let pages = Self.pages(table, of: 4096)
    #expect(pages.map(\.count) == [4096, 4096, 4096, 4096, 3616])
    #expect(pages.joined().map(\.mac) == (0..<20_000).map { Table.mac($0) })
  }

  @Test("entries that stay are told exactly once while others come and go and storage is replaced, and it ends")
  func changing() {
    let table = Table(limit: 60_000, readerCount: 1)
    for station in 0..<10_000 { table.setStatic(station, .peer(0)) }
    let isDone = Atomic<Bool>(false)
    let pages = Mutex<[[FDBEntry]]>([])
    let replacedCount = Atomic<Int>(0)
    atOnce([
      {
        var storages = table.storages
        table.work(reader: 0) { round in
          for number in 0..<200 { _ = table.learn(100_000 + (round * 200 + number) % 50_000, .peer(1)) }
          if round % 100 == 99 { _ = table.flush() }
          let now = table.storages
          replacedCount.add(zip(storages, now).count { $0 != $1 }, ordering: .relaxed)
          storages = now
          return !isDone.load(ordering: .relaxed)
        }
      },
      {
        for _ in 0..<20 {
          let told = Self.pages(table, of: 500)
          pages.withLock { $0 = told }
          let staying = told.joined().filter { $0.state == .static }.map(\.mac)
          #expect(staying.count == 10_000 && Set(staying).count == 10_000)
        }
        isDone.store(true, ordering: .relaxed)
      },
    ])
    let told = pages.withLock { $0 }
    #expect(Set(told.joined().map(\.mac)).count == told.joined().count)
    #expect(replacedCount.load(ordering: .relaxed) > table.fdb.shardCount)
    #expect(table.isConsistent)
  }
}
