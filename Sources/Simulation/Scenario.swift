import VXLAN

/// A kind of run that the command and the tests ask for by name.
package enum Scenario: String, CaseIterable, Sendable {
  /// Everything goes wrong at once, again and again; in between everybody has to find together.
  case chaos
  /// A day of the simulated clock with little traffic: rekeys, ageing, probes, restarts, partitions.
  case day
  /// Paths that swallow what is large, and take it again.
  case path
  /// A thousand hosts and a hundred thousand stations that join and leave in storms.
  case scale

  package var summary: String {
    switch self {
    case .chaos: "8 hosts, 4 segments: every fault, until so many frames were handled"
    case .day: "5 hosts, 3 segments: so many hours of the simulated clock, little traffic, a fault a minute"
    case .path: "4 hosts: every path swallows packets above 1,300 bytes, and takes them again"
    case .scale: "1,000 hosts, 100 segments, 100,000 stations: all start at once, leave and join in storms"
    }
  }
}

/// What a run is asked for.
package struct ScenarioPlan: Sendable {
  package var scenario: Scenario
  package var seed: UInt64
  /// Frames that agents handle at least, as they count what came in: `chaos`.
  package var frameCount = 10_000_000
  /// Of the simulated clock: `day`.
  package var hours = 24
  /// Of `scale`.
  package var hostCount = 1000
  /// Frames that all stations offer in a step at most: `chaos`.
  package var framesPerStepMax = 400
  package var sabotage: Sabotage?

  package init(_ scenario: Scenario, seed: UInt64) {
    (self.scenario, self.seed) = (scenario, seed)
  }

  /// Runs it to its end or to the first thing that should not be.
  /// - Parameter onProgress: called now and then with one line.
  package func run(onProgress: (String) -> Void = { _ in }) throws(Violation) -> ScenarioReport {
    switch scenario {
    case .chaos: try ChaosRun(self).run(onProgress)
    case .day: try DayRun(self).run(onProgress)
    case .path: try PathRun(self).run()
    case .scale: try ScaleRun(self).run(onProgress)
    }
  }

  /// The command that makes this run again.
  package var command: String {
    switch scenario {
    case .chaos: "scripts/simulate --scenario chaos --seed \(seed) --frames \(frameCount)"
    case .day: "scripts/simulate --scenario day --seed \(seed) --hours \(hours)"
    case .path: "scripts/simulate --scenario path --seed \(seed)"
    case .scale: "scripts/simulate --scenario scale --seed \(seed) --hosts \(hostCount)"
    }
  }
}

/// What a run showed.
/// Two are equal when the runs were the same; memory is this process's, and no part of that.
package struct ScenarioReport: Equatable, Sendable {
  /// Of the simulated clock.
  package let duration: Duration
  package let tally: WorldTally
  package let digest: TraceDigest
  /// Times and counts that the scenario is about.
  package let figures: [(name: String, value: String)]

  init(_ world: World, figures: [(name: String, value: String)]) {
    (duration, tally, digest) = (world.elapsed, world.currentTally(), world.digest)
    self.figures = figures
  }

  package static func == (a: ScenarioReport, b: ScenarioReport) -> Bool {
    a.duration == b.duration && a.tally == b.tally && a.digest == b.digest
  }

  /// For a person, a line each.
  package var lines: [String] {
    let drops = tally.dropsByReason.map { "\($0.reason.name) \($0.count)" }.joined(separator: ", ")
    let rows =
      [
        ("simulated clock", duration.tenths),
        ("frames handled", "\(tally.framesIn): \(tally.offeredCount) from TAPs, the rest from wires"),
        ("frames delivered", "\(tally.deliveredCount)"),
        (
          "datagrams sent",
          "\(tally.datagramCount): \(tally.sealedCount) sealed frames, \(tally.controlCount) control, "
            + "\(tally.handshakeCount) handshake"
        ),
        (
          "on the wires",
          "\(tally.lostCount) lost, \(tally.doubledCount) doubled, \(tally.swallowedCount) too large, "
            + "\(tally.unheardCount) for nobody, \(tally.overflowCount) beyond a full socket"
        ),
        (
          "agents",
          "\(tally.startCount) started, \(tally.reloadCount) reloads, \(tally.moveCount) stations moved, "
            + "\(tally.agedCount) entries aged"
        ),
        ("nonces", "\(tally.nonceCount) of \(tally.keyCount) keys and lanes, none twice"),
        ("drops", drops),
      ] + figures.map { ($0.name, $0.value) } + [("digest", "\(digest)")]
    return rows.map { name, value in
      name + String(repeating: " ", count: max(1, 18 - name.count)) + value
    }
  }
}
