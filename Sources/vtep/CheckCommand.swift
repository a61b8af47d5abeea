import Agent
import ArgumentParser

/// `vtep check`: reads a configuration, says what is wrong with it, and starts nothing.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validate a configuration file without starting anything.",
    discussion: """
      Reads the files with keys too, as the agent's user has to. Prints every problem as FILE:LINE: what is wrong and \
      what would be right.

      Example:
        sudo vtep check --config /etc/vtep/vtep.yaml

      Exit status: 0 the configuration is right; 78 it is refused.
      """)

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config: String

  func run() throws {
    let configuration: Configuration
    do {
      configuration = try Configuration.load(path: config)
      _ = try configuration.secrets(file: config, for: configuration.account(file: config))
    } catch {
      StandardErrorLogHandler.writeToStandardError(Array((error.description + "\n").utf8))
      throw ExitCode(78)
    }
    let (segments, peers) = (configuration.segments.count, configuration.peers.count)
    try Output.write("\(config): ok (\(segments) segments, \(peers) peers)\n")
  }
}
