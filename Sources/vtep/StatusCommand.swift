import Agent
import ArgumentParser

/// `vtep status`.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the running agent: version, uptime, underlay address, offloads.",
    discussion: """
      Fails when no agent listens on the socket.
      """)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    try agent.show("/v1/status", as: StatusReport.self, text: ReportText.status)
  }
}
