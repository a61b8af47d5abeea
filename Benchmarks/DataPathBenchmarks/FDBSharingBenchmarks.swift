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
    [lookUp(isShared: false), lookUp(isShared: true), longestInsertion(), longestHold(), usualHold(), nothing()]
  }

  private final class Inserter: Sendable {
    let isDone = Atomic<Bool>(false)
    let insertedCount = Atomic<Int>(0)
  }

  /// Looking up 32 at a time in a table with room for as many again; `isShared`: while another thread fills that as
  /// fast as it can.
  private static func lookUp(isShared: Bool) -> Benchmark {
    let table = FDBBenchmarks.Table(limit: 2 * count, readerCount: 2)
    let keys = FDBBenchmarks.keys(count, series: 1)
    table.learn(keys, now: 1_000_000)
    let others = FDBBenchmarks.keys(count, series: 3)
    let order = FDBBenchmarks.shuffled(keys)
    var round: UInt32 = 0
    let title = "\(name) of 2,000,000: look up, 32 at a time" + (isShared ? ", another inserts" : "")
    return Benchmark(title, operationCount: count, allocationsMax: 0.001) {}.beginningAnew {
      // What the last round inserted goes before the next.
      _ = table.fdb.age(now: 1_000_000, ageingTime: .seconds(1))
      round += 1
      return {
        guard isShared else { return Sink.take(table.lookUp(order)) }
        let inserter = Inserter()
        let thread = try? SystemThread(named: "inserter") { [round] in insert(others, into: table, inserter, now: round)
        }
        while inserter.insertedCount.load(ordering: .relaxed) == 0 {}
        table.gracePeriod.enter(reader: 0)
        Sink.take(table.lookUp(order))
        table.gracePeriod.leave(reader: 0)
        inserter.isDone.store(true, ordering: .relaxed)
        thread?.join()
      }
    }
  }

  private static func insert(
    _ keys: [MACAddress], into table: FDBBenchmarks.Table, _ inserter: Inserter, now: UInt32
  ) {
    var number = 0
    table.gracePeriod.enter(reader: 1)
    defer { table.gracePeriod.leave(reader: 1) }
    while !inserter.isDone.load(ordering: .relaxed), number < keys.count {
      _ = table.fdb.learn(keys[number], from: .peer(number % 64), now: now)
      number += 1
      if number & 1023 == 1 { inserter.insertedCount.store(number, ordering: .relaxed) }
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

  /// The longest time for which ageing all entries holds a lock.
  private static func longestHold() -> Benchmark {
    Benchmark(reading: "\(name): the longest hold of a lock while all age") { holds().last ?? 0 }
  }

  /// The time that ninety-nine of a hundred do not reach.
  private static func usualHold() -> Benchmark {
    Benchmark(reading: "\(name): 99 of 100 holds while all age are below") {
      let holds = holds()
      return holds[holds.count * 99 / 100]
    }
  }

  /// How long ageing all entries holds each lock, the shortest first: from the last entry of one shard that it tells of
  /// to the first of the next. More than 10 µs between two entries is a shard's.
  private static func holds() -> [Double] {
    let table = FDBBenchmarks.Table(limit: count)
    table.learn(FDBBenchmarks.keys(count, series: 1))
    var holds: [UInt64] = []
    holds.reserveCapacity(count)
    var last = Clock.processorTime()
    let agedCount = table.fdb.age(now: 10, ageingTime: .seconds(1)) { _ in
      let now = Clock.processorTime()
      holds.append(now - last)
      last = now
    }
    precondition(agedCount == count)
    return holds.filter { $0 > 10_000 }.sorted().map { Double($0) }
  }

  /// What the machine does to a thread that reads its clock a million times and nothing else: no figure of a longest
  /// time here can be less.
  private static func nothing() -> Benchmark {
    Benchmark(reading: "the longest of 1,000,000 readings of the clock") {
      var longest: UInt64 = 0
      var last = Clock.processorTime()
      for _ in 0..<count {
        let now = Clock.processorTime()
        longest = max(longest, now - last)
        last = now
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
