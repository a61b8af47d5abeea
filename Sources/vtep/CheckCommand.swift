import Agent
import ArgumentParser
import Glibc

/// `vtep check`: reads a configuration, says what is wrong with it, and starts nothing.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validate a configuration file without starting anything.",
    discussion: "Prints every problem as FILE:LINE: what is wrong and what would be right, and exits with 78.")

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config: String

  func run() throws {
    do throws(ConfigurationError) {
      let configuration = try Configuration.load(path: config)
      let (segments, peers) = (configuration.segments.count, configuration.peers.count)
      print("\(config): ok (\(segments) segments, \(peers) peers)")
    } catch {
      StandardErrorLogHandler.writeToStandardError(Array((error.description + "\n").utf8))
      throw ExitCode(78)
    }
  }
}
