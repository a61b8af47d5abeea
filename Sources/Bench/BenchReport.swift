/// What one run of `vtep bench` measured: the machine, how, and a result for each candidate, workload and underlay.
///
/// `vtep bench -j` prints it as it is. Ratios are computed from it, never stored: they follow from the samples.
package struct BenchReport: Codable, Equatable, Sendable {
  /// The computer that measured. Figures of two machines do not compare.
  package struct Machine: Codable, Equatable, Sendable {
    /// As `uname -r` shows it.
    package var kernel: String
    package var cpuModel: String
    package var cores: Int
    package var memoryBytes: UInt64

    private enum CodingKeys: String, CodingKey {
      case kernel, cores
      case cpuModel = "cpu-model"
      case memoryBytes = "memory-bytes"
    }

    package init(kernel: String, cpuModel: String, cores: Int, memoryBytes: UInt64) {
      self.kernel = kernel
      self.cpuModel = cpuModel
      self.cores = cores
      self.memoryBytes = memoryBytes
    }
  }

  /// Of vtep, such as `0.1.0`, with the commit where it is known.
  package var version: String
  /// When the run began, ISO 8601 in UTC.
  package var started: String
  package var machine: Machine
  /// What made the TCP traffic: `own`, or `iperf3` and its version.
  package var generator: String
  /// How often each candidate was measured, in turns.
  package var rounds: Int
  /// How long one measurement took, in seconds.
  package var seconds: Double
  package var results: [Measurement]

  package init(
    version: String, started: String, machine: Machine, generator: String, rounds: Int, seconds: Double,
    results: [Measurement]
  ) {
    self.version = version
    self.started = started
    self.machine = machine
    self.generator = generator
    self.rounds = rounds
    self.seconds = seconds
    self.results = results
  }

  /// How the two candidates compare in one workload on one underlay: the median of the ratios of each round, in which
  /// both were measured shortly after each other.
  ///
  /// Nil when there is no round in which both have a sample and that of `base` is above zero.
  package func ratio(
    of candidate: Candidate, to base: Candidate, workload: Workload, underlay: Underlay
  ) -> Double? {
    Statistics.median(roundRatios(of: candidate, to: base, workload: workload, underlay: underlay))
  }

  /// The ratios of the rounds in which both candidates were measured, in order of the first one's rounds.
  package func roundRatios(
    of candidate: Candidate, to base: Candidate, workload: Workload, underlay: Underlay
  ) -> [Double] {
    guard let numerator = measurement(candidate, workload, underlay),
      let denominator = measurement(base, workload, underlay)
    else { return [] }
    return zip(numerator.rounds, numerator.samples).compactMap { round, sample -> Double? in
      guard let index = denominator.rounds.firstIndex(of: round), denominator.samples[index] > 0 else { return nil }
      return sample / denominator.samples[index]
    }
  }

  /// The result of a candidate in a workload on an underlay, nil when there is none.
  /// - Parameter cipher: nil for whatever sealed it, if anything did.
  package func measurement(
    _ candidate: Candidate, _ workload: Workload, _ underlay: Underlay, cipher: String? = nil
  ) -> Measurement? {
    results.first {
      $0.candidate == candidate && $0.workload == workload && $0.underlay == underlay
        && (cipher == nil || $0.cipher == cipher)
    }
  }

  /// The codec's result in a workload: sealed, or plain where `cipher` is nil.
  func codec(_ workload: Workload, cipher: String?) -> Measurement? {
    measurement(cipher == nil ? .codec : .codecSealed, workload, .none, cipher: cipher)
  }

  /// What sealed the results of a candidate, each once.
  func ciphers(of candidate: Candidate) -> [String] {
    results.filter { $0.candidate == candidate }.compactMap(\.cipher).reduce(into: []) { names, name in
      if !names.contains(name) { names.append(name) }
    }
  }
}
