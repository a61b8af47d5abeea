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
    try Output.write(text(try understood(answer, as: type)))
  }

  /// Asks for the list at `target`, page by page, and prints each page as it comes: for `--json` all of them as one
  /// list, else as `text` shows them.
  /// - Throws: `ExitCode` 1 after a message; what was printed until then ends in the middle of the list.
  func showPages<Report: Decodable>(_ target: String, of type: Report.Type, text: ([Report]) -> String) throws {
    var list = JSONListOutput()
    var rest: String? = target
    while let target = rest {
      let page: (body: [UInt8], next: String?)
      do {
        page = try ControlClient(socketPath: socket).getPage(target)
      } catch {
        throw Output.failure(error.message)
      }
      if json {
        guard let part = list.part(of: page.body, isLast: page.next == nil) else { throw misunderstood() }
        try Output.write(part)
      } else {
        try Output.write(text(try understood(page.body, as: [Report].self)))
      }
      rest = page.next
    }
  }

  private func understood<Report: Decodable>(_ answer: [UInt8], as type: Report.Type) throws -> Report {
    guard let report = try? ReportJSON.decode(type, from: answer) else { throw misunderstood() }
    return report
  }

  private func misunderstood() -> ExitCode {
    Output.failure("the agent on \(socket) is of another version, and its answer is not understood: try -j")
  }

  /// Asks for a change. Prints nothing but, for `--json`, what the agent answers.
  /// - Throws: `ExitCode` 1 after a message.
  func change(_ method: String, _ target: String, body: [UInt8] = []) throws {
    let answer: [UInt8]
    do {
      answer = try ControlClient(socketPath: socket, deadline: ControlClient.changeDeadline)
        .send(method, target, body: body)
    } catch {
      throw Output.failure(error.message)
    }
    if json { try Output.write(answer) }
  }

  /// As above, and prints what `text` shows of the answer.
  /// - Throws: `ExitCode` 78 when the configuration is refused, else 1; after a message.
  func change<Report: Decodable>(_ method: String, _ target: String, showing text: (Report) -> String) throws {
    let answer: [UInt8]
    do {
      answer = try ControlClient(socketPath: socket, deadline: ControlClient.changeDeadline).send(method, target)
    } catch {
      guard error.code == .refused else { throw Output.failure(error.message) }
      StandardErrorLogHandler.writeToStandardError(Array((error.message + "\n").utf8))
      throw ExitCode(78)
    }
    guard !json else { return try Output.write(answer) }
    try Output.write(text(try understood(answer, as: Report.self)))
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
