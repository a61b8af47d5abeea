import Agent
import ArgumentParser

/// `vtep drops`.
struct DropsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drops",
    abstract: "Show why frames were dropped: one counter for each reason.",
    discussion: """
      Each frame that ends is counted under exactly one reason. \
      Reasons without a frame are left out unless --all asks for them; JSON always has all. vtep monitor -t drop \
      shows some of the frames as they end.

      Examples:
        vtep drops
        vtep drops -j | jq '.underlay."unknown-vni"'

      Exit status: 0 done; 1 no agent answers.
      """)

  @OptionGroup var agent: AgentOptions

  @Flag(name: .long, help: "Show the reasons without a frame too.")
  var all = false

  func run() throws {
    try agent.show("/v1/drops", as: DropsReport.self) { ReportText.drops($0, all: all) }
  }
}
