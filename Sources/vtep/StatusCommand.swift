import Agent
import ArgumentParser

/// `vtep status`.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the running agent: version, uptime, underlay address, offloads.",
    discussion: """
      Of each offload it says on, off, or why it is off. -j has the same by name.

      Examples:
        vtep status
        vtep status -j | jq .offload

      Exit status: 0 done; 1 no agent listens on the socket.
      """)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    try agent.show("/v1/status", as: StatusReport.self, text: ReportText.status)
  }
}
