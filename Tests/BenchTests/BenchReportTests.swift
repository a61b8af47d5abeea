import FoundationEssentials
import Testing

@testable import Bench

@Suite("the report of a bench")
struct BenchReportTests {
  private func report(_ results: [Measurement]) -> BenchReport {
    BenchReport(
      version: "1", started: "2026-01-01T00:00:00Z",
      machine: .init(kernel: "6", cpuModel: "c", cores: 2, memoryBytes: 1), generator: "own", rounds: 3, seconds: 1,
      results: results)
  }

  private func result(_ candidate: Candidate, _ samples: [Double], rounds: [Int]? = nil) -> Measurement {
    Measurement(
      candidate: candidate, workload: .tcp1, underlay: .transparent, unit: .bitsPerSecond, samples: samples,
      rounds: rounds)
  }

  private func ratio(_ results: [Measurement]) -> Double? {
    report(results).ratio(of: .vtep, to: .kernel, workload: .tcp1, underlay: .transparent)
  }

  @Test("a ratio is the median of the ratios of the rounds, not the ratio of the medians")
  func ratioOfRounds() {
    // Of the medians it would be 20 / 20.
    #expect(ratio([result(.vtep, [10, 20, 60]), result(.kernel, [5, 40, 20])]) == 2)
  }

  @Test("only rounds in which both were measured count")
  func sharedRounds() {
    let results = [result(.vtep, [30, 50], rounds: [1, 3]), result(.kernel, [10, 7, 10], rounds: [1, 2, 3])]
    #expect(ratio(results) == 4)
  }

  @Test("without a shared round, a candidate, or a base above zero there is no ratio")
  func noRatio() {
    #expect(ratio([result(.vtep, [1], rounds: [1]), result(.kernel, [1], rounds: [2])]) == nil)
    #expect(ratio([result(.vtep, [1])]) == nil)
    #expect(ratio([result(.vtep, [1]), result(.kernel, [0])]) == nil)
    #expect(ratio([result(.vtep, []), result(.kernel, [])]) == nil)
  }

  @Test("a measurement knows the median, the least and the most of its samples")
  func spread() {
    let measurement = result(.vtep, [3, 1, 2, 10])
    #expect(measurement.median == 2.5 && measurement.min == 1 && measurement.max == 10)
    #expect(measurement.rounds == [1, 2, 3, 4])
    let none = result(.vtep, [])
    #expect(none.median == 0 && none.min == 0 && none.max == 0 && none.rounds.isEmpty)
  }

  @Test("the names in JSON are those of the contract, and what was not measured is left out")
  func names() throws {
    var full = result(.vtepSealed, [1])
    full.cpuSecondsPerGigabyte = .init(own: 1, machine: 2)
    (full.segmentsPerSend, full.segmentsPerReceive, full.segmentsPerTapWrite) = (1, 2, 3)
    full.percentiles = .init(p50: 1, p90: 2, p99: 3, p999: 4, max: 5)
    (full.loss, full.note) = (0, "n")
    let data = try JSONEncoder().encode(report([full, result(.underlay, [1])]))
    let text = String(decoding: data, as: UTF8.self)
    for name in [
      "version", "started", "machine", "kernel", "cpu-model", "cores", "memory-bytes", "generator", "rounds", "seconds",
      "results", "candidate", "workload", "underlay", "unit", "samples", "median", "min", "max",
      "cpu-seconds-per-gigabyte", "own", "segments-per-send", "segments-per-receive", "segments-per-tap-write",
      "percentiles", "p50", "p90", "p99", "p99.9", "loss", "note",
    ] { #expect(text.contains("\"\(name)\":"), "\(name)") }
    #expect(text.contains("\"vtep-sealed\"") && text.contains("\"tcp-1\"") && text.contains("bit"))
    let small = String(decoding: try JSONEncoder().encode(result(.underlay, [1])), as: UTF8.self)
    for name in ["cpu-", "segments-", "percentiles", "loss", "note"] { #expect(!small.contains(name), "\(name)") }
  }

  @Test("a report comes out of JSON as it went in")
  func roundTrip() throws {
    var measurement = result(.kernel, [1.5, 2.25], rounds: [1, 3])
    measurement.percentiles = .init(p50: 1, p90: 2, p99: 3, p999: 4, max: 5)
    let before = report([measurement])
    #expect(try JSONDecoder().decode(BenchReport.self, from: JSONEncoder().encode(before)) == before)
  }
}
