import Agent
import ArgumentParser
import Glibc

/// `vtep monitor`.
struct MonitorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor",
    abstract: "Print what happens to MAC addresses, peers and frames, as it happens, until it is interrupted.",
    discussion: """
      Events: learned, moved and aged; flapping when an address moved too often and its entry is frozen; loop when a \
      frame came back from a TAP; session when the session with a peer came up or is lost; path-mtu when the path to a \
      peer takes another size; drop when a frame ended under one of the reasons that vtep drops counts.

      Of drops a part is shown, of each reason some, 320 a second in all at most; the others are counted on standard \
      error. So are events that came faster than they could be kept. Where 32 others wait already it asks once a \
      second, and says so.

      Examples:
        vtep monitor
        vtep monitor -t drop,moved
        vtep monitor -j -t session | jq .peer

      Exit status: 0 the reader of the output has gone; 1 no agent answers, or not any more; 64 wrong usage.
      """)

  /// Between two questions while the agent has no place for one more that waits.
  private static let crowdedPause: UInt32 = 1

  @Option(
    name: [.customShort("t"), .customLong("type")],
    help: ArgumentHelp("Only these events: \(EventReport.names.joined(separator: ", ")).", valueName: "event,…"),
    transform: Self.parse)
  var types: Set<String> = Set(EventReport.names)

  @OptionGroup var agent: AgentOptions

  func run() throws {
    // Longer than the agent lets a request wait.
    let client: ControlClient
    do {
      client = try ControlClient(socketPath: agent.socket, deadline: .seconds(10))
    } catch {
      throw Output.failure(error.message)
    }
    let drops = types.contains(EventReport.drop) ? "drops=yes" : "drops=no"
    var (query, isCrowded) = ("?\(drops)", false)
    var untold = UntoldDrops()
    while true {
      guard let report = try ask(client, query) else {
        if !isCrowded { Output.warn("too many others wait for events: they are asked for once a second") }
        isCrowded = true
        sleep(Self.crowdedPause)
        continue
      }
      if report.lost > 0 { Output.warn("\(report.lost) events were lost") }
      if let line = untold.line(at: report.untoldDrops, now: .now) { Output.warn(line) }
      for event in report.events where types.contains(event.event) {
        try Output.write(agent.json ? ReportJSON.encode(event) : Array("\(event.text)\n".utf8))
      }
      query = "?after=\(report.next)&\(drops)"
    }
  }

  /// Nil: nothing has happened, and there is no place to wait for it, or for an answer.
  private func ask(_ client: ControlClient, _ query: String) throws -> EventsReport? {
    let answer: [UInt8]
    do {
      answer = try client.get("/v1/events\(query)")
    } catch {
      guard ![.tooManyWaiting, .busy].contains(error.code) else { return nil }
      throw Output.failure(error.message)
    }
    guard let report = try? ReportJSON.decode(EventsReport.self, from: answer) else {
      throw Output.failure("the agent on \(agent.socket) is of another version, and its answer is not understood")
    }
    return report
  }

  private static func parse(_ text: String) throws -> Set<String> {
    let types = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if let unknown = types.first(where: { !EventReport.names.contains($0) }) {
      throw ValidationError("\"\(unknown)\" is no event; there are \(EventReport.names.joined(separator: ", "))")
    }
    return Set(types)
  }
}

/// Drops that were counted and not shown: a line now and then, however many answers tell of them.
private struct UntoldDrops {
  static let pause: Duration = .seconds(10)

  private var toldCount: UInt64?
  private var nextLine = ContinuousClock.now

  /// What to say when the agent counts so many by now.
  mutating func line(at count: UInt64?, now: ContinuousClock.Instant) -> String? {
    guard let count else { return nil }
    // Those from before this command are none of its.
    guard let before = toldCount, count >= before else {
      toldCount = count
      return nil
    }
    guard count > before, now >= nextLine else { return nil }
    toldCount = count
    nextLine = now + Self.pause
    return "\(count - before) more frames were dropped than are shown"
  }
}
