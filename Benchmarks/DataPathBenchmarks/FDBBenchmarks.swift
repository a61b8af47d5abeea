import Forwarding
import VXLAN

/// The forwarding table with few and with very many entries.
enum FDBBenchmarks {
  private static let peerCount = 64

  static func all() -> [Benchmark] {
    [1_000, 1_000_000].flatMap { [lookUp($0), lookUpBatches($0), missing($0), refresh($0)] }
      + [1_000, 1_000_000].map { insert($0) } + FDBSharingBenchmarks.all() + FDBListingBenchmarks.all()
  }

  /// A table that closures may share; the table itself cannot be copied.
  final class Table: @unchecked Sendable {
    let fdb: FDB
    let gracePeriod: GracePeriod

    init(limit: Int, readerCount: Int = 0) {
      gracePeriod = GracePeriod(readerCount: readerCount)
      fdb = FDB(
        limit: limit, peerLimits: Array(repeating: 0, count: peerCount), hash: KeyedHash(key0: 0x1234, key1: 0x5678),
        gracePeriod: gracePeriod)
    }

    func learn(_ keys: [MACAddress], now: UInt32 = 1) {
      for (index, key) in keys.enumerated() { _ = fdb.learn(key, from: .peer(index % peerCount), now: now) }
    }

    /// Looks all keys up, 32 at a time, as a worker does with the frames of a batch.
    func lookUp(_ keys: [MACAddress]) -> UInt64 { lookUp(keys[...]) }

    func lookUp(_ keys: ArraySlice<MACAddress>) -> UInt64 {
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: FDBBenchmarks.batchCount) { places in
        var sum: UInt64 = 0
        for start in stride(from: keys.startIndex, to: keys.endIndex, by: FDBBenchmarks.batchCount) {
          let count = min(FDBBenchmarks.batchCount, keys.endIndex - start)
          for index in 0..<count { places[index] = fdb.prefetch(keys[start + index]) }
          for index in 0..<count {
            sum &+= UInt64(fdb.remote(of: keys[start + index], place: places[index])?.peerSlot ?? 0)
          }
        }
        return sum
      }
    }
  }

  static let batchCount = 32

  /// Unicast addresses that look random, the same in every run; `series` gives others.
  static func keys(_ count: Int, series: UInt64) -> [MACAddress] {
    let hash = KeyedHash(key0: series, key1: 0)
    // The locally administered bit set, the group bit clear.
    return (0..<UInt64(count)).map { MACAddress(rawValue: hash($0) & 0xFCFF_FFFF_FFFF | 0x0200_0000_0000) }
  }

  private static func grouped(_ number: Int) -> String { number >= 1_000_000 ? "1,000,000" : "1,000" }

  /// Look-ups of entries in another order than that of insertion. Rounds are of a million at most, so the large table
  /// is walked over once and the caches help no more than its size allows.
  private static func lookUp(_ count: Int) -> Benchmark {
    let table = Table(limit: count)
    let keys = keys(count, series: 1)
    table.learn(keys)
    let order = shuffled(keys)
    return walk("FDB, \(grouped(count)) entries: look up", order) { key in
      UInt64(table.fdb.remote(of: key)?.peerSlot ?? 0)
    }
  }

  private static func lookUpBatches(_ count: Int) -> Benchmark {
    let table = Table(limit: count)
    let keys = keys(count, series: 1)
    table.learn(keys)
    let order = shuffled(keys)
    let passCount = max(1, 1_000_000 / count)
    return Benchmark("FDB, \(grouped(count)) entries: look up, 32 at a time", operationCount: count * passCount) {
      var sum: UInt64 = 0
      for _ in 0..<passCount { sum &+= table.lookUp(order) }
      Sink.take(sum)
    }
  }

  private static func missing(_ count: Int) -> Benchmark {
    let table = Table(limit: count)
    table.learn(keys(count, series: 1))
    return walk("FDB, \(grouped(count)) entries: look up what is missing", keys(count, series: 2)) { key in
      table.fdb.remote(of: key) == nil ? 1 : 0
    }
  }

  private static func refresh(_ count: Int) -> Benchmark {
    let table = Table(limit: count)
    let keys = keys(count, series: 1)
    table.learn(keys)
    let order = Array(shuffled(Array(keys.enumerated())))
    var now: UInt32 = 1
    let passCount = max(1, 1_000_000 / count)
    return Benchmark("FDB, \(grouped(count)) entries: learn what is known", operationCount: count * passCount) {
      // One second later in each round: the first pass writes stamps, the others find them written.
      now += 1
      for _ in 0..<passCount {
        for (index, key) in order { _ = table.fdb.learn(key, from: .peer(index % peerCount), now: now) }
      }
    }
  }

  /// From an empty table to a full one, growth included.
  private static func insert(_ count: Int) -> Benchmark {
    let keys = keys(count, series: 1)
    let tableCount = max(1, 100_000 / count)
    let name = "FDB, insert \(grouped(count)) into an empty table"
    return Benchmark(name, operationCount: count * tableCount, allocationsMax: 0.02) {}.beginningAnew {
      let tables = (0..<tableCount).map { _ in Table(limit: count) }
      return { for table in tables { table.learn(keys) } }
    }
  }

  private static func walk(
    _ name: String, _ keys: [MACAddress], _ operation: @escaping (MACAddress) -> UInt64
  ) -> Benchmark {
    let passCount = max(1, 1_000_000 / keys.count)
    return Benchmark(name, operationCount: keys.count * passCount) {
      var sum: UInt64 = 0
      for _ in 0..<passCount {
        for key in keys { sum &+= operation(key) }
      }
      Sink.take(sum)
    }
  }

  /// In an order that is the same in every run.
  static func shuffled<Element>(_ elements: [Element]) -> [Element] {
    let hash = KeyedHash(key0: 99, key1: 0)
    return elements.indices.sorted { hash(UInt64($0)) < hash(UInt64($1)) }.map { elements[$0] }
  }
}
