/// What one measurement of one round gave.
struct Sample: Sendable {
  /// In the workload's unit.
  var value: Double
  /// Bytes of payload that arrived while the processors' time was taken; 0 where that is not looked at.
  var byteCount = 0
  var ownCPUSeconds: Double?
  var machineCPUSeconds: Double?
  /// What sealed the frames; nil unless something did.
  var cipher: String?
  var segmentsPerSend: Double?
  var segmentsPerReceive: Double?
  var segmentsPerTapWrite: Double?
  /// The share of datagrams that were lost; UDP only.
  var loss: Double?
  /// All round trips that were answered in time; `rtt` only, as the next.
  var times: RoundTrips.Times?
  /// Round trips that were begun, those that were lost among them.
  var tripCount = 0

  init(value: Double) {
    self.value = value
  }

  /// The share of `sent` datagrams of which only so many arrived; nil when none was sent.
  static func loss(sent: Int, arrived: Int) -> Double? {
    sent > 0 ? max(0, 1 - Double(arrived) / Double(sent)) : nil
  }
}

/// The samples of a run as they come, and the results that they make.
struct SampleCollection {
  private struct Key: Hashable {
    let candidate: Candidate
    let workload: Workload
    let underlay: Underlay
  }

  private let plan: BenchPlan
  private var samples: [Key: [(round: Int, sample: Sample)]] = [:]
  private var notes: [Key: [String]] = [:]

  init(_ plan: BenchPlan) {
    self.plan = plan
  }

  /// Adds what was measured.
  mutating func append(_ sample: Sample, _ turn: BenchPlan.Turn, _ workload: Workload) {
    samples[key(turn, workload), default: []].append((turn.round, sample))
  }

  /// Notes why there is no sample; the same words only once.
  mutating func note(_ text: String, _ turn: BenchPlan.Turn, _ workload: Workload) {
    let key = key(turn, workload)
    if notes[key]?.contains(text) != true { notes[key, default: []].append(text) }
  }

  /// Notes what this machine does not have: such a candidate is not tried again, on no underlay and in no workload.
  mutating func noteMissing(_ text: String, _ candidate: Candidate) {
    for underlay in plan.underlays {
      let turn = BenchPlan.Turn(round: 1, underlay: underlay, candidate: candidate)
      for workload in plan.workloads { note(text, turn, workload) }
    }
  }

  /// A result for everything that the plan names, by workload, underlay and candidate, in the plan's order.
  func results() -> [Measurement] {
    plan.workloads.flatMap { workload in
      plan.underlays.flatMap { underlay in
        plan.candidates.map { result(Key(candidate: $0, workload: workload, underlay: underlay)) }
      }
    }
  }

  private func key(_ turn: BenchPlan.Turn, _ workload: Workload) -> Key {
    Key(candidate: turn.candidate, workload: workload, underlay: turn.underlay)
  }

  private func result(_ key: Key) -> Measurement {
    let all = samples[key] ?? []
    var result = Measurement(
      candidate: key.candidate, workload: key.workload, underlay: key.underlay, unit: key.workload.unit,
      samples: all.map(\.sample.value), rounds: all.map(\.round), note: notes[key]?.joined(separator: "; "))
    func median(_ value: (Sample) -> Double?) -> Double? { Statistics.median(all.compactMap { value($0.sample) }) }
    func perGigabyte(_ seconds: Double?, _ sample: Sample) -> Double? {
      sample.byteCount > 0 ? seconds.map { $0 / Double(sample.byteCount) * 1e9 } : nil
    }
    let own = median { perGigabyte($0.ownCPUSeconds, $0) }
    let machine = median { perGigabyte($0.machineCPUSeconds, $0) }
    if own != nil || machine != nil { result.cpuSecondsPerGigabyte = .init(own: own, machine: machine) }
    result.segmentsPerSend = median(\.segmentsPerSend)
    result.segmentsPerReceive = median(\.segmentsPerReceive)
    result.segmentsPerTapWrite = median(\.segmentsPerTapWrite)
    result.loss = median(\.loss)
    result.cipher = all.compactMap(\.sample.cipher).first
    let times = all.compactMap(\.sample.times)
    result.percentiles = Self.percentiles(times)
    guard !times.isEmpty else { return result }
    // Of all rounds together, as the percentiles: a median of the rounds would hide a bad one.
    result.loss = Sample.loss(
      sent: all.reduce(0) { $0 + $1.sample.tripCount }, arrived: times.reduce(0) { $0 + Int($1.totalCount) })
    return result
  }

  /// Of all round trips together; nil without any.
  static func percentiles(_ times: [RoundTrips.Times]) -> Measurement.Percentiles? {
    var whole = RoundTrips.noTimes()
    for each in times { whole.add(each) }
    guard whole.totalCount > 0 else { return nil }
    func at(_ percentile: Double) -> Double { Double(whole.valueAtPercentile(percentile)) }
    return Measurement.Percentiles(p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: Double(whole.max))
  }
}
