import Agent
import ArgumentParser
import Bench

/// `vtep bench codec`.
struct BenchCodecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "Measure the data path in memory, without a kernel: what one core does in a second.",
    discussion: """
      Runs encapsulation and decapsulation, with everything that the agent does to a frame, between ports that hand \
      over the same batch again and again: single frames of 64, 512 and 1400 bytes, each of another flow, and \
      superframes of 64 KB; plain, and sealed with every cipher that this machine has. Counts this thread's processor \
      time, without that for sealing what is to be opened. Needs no root, opens no socket and no device, and takes \
      about half a minute.
      """)

  @Option(help: "How often each load is measured.")
  var rounds = 5

  @Option(help: "Processor time of one measurement, in seconds.")
  var seconds = 0.2

  @Option(help: ArgumentHelp("Write a page with charts, which needs no network to be read.", valueName: "file"))
  var report: String?

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard CodecBench.roundsRange.contains(rounds) else {
      throw ValidationError("--rounds \(rounds): give 1 to \(CodecBench.roundsRange.upperBound)")
    }
    guard CodecBench.secondsRange.contains(seconds) else {
      throw ValidationError("--seconds \(seconds): give 0.001 to 60")
    }
  }

  func run() throws {
    if let report { try BenchOutput.checkWritable(report) }
    let result = CodecBench(rounds: rounds, seconds: seconds).run(version: VtepVersion.current) { round in
      BenchOutput.progress("round \(round) of \(rounds)")
    }
    BenchOutput.progress("")
    try BenchOutput.show(result, isJSON: json, pagePath: report)
  }
}
