import Agent
import ArgumentParser

/// `vtep run`: the agent, in the foreground.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the agent in the foreground.",
    discussion: """
      Creates the TAP devices, opens the sockets, prints `ready` to standard error when frames are carried, and tells \
      $NOTIFY_SOCKET. SIGTERM and SIGINT end it with status 0. SIGHUP reads the configuration and the key files \
      again, as `vtep reload` does, and the log tells what has changed or why nothing has. Needs root or \
      CAP_NET_ADMIN, and gives up every other right at its start; with `user:` in the configuration it becomes that \
      user when root starts it.

      With --takeover it starts beside the agent that runs with the same control socket, takes over its TAP devices \
      and sockets, tables and counters between two batches of frames, and that one ends with status 0. When it fails \
      before that, the other goes on as if nothing had happened. When none runs it starts as without.

      Example:
        sudo vtep run --config /etc/vtep/vtep.yaml

      Exit status: 0 ended as asked; 1 the system refused something; 78 the configuration is refused.
      """)

  @Option(help: "The configuration file (YAML).")
  var config: String

  @Flag(help: "Take over from the agent that runs, without losing frames.")
  var takeover = false

  func run() throws {
    throw ExitCode(AgentRun.run(configurationPath: config, takesOver: takeover))
  }
}
