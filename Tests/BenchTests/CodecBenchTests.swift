import FoundationEssentials
import Replay
import Sealing
import Testing

@testable import Bench

@Suite("the codec")
struct CodecBenchTests {
  @Test("a short run measures all eight loads in every round, plain and with each cipher, and frames pass in each")
  func eightLoads() {
    var begun: [Int] = []
    let report = CodecBench(rounds: 2, seconds: 0.001).run(version: "0.1.0") { begun.append($0) }
    #expect(begun == [1, 2])
    #expect(report.rounds == 2 && report.seconds == 0.001)
    let ciphers = [nil] + Cipher.allCases.filter(\.isAvailable).map(\.name)
    #expect(ciphers.contains("chacha20poly1305"), "every machine has it")
    #expect(report.results.map(\.cipher) == ciphers.flatMap { [String?](repeating: $0, count: 8) })
    #expect(report.results.map(\.workload) == ciphers.flatMap { _ in CodecBench.workloads })
    #expect(CodecBench.workloads.count == 8)
    for result in report.results {
      #expect(result.candidate == (result.cipher == nil ? .codec : .codecSealed))
      #expect(result.underlay == .none && result.unit == .framesPerSecond)
      #expect(result.samples.count == 2 && result.rounds == [1, 2])
      // A frame takes more than a nanosecond on any machine, and less than a millisecond on a very slow one.
      #expect(result.samples.allSatisfy { $0 > 1e3 && $0 < 1e9 }, "\(result.workload)")
    }
  }

  @Test("each result says how long its frames are")
  func frameBytes() {
    let report = CodecBench(rounds: 1, seconds: 0.001, ciphers: [.chacha20poly1305]).run(version: "0.1.0")
    for candidate in [Candidate.codec, .codecSealed] {
      let results = report.results.filter { $0.candidate == candidate }
      let sizes = Dictionary(uniqueKeysWithValues: results.map { ($0.workload, $0.frameBytes) })
      #expect(sizes[.encapsulate64] == 64 && sizes[.decapsulate64] == 64)
      #expect(sizes[.encapsulate512] == 512 && sizes[.decapsulate512] == 512)
      #expect(sizes[.encapsulate1400] == 1400 && sizes[.decapsulate1400] == 1400)
      #expect(sizes[.encapsulateSuperframe] == 1464 && sizes[.decapsulateSuperframe] == 1464)
    }
  }

  @Test("what was sealed to be opened does not count, in processor time as on the wall")
  func preparation() {
    let spent = CodecReading(processor: 1000, wall: 1000, preparation: 400)
    #expect(spent.own == 600 && !spent.isDisturbed)
    // Somebody else had the processor for half of the time.
    let disturbed = CodecReading(processor: 1000, wall: 2000, preparation: 800)
    #expect(disturbed.own == 600 && disturbed.isDisturbed)
    // All that is known of a load without preparation is its own.
    let plain = CodecReading(processor: 1000, wall: 2000, preparation: 0)
    #expect(plain.own == 1000 && !plain.isDisturbed)
    #expect(CodecReading(processor: 10, wall: 10, preparation: 11).own == 0)
  }

  @Test("the clocks of a load that seals first go on in it, and those of another do not")
  func readings() {
    for (workload, isPrepared) in [(Workload.encapsulate64, false), (.decapsulate64, true)] {
      let load = CodecLoad(workload, .chacha20poly1305)
      let began = CodecReading(of: load.replay)
      load.replay.run(stepCount: 100)
      let spent = CodecReading(of: load.replay) - began
      #expect((spent.preparation > 0) == isPrepared, "\(workload)")
      #expect(spent.own > 0 && spent.own <= Double(spent.processor) && spent.preparation < spent.wall)
    }
  }

  @Test("its JSON is that of a report, and comes back as it was")
  func json() throws {
    let report = CodecBench(rounds: 1, seconds: 0.001).run(version: "0.1.0")
    let json = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(BenchReport.self, from: json) == report)
    let text = String(decoding: json, as: UTF8.self)
    for name in ["\"codec\"", "\"codec-sealed\"", "\"cipher\":\"chacha20poly1305\""] { #expect(text.contains(name)) }
    for name in ["\"none\"", "\"frame-bytes\"", "\"encapsulate-superframe\"", "\"frame\\/s\""] {
      #expect(text.contains(name), "\(name)")
    }
  }
}
