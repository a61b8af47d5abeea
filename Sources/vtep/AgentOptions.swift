import Agent
import ArgumentParser
import VXLAN

/// What every command takes that asks a running agent.
struct AgentOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The agent's control socket.", valueName: "path"))
  var socket = ControlSocketPath.standard

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON document, for programs.")
  var json = false

  /// Asks for `target` and prints the answer: as it came for `--json`, else as `text` shows it.
  /// - Throws: `ExitCode` 1 after a message.
  func show<Report: Decodable>(_ target: String, as type: Report.Type, text: (Report) -> String) throws {
    let answer: [UInt8]
    do {
      answer = try ControlClient(socketPath: socket).get(target)
    } catch {
      throw Output.failure(error.message)
    }
    guard !json else { return try Output.write(answer) }
    let report: Report
    do {
      report = try ReportJSON.decode(type, from: answer)
    } catch {
      throw Output.failure("the agent on \(socket) is of another version, and its answer is not understood: try -j")
    }
    try Output.write(text(report))
  }

  /// Asks for a change. Prints nothing but, for `--json`, what the agent answers.
  /// - Throws: `ExitCode` 1 after a message.
  func change(_ method: String, _ target: String) throws {
    let answer: [UInt8]
    do {
      answer = try ControlClient(socketPath: socket).send(method, target)
    } catch {
      throw Output.failure(error.message)
    }
    if json { try Output.write(answer) }
  }
}

/// The filter by segment.
struct SegmentOption: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Only this segment.", valueName: "number"), transform: Self.parse)
  var vni: VNI?

  /// `?vni=N`, or nothing.
  var query: String { vni.map { "?vni=\($0)" } ?? "" }

  static func parse(_ text: String) throws -> VNI {
    guard let number = UInt32(text), let vni = VNI(number) else {
      throw ValidationError("a VNI is a whole number from 0 to \(VNI.maximum)")
    }
    return vni
  }
}
