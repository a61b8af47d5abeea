import Agent
import ArgumentParser

/// `vtep reload`: as SIGHUP, with the answer printed.
struct ReloadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Have the running agent read its configuration and key files again.",
    discussion: """
      Prints what has changed, a line each. All of it is taken over or nothing: a configuration that is wrong, or that \
      changes what needs a restart, is refused with every reason as FILE:LINE: what is wrong and what would be right, \
      and the agent goes on as before. Segments and peers that stay the same lose no frame.

      Exit status: 0 done; 1 the agent cannot be reached, or the system refused; 78 configuration refused.
      """)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    try agent.change("POST", "/v1/reload", showing: \ChangeReport.text)
  }
}
