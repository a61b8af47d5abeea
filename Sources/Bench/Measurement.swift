/// What carries the traffic. The names are those of the command line and of the report.
package enum Candidate: String, Codable, CaseIterable, Sendable {
  /// The pair of Ethernet devices itself, without encapsulation.
  case underlay
  /// The Linux kernel's VXLAN device.
  case kernel
  case vtep
  /// vtep with the segment sealed.
  case vtepSealed = "vtep-sealed"
  /// vtep's data path in memory, without a kernel.
  case codec
  /// The same with the segment sealed: a result for each cipher that this machine has.
  case codecSealed = "codec-sealed"
}

/// What is carried.
package enum Workload: String, Codable, CaseIterable, Sendable {
  /// One TCP stream.
  case tcp1 = "tcp-1"
  /// Four TCP streams at the same time.
  case tcp4 = "tcp-4"
  /// One TCP stream in the other direction.
  case tcp1Reverse = "tcp-1-reverse"
  /// UDP datagrams of 64, 512 and 1400 bytes of payload, as many as arrive.
  case udp64 = "udp-64"
  case udp512 = "udp-512"
  case udp1400 = "udp-1400"
  /// Round trips of a small UDP datagram, one at a time.
  case rtt
  /// Of the codec: frames of 64, 512 and 1400 bytes, each of another flow, and the segments of superframes; from the
  /// overlay to the underlay.
  case encapsulate64 = "encapsulate-64"
  case encapsulate512 = "encapsulate-512"
  case encapsulate1400 = "encapsulate-1400"
  case encapsulateSuperframe = "encapsulate-superframe"
  /// The same from the underlay to the overlay.
  case decapsulate64 = "decapsulate-64"
  case decapsulate512 = "decapsulate-512"
  case decapsulate1400 = "decapsulate-1400"
  case decapsulateSuperframe = "decapsulate-superframe"

  /// Whether `vtep bench codec` measures it.
  package var isOfCodec: Bool { rawValue.contains("capsulate-") }
}

/// What lies between the two hosts.
package enum Underlay: String, Codable, CaseIterable, Sendable {
  /// Passes superframes whole, as between two virtual machines of one host.
  case transparent
  /// Every packet of its own, as on a cable.
  case segmenting
  /// Nothing: the codec.
  case none
}

/// One candidate in one workload on one underlay, over all rounds.
package struct Measurement: Codable, Equatable, Sendable {
  /// What the samples count.
  package enum Unit: String, Codable, Sendable {
    /// Bits of payload a second, as the receiving program saw them.
    case bitsPerSecond = "bit/s"
    /// Frames a second that arrived.
    case framesPerSecond = "frame/s"
    /// Nanoseconds.
    case nanoseconds = "ns"
  }

  /// Seconds of processor time for each gigabyte (10^9 bytes) of payload that arrived; medians of the rounds.
  package struct ProcessorTime: Codable, Equatable, Sendable {
    /// Of the candidate's agents, both hosts together; nil where there are none.
    package var own: Double?
    /// Of the whole machine: kernel, agents, and the programs that send and receive.
    package var machine: Double?

    package init(own: Double?, machine: Double?) {
      self.own = own
      self.machine = machine
    }
  }

  /// Of all round trips of all rounds that were answered in time (`loss` is the share of the others), in nanoseconds.
  package struct Percentiles: Codable, Equatable, Sendable {
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var max: Double

    private enum CodingKeys: String, CodingKey {
      case p50, p90, p99, max
      case p999 = "p99.9"
    }

    package init(p50: Double, p90: Double, p99: Double, p999: Double, max: Double) {
      self.p50 = p50
      self.p90 = p90
      self.p99 = p99
      self.p999 = p999
      self.max = max
    }
  }

  package var candidate: Candidate
  package var workload: Workload
  package var underlay: Underlay
  package var unit: Unit
  /// One for each round that was measured; of `rtt` the median of the round. Empty when nothing was: see `note`.
  package var samples: [Double]
  /// The round of each sample, from 1.
  package var rounds: [Int]
  /// Of the samples; zero when there are none, as for the next two.
  package var median: Double
  package var min: Double
  package var max: Double
  package var cpuSecondsPerGigabyte: ProcessorTime?
  /// TCP segments (frames) in one send to the underlay, on the sending host; median of the rounds.
  package var segmentsPerSend: Double?
  /// Datagrams in one buffer that the receiving host's socket gave; median of the rounds.
  package var segmentsPerReceive: Double?
  /// Frames in one write to the receiving host's TAP; median of the rounds.
  package var segmentsPerTapWrite: Double?
  package var percentiles: Percentiles?
  /// UDP: the share of the sent datagrams that did not arrive, 0 to 1; median of the rounds. `rtt`: the share of all
  /// round trips of all rounds that were not answered within 50 ms, and so are not in the percentiles.
  package var loss: Double?
  /// Bytes of one frame from its Ethernet header on. The codec only, whose samples are frames a second.
  package var frameBytes: Int?
  /// What sealed the frames, as configurations name it; nil of what is not sealed.
  package var cipher: String?
  /// Why something was not measured, or what else the reader should know.
  package var note: String?

  private enum CodingKeys: String, CodingKey {
    case candidate, workload, underlay, unit, samples, rounds, median, min, max, percentiles, loss, cipher, note
    case frameBytes = "frame-bytes"
    case cpuSecondsPerGigabyte = "cpu-seconds-per-gigabyte"
    case segmentsPerSend = "segments-per-send"
    case segmentsPerReceive = "segments-per-receive"
    case segmentsPerTapWrite = "segments-per-tap-write"
  }

  /// - Parameter rounds: of each sample; nil when they are those from 1 on.
  package init(
    candidate: Candidate, workload: Workload, underlay: Underlay, unit: Unit, samples: [Double],
    rounds: [Int]? = nil, note: String? = nil
  ) {
    let rounds = rounds ?? Array(1..<(samples.count + 1))
    precondition(rounds.count == samples.count, "every sample has its round")
    self.candidate = candidate
    self.workload = workload
    self.underlay = underlay
    self.unit = unit
    self.samples = samples
    self.rounds = rounds
    self.note = note
    median = Statistics.median(samples) ?? 0
    min = samples.min() ?? 0
    max = samples.max() ?? 0
  }
}
