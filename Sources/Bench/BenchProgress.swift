import Glibc
import Lab

/// Where a run stands, on standard error: one line that is rewritten on a terminal, else a line for each turn.
struct BenchProgress {
  private let isTerminal: Bool
  private let sampleCount: Int
  private let roundCount: Int
  private var doneCount = 0
  private let expectedSeconds: Double

  init(_ plan: BenchPlan) {
    isTerminal = isatty(STDERR_FILENO) == 1
    sampleCount = plan.sampleCount
    roundCount = plan.rounds
    expectedSeconds = plan.expectedSeconds
  }

  /// Says what is ahead.
  func begin(_ plan: BenchPlan, generator: String) {
    let counts = [
      Self.count(plan.candidates.count, "candidate"), Self.count(plan.workloads.count, "workload"),
      Self.count(plan.underlays.count, "underlay"), Self.count(plan.rounds, "round"),
    ]
    StandardStream.write(
      "vtep bench: \(counts.joined(separator: ", ")) of \(plan.seconds) s each; TCP traffic: \(generator); "
        + "about \(Self.duration(plan.expectedSeconds))\n", to: STDERR_FILENO)
    if let warning = Self.warning(load: MachineReading.load(), cores: MachineReading.machine().cores) {
      StandardStream.write("vtep bench: \(warning)\n", to: STDERR_FILENO)
    }
  }

  /// A candidate's turn begins.
  func turn(_ turn: BenchPlan.Turn) {
    guard !isTerminal else { return }
    StandardStream.write("\(position) \(Self.name(turn))\n", to: STDERR_FILENO)
  }

  /// A measurement begins.
  mutating func measurement(_ turn: BenchPlan.Turn, _ workload: Workload) {
    defer { doneCount += 1 }
    guard isTerminal else { return }
    let rest = expectedSeconds * Double(sampleCount - doneCount) / Double(sampleCount)
    let line = "\(position) \(Self.name(turn)): \(workload.rawValue), about \(Self.duration(rest)) left"
    StandardStream.write("\r\u{1B}[K\(line)", to: STDERR_FILENO)
  }

  /// Measurements that will not happen count as done.
  mutating func skip(_ count: Int) {
    doneCount += count
  }

  /// Leaves the line to whoever writes next.
  func end() {
    if isTerminal { StandardStream.write("\r\u{1B}[K", to: STDERR_FILENO) }
  }

  /// Says that the machine may have other work, when more than a quarter of it was busy in the last minute.
  static func warning(load: Double?, cores: Int) -> String? {
    guard let load, load > Double(cores) / 4 else { return nil }
    let count = cores == 1 ? "one processor" : "\(cores) processors"
    return "the load of the last minute was \(load) on \(count): if that is other work, the figures will say little"
  }

  /// `75 s` as `1 min 15 s`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }

  private var position: String { "[\(doneCount + 1)/\(sampleCount)]" }

  private static func name(_ turn: BenchPlan.Turn) -> String {
    "round \(turn.round), \(turn.underlay.rawValue) underlay, \(turn.candidate.rawValue)"
  }

  private static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
