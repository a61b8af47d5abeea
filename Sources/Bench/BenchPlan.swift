import Sealing

/// What is to be measured, how often and how long.
package struct BenchPlan: Equatable, Sendable {
  /// What makes the TCP traffic. UDP and round trips are always our own.
  package enum Generator: String, CaseIterable, Sendable {
    case own
    case iperf3
  }

  /// Candidates that a run in namespaces can measure today, in the order of the first round.
  package static let candidates: [Candidate] = [.underlay, .kernel, .vtep, .vtepSealed]
  /// Workloads between two hosts.
  package static let workloads: [Workload] = [.tcp1, .tcp4, .tcp1Reverse, .udp64, .udp512, .udp1400, .rtt]
  /// Underlays that lie between two hosts.
  package static let underlays: [Underlay] = [.transparent, .segmenting]
  /// Traffic runs so long before it is measured: addresses are resolved, TCP's window is open.
  static let warmUpSeconds = 0.2
  /// Making two hosts with a candidate and taking them away; asking agents for counters. For the expected time only.
  private static let turnSeconds = 0.5
  private static let measurementSeconds = 0.1

  package var rounds: Int
  /// Of one measurement, above 0.
  package var seconds: Double
  package var candidates: [Candidate]
  package var workloads: [Workload]
  package var underlays: [Underlay]
  package var generator: Generator
  /// What seals; nil for what both ends have, the best that this machine can do.
  package var cipher: Cipher?

  package init(
    rounds: Int = 5, seconds: Double = 1, candidates: [Candidate] = BenchPlan.candidates,
    workloads: [Workload] = BenchPlan.workloads, underlays: [Underlay] = BenchPlan.underlays,
    generator: Generator = .own, cipher: Cipher? = nil
  ) {
    precondition(rounds > 0 && seconds > 0 && !candidates.isEmpty && !workloads.isEmpty && !underlays.isEmpty)
    self.rounds = rounds
    self.seconds = seconds
    self.candidates = candidates
    self.workloads = workloads
    self.underlays = underlays
    self.generator = generator
    self.cipher = cipher
  }

  /// One candidate on one underlay in one round: two hosts, on which every workload is measured.
  package struct Turn: Equatable, Sendable {
    /// From 1.
    package let round: Int
    package let underlay: Underlay
    package let candidate: Candidate
  }

  /// All turns in their order. Each round begins with another candidate, so that drift of the machine meets all alike.
  package var turns: [Turn] {
    (1...rounds).flatMap { round in
      underlays.flatMap { underlay in
        candidates.indices.map { index in
          let candidate = candidates[(index + round - 1) % candidates.count]
          return Turn(round: round, underlay: underlay, candidate: candidate)
        }
      }
    }
  }

  /// How many samples a full run gives.
  package var sampleCount: Int { rounds * underlays.count * candidates.count * workloads.count }

  /// About how long the run takes.
  package var expectedSeconds: Double {
    let turnCount = Double(rounds * underlays.count * candidates.count)
    return turnCount * Self.turnSeconds
      + Double(sampleCount) * (Self.warmUpSeconds + seconds + Self.measurementSeconds)
  }
}
