import Agent
import ArgumentParser

/// `vtep fdb`.
struct FDBCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fdb",
    abstract: "Show the forwarding table (FDB): which MAC address is behind which remote VTEP.",
    discussion: """
      State static is configured, dynamic is learned from frames and ages. A MAC without a peer is behind the own TAP.
      """)

  @OptionGroup var agent: AgentOptions
  @OptionGroup var segment: SegmentOption

  func run() throws {
    try agent.show("/v1/fdb\(segment.query)", as: [FDBReport].self, text: ReportText.fdb)
  }
}
