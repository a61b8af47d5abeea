import Forwarding
import LinuxIO

/// For how long ageing a million entries holds a lock that a worker may wait for.
enum FDBHoldBenchmarks {
  private static let count = 1_000_000

  static func all() -> [Benchmark] {
    [
      reading("the longest hold of a lock while all age, processor time") { $0.longest(\.processor) },
      reading("the longest hold by the clock on the wall") { $0.longest(\.wall) },
      reading("99 of 100 holds while all age are below, processor time") { holds in
        let times = holds.all.map(\.processor).sorted()
        return times[times.count * 99 / 100]
      },
      byShard(),
      nothing(),
    ]
  }

  /// One hold, in nanoseconds.
  private struct Hold {
    var processor: Double
    var wall: Double
  }

  private struct Holds {
    var all: [Hold]

    func longest(_ time: (Hold) -> Double) -> Double { all.map(time).max() ?? 0 }
  }

  private static func reading(_ name: String, _ figure: @escaping (Holds) -> Double) -> Benchmark {
    Benchmark(reading: "FDB, 1,000,000 entries: \(name)") { figure(holds()) }
  }

  /// The longest of what the holds of each shard take in the median of five times: what the machine does to a thread
  /// now and then hits another shard each time.
  private static func byShard() -> Benchmark {
    Benchmark(reading: "FDB, 1,000,000 entries: the longest hold, by shard the median of 5") {
      let rounds = (0..<5).map { _ in holds().all.map(\.processor) }
      let shardCount = rounds.map(\.count).min() ?? 0
      return (0..<shardCount).map { shard in rounds.map { $0[shard] }.sorted()[2] }.max() ?? 0
    }
  }

  /// The clocks as the thread has them at one moment.
  private struct Moment {
    let processor = Clock.processorTime()
    let wall = Clock.now()
  }

  /// How long ageing all entries holds each lock: from the last entry of one shard that it tells of to the first of the
  /// next. More than 10 µs between two entries is a shard's.
  private static func holds() -> Holds {
    let table = FDBBenchmarks.Table(limit: count)
    table.learn(FDBBenchmarks.keys(count, series: 1))
    var holds: [Hold] = []
    holds.reserveCapacity(count)
    var last = Moment()
    let agedCount = table.fdb.age(now: 10, ageingTime: .seconds(1)) { _ in
      let now = Moment()
      holds.append(
        Hold(
          processor: Double(now.processor - last.processor), wall: Double(now.wall - last.wall)))
      last = now
    }
    precondition(agedCount == count)
    return Holds(all: holds.filter { $0.processor > 10_000 })
  }

  /// What the machine does to a thread that reads its clock a million times and nothing else: no figure of a longest
  /// time here can be less.
  private static func nothing() -> Benchmark {
    Benchmark(reading: "the longest of 1,000,000 readings of the clock, processor time") {
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
}
