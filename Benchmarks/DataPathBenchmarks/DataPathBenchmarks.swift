import Glibc

/// Measures what the data path is made of, and fails when something allocates that should not.
///
///     DataPathBenchmarks [--json] [--rounds N] [WORD...]     only operations whose names contain a WORD
@main
struct DataPathBenchmarks {
  private var isJSON = false
  private var roundCount = 15
  private var words: [String] = []

  static func main() {
    guard let command = DataPathBenchmarks(CommandLine.arguments.dropFirst()) else {
      complain("usage: scripts/bench [--json] [--rounds N] [WORD...], N from 1 to 1000")
      exit(64)
    }
    let seen = AllocationCheck.countForOneObject()
    guard seen == 1 else {
      complain("bench: the allocation counter saw \(seen) allocations for one object: its zeros would mean nothing")
      exit(1)
    }
    command.run()
  }

  private init?(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--json": isJSON = true
      case "--rounds":
        guard let count = rest.popFirst().flatMap({ Int($0) }), (1...1000).contains(count) else { return nil }
        roundCount = count
      case _ where argument.hasPrefix("-"): return nil
      default: words.append(argument)
      }
    }
  }

  private func run() {
    let groups = [EngineBenchmarks.all, HeaderBenchmarks.all, FDBBenchmarks.all, SessionBenchmarks.all]
    // First, while the process has no memory to use again.
    let memory = words.isEmpty || words.contains("FDB") ? FDBSharingBenchmarks.memory() : nil
    var measurements: [Measurement] = []
    for group in groups {
      for benchmark in group() where words.isEmpty || words.contains(where: { benchmark.name.contains($0) }) {
        measurements.append(benchmark.measure(roundCount: roundCount))
      }
    }
    guard !measurements.isEmpty else {
      Self.complain("bench: no operation has \(words.joined(separator: " or ")) in its name; all: scripts/bench")
      exit(1)
    }
    if isJSON {
      MeasurementTable.printJSON(measurements)
    } else {
      MeasurementTable.print(measurements)
      if let memory { print(memory) }
      print("nanoseconds of processor time: medians of \(roundCount) rounds; figures of two machines do not compare")
    }
    let tooMany = measurements.filter { !$0.isWithinAllocations }
    for measurement in tooMany {
      Self.complain(
        "bench: \(measurement.name): \(measurement.allocations) allocations, more than \(measurement.allocationsMax)")
    }
    exit(tooMany.isEmpty ? 0 : 1)
  }

  private static func complain(_ message: String) {
    var line = message + "\n"
    line.withUTF8 { bytes in
      // Nothing is left to do when standard error does not take the message.
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
