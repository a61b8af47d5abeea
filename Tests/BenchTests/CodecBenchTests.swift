import FoundationEssentials
import Testing

@testable import Bench

@Suite("the codec")
struct CodecBenchTests {
  @Test("a short run measures all eight loads in every round, and frames pass in each")
  func eightLoads() {
    var begun: [Int] = []
    let report = CodecBench(rounds: 2, seconds: 0.001).run(version: "0.1.0") { begun.append($0) }
    #expect(begun == [1, 2])
    #expect(report.rounds == 2 && report.seconds == 0.001)
    #expect(report.results.map(\.workload) == CodecBench.workloads && report.results.count == 8)
    for result in report.results {
      #expect(result.candidate == .codec && result.underlay == .none && result.unit == .framesPerSecond)
      #expect(result.samples.count == 2 && result.rounds == [1, 2])
      // A frame takes more than a nanosecond on any machine, and less than a millisecond on a very slow one.
      #expect(result.samples.allSatisfy { $0 > 1e3 && $0 < 1e9 }, "\(result.workload)")
    }
  }

  @Test("each result says how long its frames are")
  func frameBytes() {
    let report = CodecBench(rounds: 1, seconds: 0.001).run(version: "0.1.0")
    let sizes = Dictionary(uniqueKeysWithValues: report.results.map { ($0.workload, $0.frameBytes) })
    #expect(sizes[.encapsulate64] == 64 && sizes[.decapsulate64] == 64)
    #expect(sizes[.encapsulate512] == 512 && sizes[.decapsulate512] == 512)
    #expect(sizes[.encapsulate1400] == 1400 && sizes[.decapsulate1400] == 1400)
    #expect(sizes[.encapsulateSuperframe] == 1464 && sizes[.decapsulateSuperframe] == 1464)
  }

  @Test("its JSON is that of a report, and comes back as it was")
  func json() throws {
    let report = CodecBench(rounds: 1, seconds: 0.001).run(version: "0.1.0")
    let json = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(BenchReport.self, from: json) == report)
    let text = String(decoding: json, as: UTF8.self)
    for name in ["\"codec\"", "\"none\"", "\"frame-bytes\"", "\"encapsulate-superframe\"", "\"frame\\/s\""] {
      #expect(text.contains(name), "\(name)")
    }
  }
}
