import Forwarding
import Glibc
import LinuxIO
import Synchronization
import VXLAN

/// A forwarding table of a million entries while several threads use it, and what one use of it costs at most.
enum FDBSharingBenchmarks {
  private static let count = 1_000_000
  private static let name = "FDB, 1,000,000 entries"

  static func all() -> [Benchmark] {
    [false, true].map { lookUp(isShared: $0) } + Others.allCases.flatMap { [lookUpTime($0, 50), lookUpTime($0, 99)] }
      + [longestInsertion()] + FDBHoldBenchmarks.all()
  }

  /// Looking up 32 at a time in a table with room for as many again; `isShared`: while another thread fills that as
  /// fast as it can.
  private static func lookUp(isShared: Bool) -> Benchmark {
    let title = "\(name) of 2,000,000: look up, 32 at a time" + (isShared ? ", another inserts" : "")
    return Benchmark(title, operationCount: count, allocationsMax: 0.001) {}.beginningAnew {
      shared.beginRound()
      return { shared.read(while: isShared ? .insert : .rest) { Sink.take($0.lookUp(shared.order)) } }
    }
  }

  /// The time of a look-up that so many of a hundred batches do not reach, by the clock on the wall.
  private static func lookUpTime(_ others: Others, _ percent: Int) -> Benchmark {
    return Benchmark(reading: "\(name): look up, 32 at a time, p\(percent), \(others.rawValue)") {
      shared.beginRound()
      var times: [UInt64] = []
      times.reserveCapacity(count / FDBBenchmarks.batchCount)
      shared.read(while: others) { table in
        for start in stride(from: 0, to: count, by: FDBBenchmarks.batchCount) {
          let began = Clock.now()
          Sink.take(table.lookUp(shared.order[start..<start + FDBBenchmarks.batchCount]))
          times.append(Clock.now() - began)
        }
      }
      times.sort()
      return Double(times[times.count * percent / 100]) / Double(FDBBenchmarks.batchCount)
    }
  }

  /// Made with the first round that needs it.
  private static let shared = Shared()

  /// What another thread does meanwhile.
  private enum Others: String, CaseIterable {
    case rest = "alone"
    case insert = "another inserts"
    /// New addresses at a full table: none is learned.
    case flood = "another floods the full table"
  }

  /// A table of a million entries with room for as many again, and one thread beside the one that measures.
  private final class Shared: @unchecked Sendable {
    private let table = FDBBenchmarks.Table(limit: 2 * count, readerCount: 2)
    private let full = FDBBenchmarks.Table(limit: count, readerCount: 2)
    private let others = FDBBenchmarks.keys(count, series: 3)
    private let isDone = Atomic<Bool>(false)
    private let workedCount = Atomic<Int>(0)
    private var round: UInt32 = 0
    let order: [MACAddress]

    init() {
      let keys = FDBBenchmarks.keys(count, series: 1)
      for table in [table, full] { table.learn(keys, now: 1_000_000) }
      order = FDBBenchmarks.shuffled(keys)
    }

    /// What the last round inserted goes before the next.
    func beginRound() {
      _ = table.fdb.age(now: 1_000_000, ageingTime: .seconds(1))
      round += 1
      isDone.store(false, ordering: .relaxed)
      workedCount.store(0, ordering: .relaxed)
    }

    /// Runs `body` while the other thread does what it does.
    func read(while others: Others, _ body: (FDBBenchmarks.Table) -> Void) {
      let table = others == .flood ? full : table
      guard others != .rest else { return body(table) }
      let thread = try? SystemThread(named: "other") { [self] in offer(to: table, isEndless: others == .flood) }
      while workedCount.load(ordering: .relaxed) == 0 {}
      table.gracePeriod.enter(reader: 0)
      body(table)
      table.gracePeriod.leave(reader: 0)
      isDone.store(true, ordering: .relaxed)
      thread?.join()
    }

    private func offer(to table: FDBBenchmarks.Table, isEndless: Bool) {
      var number = 0
      table.gracePeriod.enter(reader: 1)
      defer { table.gracePeriod.leave(reader: 1) }
      while !isDone.load(ordering: .relaxed), isEndless || number < others.count {
        _ = table.fdb.learn(others[number % others.count], from: .peer(number % 64), now: round)
        number += 1
        if number & 1023 == 1 { workedCount.store(number, ordering: .relaxed) }
      }
    }
  }

  /// The insertion of a million that took the longest: the one that had to take new storage.
  private static func longestInsertion() -> Benchmark {
    let keys = FDBBenchmarks.keys(count, series: 1)
    return Benchmark(reading: "\(name): the longest insertion on the way there") {
      let table = FDBBenchmarks.Table(limit: count)
      var longest: UInt64 = 0
      for (index, key) in keys.enumerated() {
        let began = Clock.processorTime()
        _ = table.fdb.learn(key, from: .peer(index % 64), now: 1)
        longest = max(longest, Clock.processorTime() - began)
      }
      return Double(longest)
    }
  }

  /// What a million entries cost of the process's memory.
  static func memory() -> String {
    let keys = FDBBenchmarks.keys(count, series: 1)
    let table = FDBBenchmarks.Table(limit: count)
    let before = residentByteCount()
    table.learn(keys)
    let bytes = residentByteCount() - before
    return "\(name): \(bytes / table.fdb.entryCount()) bytes of resident memory each"
  }

  private static func residentByteCount() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let fields = line.prefix { $0 != 0 }.split(separator: 32)
    guard fields.count > 1 else { return 0 }
    let pages = fields[1].reduce(0) { $0 * 10 + Int($1) - 48 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
