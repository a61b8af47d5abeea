import Agent
import ArgumentParser
import Bench
import FoundationEssentials
import Glibc
import Lab

/// `vtep bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure vtep beside the kernel's VXLAN and the bare underlay, on this machine.",
    usage: "vtep bench [<options>]\nvtep bench codec [<options>]",
    discussion: """
      Two hosts in network namespaces, one candidate between them at a time, every workload on it, then the next \
      candidate, and all of it again in every round, in rotated order. Shows medians, ratios within the run, \
      processor time per gigabyte and round trips. Only ratios of one run count: figures of two runs or two \
      machines do not compare.

      Takes everything down again, also after Ctrl-C or a failure. Needs root. A full run takes six and a half \
      minutes, --quick forty seconds. Measure on a machine that does nothing else.

      Exit status: 0 all was measured (or the kernel has no VXLAN, and the output says so); 1 something was not.

      \(BenchRunCommand.optionsHelp)
      """,
    subcommands: [BenchRunCommand.self, BenchCodecCommand.self], defaultSubcommand: BenchRunCommand.self)
}

/// `vtep bench` without a subcommand.
struct BenchRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measure between two hosts in network namespaces (the default).")

  @Option(help: "How often each candidate is measured (default: 5, with --quick 1).")
  var rounds: Int?

  @Option(help: "How long one measurement takes (default: 1).")
  var seconds: Double?

  @Option(help: "Some of underlay,kernel,vtep,vtep-sealed (default: all).")
  var candidates: String?

  @Option(help: "Some of tcp-1,tcp-4,tcp-1-reverse,udp-64,udp-512,udp-1400,rtt (default: all).")
  var workloads: String?

  @Option(
    help: """
      transparent (superframes pass whole), segmenting (cut to packets), or both (default: both, with --quick \
      transparent).
      """)
  var underlay: String?

  @Option(
    help: """
      What seals vtep-sealed: aes256gcm, chacha20poly1305, aegis128l, or auto, the best that this machine can do \
      (default: auto).
      """)
  var cipher: String?

  @Option(help: "What makes the TCP traffic: own or iperf3 (default: own).")
  var generator: String?

  @Flag(help: "One round on the transparent underlay.")
  var quick = false

  @Option(help: ArgumentHelp("Write a page with charts, which needs no network to be read.", valueName: "file"))
  var report: String?

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON object.")
  var json = false

  /// The options as `vtep bench --help` lists them: a default subcommand's are not in the help of its parent.
  static let optionsHelp: String = {
    let lines = helpMessage(columns: 80).split(separator: "\n")
    let options = lines.drop { $0 != "OPTIONS:" }.dropFirst().filter { !$0.hasPrefix("  -h,") }
    return (["OPTIONS OF A RUN:"] + options).joined(separator: "\n")
  }()

  /// Which `vtep` is measured; another than this one only in tests.
  @Option(name: .customLong("executable"), help: .hidden)
  var executable = "/proc/self/exe"

  func validate() throws {
    do throws(BenchPlan.Problem) {
      _ = try plan()
    } catch {
      throw ValidationError(error.description)
    }
  }

  func run() throws {
    let plan = try plan()
    // Before minutes are spent.
    if let report { try BenchOutput.checkWritable(report) }
    let outcome: BenchRun.Outcome
    do throws(LabFailure) {
      outcome = try BenchRun.perform(plan, executable: executable, version: VtepVersion.current)
    } catch {
      throw Self.exit(error)
    }
    try BenchOutput.show(outcome.report, isJSON: json, pagePath: report)
    guard outcome.failureCount == 0 else { throw ExitCode.failure }
  }

  private func plan() throws(BenchPlan.Problem) -> BenchPlan {
    var options = BenchPlan.Options()
    options.rounds = rounds
    options.seconds = seconds
    options.candidates = candidates
    options.workloads = workloads
    options.underlay = underlay
    options.generator = generator
    options.cipher = cipher
    options.isQuick = quick
    return try BenchPlan(options)
  }

  private static func exit(_ failure: LabFailure) -> ExitCode {
    switch failure {
    case .unavailable(let text), .step(let text): _ = Output.failure("bench: \(text)")
    case .interrupted(let signal): _ = Output.failure("bench: ended by signal \(signal); nothing is left behind")
    }
    return ExitCode(failure.exitStatus)
  }
}
