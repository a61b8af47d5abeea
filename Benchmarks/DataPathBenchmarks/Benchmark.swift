import CAllocationCount
import LinuxIO

/// One operation that is measured.
struct Benchmark {
  let name: String
  /// Operations in one round. A round should take some milliseconds, so that reading the clock costs nothing.
  let operationCount: Int
  /// Heap allocations that one operation may cost, on average over a round. More is a failure.
  let allocationsMax: Double
  /// Makes what one round works on; neither its time nor its allocations count.
  private var prepare: () -> () -> Void
  /// Measures by itself: answers nanoseconds.
  private var reading: (() -> Double)?

  /// A benchmark whose rounds all work on the same things. `body` does the operation `operationCount` times.
  init(_ name: String, operationCount: Int, allocationsMax: Double = 0, body: @escaping () -> Void) {
    self.name = name
    self.operationCount = operationCount
    self.allocationsMax = allocationsMax
    self.prepare = { body }
  }

  /// A benchmark of which each round answers the nanoseconds that it found.
  init(reading name: String, _ reading: @escaping () -> Double) {
    self.init(name, operationCount: 1, allocationsMax: 1e6) {}
    self.reading = reading
  }

  /// The same benchmark with rounds that begin anew: `prepare` is called before each, and what it answers is measured.
  func beginningAnew(_ prepare: @escaping () -> () -> Void) -> Benchmark {
    var benchmark = self
    benchmark.prepare = prepare
    return benchmark
  }

  /// Runs a round that does not count, then `roundCount` that do.
  func measure(roundCount: Int) -> Measurement {
    var nanoseconds: [Double] = []
    var allocations: UInt64 = 0
    for round in 0...roundCount {
      if let reading {
        let found = reading()
        if round > 0 { nanoseconds.append(found) }
        continue
      }
      let body = prepare()
      let allocationsBefore = allocation_count()
      let began = Clock.processorTime()
      body()
      let ended = Clock.processorTime()
      let allocated = allocation_count() - allocationsBefore
      guard round > 0 else { continue }
      nanoseconds.append(Double(ended - began) / Double(operationCount))
      allocations = max(allocations, allocated)
    }
    nanoseconds.sort()
    return Measurement(
      name: name, roundCount: roundCount, operationCount: operationCount, median: nanoseconds[nanoseconds.count / 2],
      least: nanoseconds[0], most: nanoseconds[nanoseconds.count - 1],
      allocations: Double(allocations) / Double(operationCount), allocationsMax: allocationsMax)
  }
}

/// What the rounds of one benchmark gave, per operation.
struct Measurement {
  let name: String
  let roundCount: Int
  let operationCount: Int
  /// Nanoseconds of processor time, over the rounds.
  let median: Double
  let least: Double
  let most: Double
  /// Heap allocations in the round that had most.
  let allocations: Double
  let allocationsMax: Double

  var isWithinAllocations: Bool { allocations <= allocationsMax }
}
