import Agent
import ArgumentParser
import Glibc
import LinuxIO
import VXLAN

/// `vtep top`.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show what goes through a running agent in a second: by segment, by peer, by drop reason.",
    discussion: """
      Live on a terminal, until q: h shows the keys. With --once it takes two samples an interval apart, prints the \
      tables and ends; with -j as one JSON document.

      rx came from the underlay, tx went to it. Bits of segments are those of inner frames; bits of peers are UDP \
      payload, encapsulation included. A rate is - where there is nothing to compare with: a segment or peer that \
      is new, an agent that started anew.

      Examples:
        vtep top
        vtep top --interval 5 --sort frames
        vtep top --once -j

      Exit status: 0 done; 1 no agent answers, or not any more; 64 wrong usage, such as no terminal without --once.
      """)

  private static let intervalRange = 0.1...3600.0
  /// Shorter than that of other commands: keys wait meanwhile.
  private static let answerTime: Duration = .seconds(2)

  @Option(name: [.customShort("d"), .long], help: ArgumentHelp("Between two samples.", valueName: "seconds"))
  var interval = 1.0

  @Flag(help: "Print the rates of one interval and end.")
  var once = false

  @Option(help: "Which column orders the rows.")
  var sort = TopOrder.Column.bits

  @OptionGroup var agent: AgentOptions

  func validate() throws {
    guard Self.intervalRange.contains(interval) else {
      throw ValidationError("--interval \(interval) is out of range; it is 0.1 to 3600 seconds.")
    }
    guard once || !agent.json else { throw ValidationError("-j goes with --once; add it.") }
  }

  func run() throws {
    try once ? showOnce() : live()
  }

  private func showOnce() throws {
    let first = try sample()
    pause(until: first.time + .milliseconds(Int(interval * 1000)))
    let screen = TopScreen(order: TopOrder(sort))
    let report = TopReport(from: first, to: try sample(), order: screen.order)
    if agent.json {
      try Output.write(ReportJSON.encode(report))
    } else {
      try Output.write(screen.text(of: report))
    }
  }

  private func live() throws {
    guard Terminal.isThere else {
      Output.say("top draws on a terminal, and here is none: add --once, with -j for programs")
      throw ExitCode(64)
    }
    Terminal.blockSignals()
    // Said when the terminal is as it was.
    if let failure = try follow(try sample()) { throw Output.failure(failure.message) }
  }

  /// Shows what there is until somebody wants an end, or there is none to ask any more: answers why.
  private func follow(_ first: TopSample) throws -> ControlError? {
    var last = first
    let terminal = try Terminal()
    defer { terminal.restore() }
    var screen = TopScreen(order: TopOrder(sort))
    var report = TopReport(from: nil, to: last)
    var next = last.time + .milliseconds(Int(interval * 1000))
    while true {
      let (columns, rows) = terminal.size
      terminal.show(screen.lines(of: report, columns: columns, rows: rows))
      let rest = next.since(Instant(nanoseconds: Clock.now())) / .milliseconds(1)
      switch terminal.wait(milliseconds: Int32(max(0, rest.rounded(.up)))) {
      case .ended: return nil
      case .resized: continue
      case .keys(let bytes): if !TopKey.keys(in: bytes).allSatisfy({ screen.apply($0) }) { return nil }
      case .timeout:
        let now: TopSample
        do {
          now = try answers()
        } catch {
          return error
        }
        if !screen.isPaused { report = TopReport(from: last, to: now) }
        last = now
        next = now.time + .milliseconds(Int(interval * 1000))
      }
    }
  }

  private func pause(until end: Instant) {
    while case let rest = end.since(Instant(nanoseconds: Clock.now())) / .milliseconds(1), rest > 0 {
      _ = poll(nil, 0, Int32(rest.rounded(.up)))
    }
  }

  private func sample() throws -> TopSample {
    do {
      return try answers()
    } catch {
      throw Output.failure(error.message)
    }
  }

  private func answers() throws(ControlError) -> TopSample {
    let client = try ControlClient(socketPath: agent.socket, deadline: Self.answerTime)
    let status = try client.report("/v1/status", as: StatusReport.self)
    let time = Instant(nanoseconds: Clock.now())
    return TopSample(
      time: time, status: status, segments: try client.report("/v1/segments", as: [SegmentReport].self),
      peers: try client.report("/v1/peers", as: [PeerReport].self),
      drops: try client.report("/v1/drops", as: DropsReport.self))
  }
}

extension TopOrder.Column: ExpressibleByArgument {}
