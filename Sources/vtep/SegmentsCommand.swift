import Agent
import ArgumentParser

/// `vtep segments`.
struct SegmentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segments",
    abstract: "List the segments: VNI, TAP, overlay MTU, table size, frames.",
    discussion: """
      rx-frames were delivered to the TAP; tx-frames were taken from it and sent. -j has their bytes too, and how \
      often addresses moved, were frozen or refused.

      Examples:
        vtep segments
        vtep segments --vni 42 -j

      Exit status: 0 done; 1 no agent answers, or it has no such segment.
      """)

  @OptionGroup var agent: AgentOptions
  @OptionGroup var segment: SegmentOption

  func run() throws {
    try agent.show("/v1/segments\(segment.query)", as: [SegmentReport].self, text: ReportText.segments)
  }
}
