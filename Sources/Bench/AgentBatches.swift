import FoundationEssentials
import Lab

/// How many calls an agent's frames took so far: `batches` of `vtep stats -j`.
struct AgentBatches: Equatable, Sendable {
  private static let answerTime = Duration.seconds(5)

  var sends: UInt64 = 0
  var datagramsSent: UInt64 = 0
  var receives: UInt64 = 0
  var datagramsReceived: UInt64 = 0
  var tapWrites: UInt64 = 0
  var framesWritten: UInt64 = 0

  private struct Stats: Decodable {
    let batches: AgentBatches
  }

  /// Asks the agent of a host.
  static func read(
    of host: borrowing LabHost, executable: String, _ interruption: LabInterruption
  ) throws(LabFailure) -> AgentBatches {
    let program = LabProgram(
      path: executable, name: "vtep", arguments: ["stats", "-j", "--socket", host.socketPath])
    let text = try program.output(inNamespace: nil, within: answerTime, interruption)
    do {
      return try JSONDecoder().decode(Stats.self, from: Data(text.utf8)).batches
    } catch {
      throw .step("read the answer of `\(program.commandLine)`: \(error)")
    }
  }

  /// Since an earlier reading.
  static func - (later: AgentBatches, earlier: AgentBatches) -> AgentBatches {
    AgentBatches(
      sends: later.sends &- earlier.sends, datagramsSent: later.datagramsSent &- earlier.datagramsSent,
      receives: later.receives &- earlier.receives,
      datagramsReceived: later.datagramsReceived &- earlier.datagramsReceived,
      tapWrites: later.tapWrites &- earlier.tapWrites, framesWritten: later.framesWritten &- earlier.framesWritten)
  }

  var segmentsPerSend: Double? { Self.quotient(datagramsSent, sends) }
  var segmentsPerReceive: Double? { Self.quotient(datagramsReceived, receives) }
  var segmentsPerTapWrite: Double? { Self.quotient(framesWritten, tapWrites) }

  /// Nil of nothing.
  private static func quotient(_ count: UInt64, _ calls: UInt64) -> Double? {
    calls == 0 ? nil : Double(count) / Double(calls)
  }
}

extension AgentBatches: Decodable {
  private enum CodingKeys: String, CodingKey {
    case sends
    case datagramsSent = "datagrams-sent"
    case receives
    case datagramsReceived = "datagrams-received"
    case tapWrites = "tap-writes"
    case framesWritten = "frames-written"
  }
}
