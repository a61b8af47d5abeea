import Agent
import ArgumentParser

/// `vtep stats`.
struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show the frame counters, in total, from TAPs (overlay) and from sockets (underlay).",
    discussion: """
      frames-in = frames-out + drops + consumed + waiting, always. The other counters stand beside that. vtep drops \
      tells the reasons of drops, vtep top what there is in a second.

      Examples:
        vtep stats
        vtep stats -j | jq .underlay

      Exit status: 0 done; 1 no agent answers.
      """)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    try agent.show("/v1/stats", as: StatsReport.self, text: ReportText.stats)
  }
}
