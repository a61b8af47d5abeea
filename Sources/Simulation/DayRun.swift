import VXLAN

/// A day with little traffic: sessions are replaced every two minutes, entries age, paths are probed, and now and then
/// something fails.
struct DayRun {
  private static let trafficInterval = Duration.seconds(2)
  private static let recoveryInterval = Duration.seconds(3600)

  private let plan: ScenarioPlan
  private let world: World

  init(_ plan: ScenarioPlan) {
    self.plan = plan
    var mesh = WorldPlan.mesh(
      hostCount: 5, plain: 1, sealed: 2, stationsPerHost: 3, ageingTime: .seconds(300), seed: plan.seed)
    mesh.idleStepDuration = .milliseconds(250)
    world = World(mesh, sabotage: plan.sabotage)
  }

  func run(_ onProgress: (String) -> Void) throws(Violation) -> ScenarioReport {
    world.startAll()
    let kinds: [Faults.Kind] = [
      .loss, .delay, .partition, .cut, .blackHole, .kill, .pause, .leaveSegment, .moveStation, .silence,
    ]
    var faults = Faults(kinds, pauseMax: .seconds(120))
    let traffic = Traffic(framesPerStep: 3)
    var recoveries: [Duration] = []
    for hour in 0..<plan.hours {
      try pass(&faults, traffic)
      recoveries.append(try world.recover())
      onProgress("hour \(hour + 1): \(world.currentTally().framesIn) frames")
    }
    let pairCount = world.hosts.count * (world.hosts.count - 1) / 2
    let sessions = world.currentTally().handshakeCount / 2
    return ScenarioReport(
      world,
      figures: [
        ("faults", faults.summary),
        ("handshakes", "about \(sessions), \(sessions / pairCount / max(1, plan.hours)) an hour and pair"),
        ("together again", world.summary(ofRecoveries: recoveries)),
      ])
  }

  private func pass(_ faults: inout Faults, _ traffic: Traffic) throws(Violation) {
    let end = world.now + Self.recoveryInterval
    var nextTraffic = world.now
    while world.now < end {
      faults.advance(world)
      if world.now >= nextTraffic {
        traffic.offer(world)
        nextTraffic = nextTraffic + Self.trafficInterval
      }
      try world.step()
    }
  }
}
