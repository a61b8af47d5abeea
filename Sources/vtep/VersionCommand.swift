import Agent
import ArgumentParser

/// `vtep version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the version of this program.")

  func run() throws {
    try Output.write("vtep \(VtepVersion.current)\n")
  }
}
