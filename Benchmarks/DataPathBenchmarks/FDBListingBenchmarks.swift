import Forwarding
import LinuxIO
import VXLAN

/// Listing a forwarding table of a million entries, and for how long that can hold a lock.
enum FDBListingBenchmarks {
  private static let count = 1_000_000
  /// As many as one answer of the control socket has.
  private static let pageCount = 4096

  static func all() -> [Benchmark] { [pages(), longestShard()] }

  private static func filled() -> FDBBenchmarks.Table {
    let table = FDBBenchmarks.Table(limit: count)
    table.learn(FDBBenchmarks.keys(count, series: 1))
    return table
  }

  private static func pages() -> Benchmark {
    let table = filled()
    return Benchmark("FDB, 1,000,000 entries: list them, 4,096 at a time", operationCount: count, allocationsMax: 0.02)
    {
      var last: MACAddress?
      var listedCount = 0
      while true {
        let page = table.fdb.entries(after: last, countMax: pageCount)
        listedCount += page.count
        last = page.last?.mac
        guard page.count == pageCount else { break }
      }
      precondition(listedCount == count)
    }
  }

  /// The longest listing of all that are of one shard each: a hold of its lock, one of the shard before, in which
  /// nothing follows, and the ordering of what was found.
  private static func longestShard() -> Benchmark {
    Benchmark(reading: "FDB, 1,000,000 entries: the longest listing of a shard, a hold of its lock among it") {
      let table = filled()
      let all = table.fdb.entries()
      // Addresses ascend within a shard.
      let ends = zip(all, all.dropFirst()).filter { $0.mac.rawValue > $1.mac.rawValue }.map(\.0.mac)
      precondition(ends.count > 1000)
      var longest: UInt64 = 0
      for end in ends {
        let began = Clock.processorTime()
        precondition(table.fdb.entries(after: end, countMax: 1).count == 1)
        longest = max(longest, Clock.processorTime() - began)
      }
      return Double(longest)
    }
  }
}
