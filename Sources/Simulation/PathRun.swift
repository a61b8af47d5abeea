import VXLAN

/// What large frames find when every path takes less without a word: how long until no more are sent into the hole, and
/// how long until they pass again when the path takes them.
struct PathRun {
  /// docs/mtu.md: with the tries of a probe and a search.
  private static let holeTimeMax = Duration.seconds(15)
  /// `path-mtu-raise` and one search.
  private static let raiseTimeMax = Duration.seconds(620)
  private static let limit = 1300
  private static let largeByteCount = 1420

  private let world: World

  init(_ plan: ScenarioPlan) {
    let mesh = WorldPlan.mesh(
      hostCount: 4, plain: 0, sealed: 1, stationsPerHost: 1, ageingTime: .seconds(300), seed: plan.seed)
    world = World(mesh, sabotage: plan.sabotage)
  }

  func run() throws(Violation) -> ScenarioReport {
    world.startAll()
    try talk(for: .seconds(40), large: false)
    try talk(for: .seconds(5), large: true)
    let holed = world.now
    for one in world.hosts.indices {
      for other in world.hosts.indices { world.wires.sizeLimits[world.wires.way(one, other)] = Self.limit }
    }
    try talk(for: Self.holeTimeMax * 2, large: true)
    let holeTime = (world.currentTally().lastSwallowed ?? holed).since(holed)
    if holeTime > Self.holeTimeMax {
      world.witness.report(.path, world, "large frames went into the hole for \(holeTime.tenths)")
      try world.step()
    }
    let raiseTime = try raise()
    return ScenarioReport(
      world,
      figures: [
        ("black hole", "no frame went into it after \(holeTime.tenths) (stated: \(Self.holeTimeMax.tenths))"),
        ("raised", "large frames passed on every way \(raiseTime.tenths) after (stated: \(Self.raiseTimeMax.tenths))"),
      ])
  }

  private func raise() throws(Violation) -> Duration {
    world.wires.heal()
    let healed = world.now
    let wayCount = world.hosts.count * (world.hosts.count - 1)
    let passed = PassedWays()
    world.witness.onDelivery = { name, host in passed.note(name.station, host) }
    defer { world.witness.onDelivery = { _, _ in } }
    while passed.count < wayCount {
      if world.now.since(healed) > Self.raiseTimeMax {
        world.witness.report(.path, world, "large frames pass on \(passed.count) of \(wayCount) ways only")
      }
      try talk(for: .seconds(1), large: true)
    }
    return world.now.since(healed)
  }

  /// Ways on which a frame came.
  private final class PassedWays {
    private var ways: Set<Int> = []
    var count: Int { ways.count }
    func note(_ station: Int, _ host: Int) { ways.insert(station << 16 | host) }
  }

  /// Every station sends to every other ten times a second.
  private func talk(for duration: Duration, large: Bool) throws(Violation) {
    let end = world.now + duration
    while world.now < end {
      for station in 0..<world.stations.count {
        for other in 0..<world.stations.count where other != station {
          world.send(from: station, to: other, byteCount: large ? Self.largeByteCount : 100)
        }
      }
      try world.run(for: .milliseconds(100))
    }
  }
}
