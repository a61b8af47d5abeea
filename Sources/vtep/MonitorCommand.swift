import Agent
import ArgumentParser
import Glibc

/// `vtep monitor`.
struct MonitorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor",
    abstract: "Print what happens to MAC addresses and peers, as it happens, until it is interrupted.",
    discussion: """
      Events: learned, moved and aged; flapping when an address moved too often and its entry is frozen; loop when a \
      frame came back from a TAP; session when the session with a peer came up or is lost; path-mtu when the path to a \
      peer takes another size. With -j one JSON object a line. Events that came faster than they could be kept are \
      counted on standard error. Where 32 others wait already it asks once a second, and says so.
      """)

  /// Between two questions while the agent has no place for one more that waits.
  private static let crowdedPause: UInt32 = 1

  @OptionGroup var agent: AgentOptions

  func run() throws {
    // Longer than the agent lets a request wait.
    guard let client = try? ControlClient(socketPath: agent.socket, deadline: .seconds(10)) else {
      throw Output.failure("no socket can have the path \(agent.socket)")
    }
    var (query, isCrowded) = ("", false)
    while true {
      guard let report = try ask(client, query) else {
        if !isCrowded { Output.warn("too many others wait for events: they are asked for once a second") }
        isCrowded = true
        sleep(Self.crowdedPause)
        continue
      }
      if report.lost > 0 { Output.warn("\(report.lost) events were lost") }
      for event in report.events {
        try Output.write(agent.json ? ReportJSON.encode(event) : Array("\(event.text)\n".utf8))
      }
      query = "?after=\(report.next)"
    }
  }

  /// Nil: nothing has happened, and there is no place to wait for it.
  private func ask(_ client: ControlClient, _ query: String) throws -> EventsReport? {
    let answer: [UInt8]
    do {
      answer = try client.get("/v1/events\(query)")
    } catch {
      guard error.code != .tooManyWaiting else { return nil }
      throw Output.failure(error.message)
    }
    guard let report = try? ReportJSON.decode(EventsReport.self, from: answer) else {
      throw Output.failure("the agent on \(agent.socket) is of another version, and its answer is not understood")
    }
    return report
  }
}
