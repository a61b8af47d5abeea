import FoundationEssentials
import Glibc
import Lab
import LinuxIO

/// `vtep bench`: candidates between two hosts in network namespaces, measured in turns.
///
/// For every turn two fresh hosts, and all workloads on them one after the other. Everything is held by this process:
/// namespaces by descriptors, agents as children. Only the folder with configurations would outlive a SIGKILL.
package struct BenchRun: ~Copyable {
  /// What came of a run.
  package struct Outcome: Sendable {
    package let report: BenchReport
    /// What failed, apart from candidates that this machine does not have at all.
    package let failureCount: Int
  }

  private let plan: BenchPlan
  private let executable: String
  private let interruption: LabInterruption
  private let directory: LabDirectory
  private let iperf3: Iperf3?
  /// Of the hosts, where something is sealed. Their files go with the directory.
  private let keys: LabKeys?
  private var samples: SampleCollection
  private var progress: BenchProgress
  /// What this machine does not have: not tried again.
  private var missing: Set<Candidate> = []
  private var failureCount = 0

  /// Measures what the plan says. To be called on the main thread: agents end with the thread that started them.
  /// - Parameters:
  ///   - executable: the `vtep` whose agents are measured.
  ///   - version: of it, for the report.
  /// - Throws: `.unavailable` when something is missing without which nothing can be measured; `.interrupted` by a
  ///   signal. What only some candidates lack, and what failed in single measurements, is in their notes.
  package static func perform(
    _ plan: BenchPlan, executable: String, version: String
  ) throws(LabFailure) -> Outcome {
    let interruption = LabInterruption.begin()
    try checkRequirements(plan)
    let iperf3 = plan.generator == .iperf3 ? try Iperf3.find(interruption) : nil
    let directory = try LabFailure.step("make a temporary folder") { () throws(Errno) in
      try LabDirectory(prefix: "vtep-bench-")
    }
    let started = Date().formatted(.iso8601)
    let keys =
      plan.candidates.contains(.vtepSealed) ? try LabKeys(in: directory.path, cipher: plan.cipher?.name) : nil
    var run = BenchRun(plan, executable, interruption, directory, iperf3, keys)
    do throws(LabFailure) {
      try run.performTurns()
    } catch {
      run.progress.end()
      throw error
    }
    run.progress.end()
    let report = BenchReport(
      version: version, started: started, machine: MachineReading.machine(), generator: iperf3?.version ?? "own",
      rounds: plan.rounds, seconds: plan.seconds, results: run.samples.results())
    return Outcome(report: report, failureCount: run.failureCount)
  }

  private init(
    _ plan: BenchPlan, _ executable: String, _ interruption: LabInterruption, _ directory: consuming LabDirectory,
    _ iperf3: Iperf3?, _ keys: LabKeys?
  ) {
    self.plan = plan
    self.executable = executable
    self.interruption = interruption
    self.directory = directory
    self.iperf3 = iperf3
    self.keys = keys
    samples = SampleCollection(plan)
    progress = BenchProgress(plan)
  }

  private static func checkRequirements(_ plan: BenchPlan) throws(LabFailure) {
    guard geteuid() == 0 else {
      throw .unavailable(
        "needs root, for network namespaces and TAP devices: run it as root, for example with sudo; "
          + "`vtep bench codec` does not")
    }
    let needsTAP = plan.candidates.contains(where: Candidate.compared.contains)
    guard !needsTAP || access("/dev/net/tun", R_OK | W_OK) == 0 else {
      throw .unavailable(
        "needs /dev/net/tun, which cannot be opened (\(Errno.current("access"))): load it with `modprobe tun`, "
          + "or start the container with `--device /dev/net/tun`")
    }
  }

  private mutating func performTurns() throws(LabFailure) {
    progress.begin(plan, generator: iperf3?.version ?? "our own")
    for turn in plan.turns {
      guard !missing.contains(turn.candidate) else {
        progress.skip(plan.workloads.count)
        continue
      }
      progress.turn(turn)
      do throws(LabFailure) {
        try perform(turn)
      } catch {
        try note(error, turn, plan.workloads)
        progress.skip(plan.workloads.count)
      }
    }
  }

  private mutating func perform(_ turn: BenchPlan.Turn) throws(LabFailure) {
    try checkCipher(turn)
    var site = try BenchSite.build(
      turn, executable: executable, directory: directory.path, keys: keys, interruption)
    for workload in plan.workloads {
      progress.measurement(turn, workload)
      do throws(LabFailure) {
        var sample = try measure(workload, site)
        sample.cipher = site.cipher
        samples.append(sample, turn, workload)
      } catch {
        try note(error, turn, [workload])
      }
    }
    do throws(LabFailure) {
      try site.takeDown()
    } catch {
      try note(error, turn, [])
      site.a.endAgent()
      site.b.endAgent()
    }
  }

  /// - Throws: `.unavailable` when the turn's candidate has to seal with what this machine does not have.
  private borrowing func checkCipher(_ turn: BenchPlan.Turn) throws(LabFailure) {
    guard turn.candidate == .vtepSealed, let cipher = plan.cipher, !cipher.isAvailable else { return }
    let need = cipher == .aegis128l ? "libsodium 1.0.19 or later" : "AES instructions of the processor"
    throw .unavailable("\(cipher.name) needs \(need)")
  }

  /// Keeps why something was not measured; an interruption goes on.
  private mutating func note(
    _ failure: LabFailure, _ turn: BenchPlan.Turn, _ workloads: [Workload]
  ) throws(LabFailure) {
    switch failure {
    case .interrupted: throw failure
    case .unavailable(let text):
      missing.insert(turn.candidate)
      samples.noteMissing(text, turn.candidate)
    case .step(let text):
      failureCount += 1
      progress.end()
      StandardStream.write("vtep bench: \(turn.candidate.rawValue): \(text)\n", to: STDERR_FILENO)
      for workload in workloads { samples.note("round \(turn.round): \(text)", turn, workload) }
    }
  }

  private borrowing func measure(_ workload: Workload, _ site: borrowing BenchSite) throws(LabFailure) -> Sample {
    let before = try batches(workload, site)
    var sample: Sample
    switch workload.unit {
    case .bitsPerSecond: sample = try measureTCP(workload, site)
    case .framesPerSecond: sample = try measureUDP(workload, site)
    case .nanoseconds: sample = try measureRoundTrips(site)
    }
    if let before, let after = try batches(workload, site) {
      sample.segmentsPerSend = (after.source - before.source).segmentsPerSend
      sample.segmentsPerReceive = (after.sink - before.sink).segmentsPerReceive
      sample.segmentsPerTapWrite = (after.sink - before.sink).segmentsPerTapWrite
    }
    return sample
  }

  /// What the agents of the sending and of the receiving host have counted; nil without agents.
  private borrowing func batches(
    _ workload: Workload, _ site: borrowing BenchSite
  ) throws(LabFailure) -> (source: AgentBatches, sink: AgentBatches)? {
    guard !site.agentPIDs.isEmpty, workload != .rtt else { return nil }
    let a = try AgentBatches.read(of: site.a, executable: executable, interruption)
    let b = try AgentBatches.read(of: site.b, executable: executable, interruption)
    return workload.isReverse ? (b, a) : (a, b)
  }

  private borrowing func measureTCP(_ workload: Workload, _ site: borrowing BenchSite) throws(LabFailure) -> Sample {
    if let iperf3 { return try measureTCP(workload, site, iperf3) }
    let interruption = interruption
    let check = { () throws(LabFailure) in try interruption.pause(milliseconds: 0) }
    var traffic =
      workload.isReverse
      ? try TCPTraffic.start(
        streamCount: workload.streamCount, from: site.b.namespace, to: site.origin, in: site.a.namespace, check: check)
      : try TCPTraffic.start(
        streamCount: workload.streamCount, from: site.a.namespace, to: site.destination, in: site.b.namespace,
        check: check)
    return try watch(&traffic, site) { byteCount, _, seconds in Double(byteCount) * 8 / seconds }
  }

  private borrowing func measureTCP(
    _ workload: Workload, _ site: borrowing BenchSite, _ iperf3: Iperf3
  ) throws(LabFailure) -> Sample {
    let seconds = max(1, Int(plan.seconds.rounded(.up)))
    let before = try Stopwatch(agents: site.agentPIDs)
    let count = workload.streamCount
    let outcome =
      workload.isReverse
      ? try iperf3.run(
        streamCount: count, seconds: seconds, from: site.b, to: site.origin, in: site.a, interruption)
      : try iperf3.run(
        streamCount: count, seconds: seconds, from: site.a, to: site.destination, in: site.b, interruption)
    let after = try Stopwatch(agents: site.agentPIDs)
    var sample = Sample(value: outcome.byteCount * 8 / outcome.seconds)
    after.note(since: before, byteCount: Int(outcome.byteCount), in: &sample)
    return sample
  }

  private borrowing func measureUDP(_ workload: Workload, _ site: borrowing BenchSite) throws(LabFailure) -> Sample {
    var traffic = try UDPTraffic.start(
      byteCount: workload.payloadByteCount, from: site.a.namespace, to: site.destination, in: site.b.namespace)
    return try watch(&traffic, site) { _, count, seconds in Double(count) / seconds }
  }

  private borrowing func measureRoundTrips(_ site: borrowing BenchSite) throws(LabFailure) -> Sample {
    let trips = try LabFailure.step("round trips") { () throws(Errno) in
      try RoundTrips(
        byteCount: Workload.rtt.payloadByteCount, from: site.a.namespace, to: site.destination, in: site.b.namespace)
    }
    var traffic = try LabFailure.step("round trips") { () throws(Errno) in try trips.start() }
    try interruption.pause(seconds: BenchPlan.warmUpSeconds)
    trips.measure()
    try interruption.pause(seconds: plan.seconds)
    do throws(Errno) { try traffic.stop() } catch { throw .step("round trips ended early: \(error)") }
    let times = trips.times
    guard times.totalCount > 0 else { throw .step("no round trip was answered") }
    var sample = Sample(value: Double(times.valueAtPercentile(50)))
    sample.times = times
    sample.tripCount = traffic.tally.sentCount
    return sample
  }

  /// Lets traffic run, first unmeasured, and returns what came of it.
  /// - Parameter value: of the bytes and datagrams that arrived in so many seconds.
  private borrowing func watch(
    _ traffic: inout Traffic, _ site: borrowing BenchSite, _ value: (Int, Int, Double) -> Double
  ) throws(LabFailure) -> Sample {
    try interruption.pause(seconds: BenchPlan.warmUpSeconds)
    // The tally right before the time on the wall, as after it: what reading the other clocks takes counts as measured.
    let (bytesBefore, countBefore) = (traffic.tally.arrivedByteCount, traffic.tally.arrivedCount)
    let before = try Stopwatch(agents: site.agentPIDs)
    try interruption.pause(seconds: plan.seconds)
    let byteCount = traffic.tally.arrivedByteCount - bytesBefore
    let count = traffic.tally.arrivedCount - countBefore
    let after = try Stopwatch(agents: site.agentPIDs)
    do throws(Errno) { try traffic.stop() } catch { throw .step("the traffic ended early: \(error)") }
    guard byteCount > 0 else { throw .step("nothing arrived") }
    var sample = Sample(value: value(byteCount, count, after.seconds(since: before)))
    after.note(since: before, byteCount: byteCount, in: &sample)
    sample.loss = Sample.loss(sent: traffic.tally.sentCount, arrived: traffic.tally.arrivedCount)
    return sample
  }
}
