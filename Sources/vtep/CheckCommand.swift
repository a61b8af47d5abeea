import Agent
import ArgumentParser
import Foundation

/// `vtep check`: reads a configuration, says what is wrong with it, and starts nothing.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validate a configuration file without starting anything.",
    discussion: "Prints every problem as FILE:LINE: what is wrong and what would be right, and exits with 78.")

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config: String

  func run() throws {
    do {
      let configuration = try Configuration.load(path: config)
      print("\(config): ok (\(configuration.segments.count) segments, \(configuration.peers.count) peers)")
    } catch let error as ConfigurationError {
      FileHandle.standardError.write(Data((error.description + "\n").utf8))
      throw ExitCode(78)
    }
  }
}
