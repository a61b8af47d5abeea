import Bench

/// Reports with made-up results, for tests that look at how they are shown.
enum SampleReport {
  static let machine = BenchReport.Machine(
    kernel: "6.18.0", cpuModel: "AMD EPYC 9R14", cores: 2, memoryBytes: 24_696_061_952)

  static func report(_ results: [Measurement]) -> BenchReport {
    BenchReport(
      version: "0.1.0", started: "2026-11-22T17:06:27Z", machine: machine, generator: "own", rounds: 3, seconds: 2,
      results: results)
  }

  /// Everything that a run on a kernel with VXLAN gives, sealed segments too when wanted.
  static func whole(isSealed: Bool = false) -> BenchReport {
    let candidates: [Candidate] = [.underlay, .kernel, .vtep] + (isSealed ? [.vtepSealed] : [])
    return report(
      [Underlay.transparent, .segmenting].flatMap { underlay in
        Workload.allCases.filter { !$0.isOfCodec }.flatMap { workload in
          candidates.map { result($0, workload, underlay) }
        }
      })
  }

  /// The codec's eight rows, and the same again for each cipher.
  static func codec(ciphers: [String] = []) -> BenchReport {
    report(
      ([nil] + ciphers).flatMap { cipher in
        Workload.allCases.filter(\.isOfCodec).enumerated().map { index, workload in
          var result = Measurement(
            candidate: cipher == nil ? .codec : .codecSealed, workload: workload, underlay: .none,
            unit: .framesPerSecond, samples: [8, 9, 10].map { $0 * 1e6 + Double(index) * 2e5 })
          result.frameBytes = [64, 512, 1400, 1464][index % 4]
          result.cipher = cipher
          return result
        }
      })
  }

  /// One result, three rounds, the last the fastest.
  static func result(_ candidate: Candidate, _ workload: Workload, _ underlay: Underlay) -> Measurement {
    let factor: Double
    switch candidate {
    case .underlay: factor = 2
    case .kernel: factor = 1
    case .vtep: factor = 0.875
    case .vtepSealed, .codec, .codecSealed: factor = 0.4
    }
    let scale = underlay == .transparent ? 1.0 : 0.5
    var result = unsealed(candidate, workload, underlay, factor: factor, scale: scale)
    result.cipher = candidate == .vtepSealed ? "aes256gcm" : nil
    return result
  }

  private static func unsealed(
    _ candidate: Candidate, _ workload: Workload, _ underlay: Underlay, factor: Double, scale: Double
  ) -> Measurement {
    switch workload {
    case .tcp1, .tcp4, .tcp1Reverse:
      let base = workload == .tcp4 ? 16e9 : 8e9
      return tcp(candidate, workload, underlay, samples: [0.96, 1, 1.04].map { base * factor * scale * $0 })
    case .rtt:
      return roundTrip(candidate, underlay, median: 80_000 / factor)
    default:
      let rates = [0.9, 1, 1.1].map { 140_000 * (candidate == .vtep ? 2.2 : factor) * $0 }
      var result = Measurement(
        candidate: candidate, workload: workload, underlay: underlay, unit: .framesPerSecond, samples: rates)
      result.loss = 0.004
      return result
    }
  }

  private static func tcp(
    _ candidate: Candidate, _ workload: Workload, _ underlay: Underlay, samples: [Double]
  ) -> Measurement {
    var result = Measurement(
      candidate: candidate, workload: workload, underlay: underlay, unit: .bitsPerSecond, samples: samples)
    let isOurs = candidate == .vtep || candidate == .vtepSealed
    result.cpuSecondsPerGigabyte = .init(own: isOurs ? 0.94 : nil, machine: isOurs ? 1.87 : 0.98)
    guard isOurs else { return result }
    result.segmentsPerSend = 43.8
    result.segmentsPerReceive = 42
    result.segmentsPerTapWrite = 41.25
    return result
  }

  private static func roundTrip(_ candidate: Candidate, _ underlay: Underlay, median: Double) -> Measurement {
    var result = Measurement(
      candidate: candidate, workload: .rtt, underlay: underlay, unit: .nanoseconds,
      samples: [0.95, 1, 1.05].map { median * $0 })
    result.percentiles = .init(
      p50: median, p90: median * 1.4, p99: median * 2.5, p999: median * 9, max: median * 40)
    return result
  }
}
