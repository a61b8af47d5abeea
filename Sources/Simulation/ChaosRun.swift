import VXLAN

/// Rounds of every fault there is, each of which has to be overcome.
struct ChaosRun {
  private static let troubledTime = Duration.seconds(40)

  private let plan: ScenarioPlan
  private let world: World

  init(_ plan: ScenarioPlan) {
    self.plan = plan
    var mesh = WorldPlan.mesh(
      hostCount: 8, plain: 2, sealed: 2, stationsPerHost: 5, ageingTime: .seconds(20), seed: plan.seed)
    mesh.workerCount = 2
    world = World(mesh, sabotage: plan.sabotage)
  }

  func run(_ onProgress: (String) -> Void) throws(Violation) -> ScenarioReport {
    world.startAll()
    var (faults, traffic) = (Faults(), Traffic())
    var recoveries: [Duration] = []
    repeat {
      // Some rounds are crowded, some lonely.
      traffic.framesPerStep = Int.random(in: 1...plan.framesPerStepMax, using: &world.generator)
      try trouble(&faults, traffic)
      recoveries.append(try world.recover())
      onProgress(
        "round \(recoveries.count): \(world.elapsed.tenths), \(world.currentTally().framesIn) frames, together again "
          + "after \(recoveries[recoveries.count - 1].tenths)")
    } while world.currentTally().framesIn < UInt64(plan.frameCount)
    return ScenarioReport(
      world,
      figures: [
        ("faults", faults.summary),
        ("together again", world.summary(ofRecoveries: recoveries)),
      ])
  }

  private func trouble(_ faults: inout Faults, _ traffic: Traffic) throws(Violation) {
    let end = world.now + Self.troubledTime
    while world.now < end {
      faults.advance(world)
      traffic.offer(world)
      try world.step()
    }
  }
}

extension World {
  /// Ends every fault at once. Then all have to find together. Answers how long that took.
  func recover() throws(Violation) -> Duration {
    endFaults()
    if sabotage == .keepsCut { wires.cuts = [wires.way(0, 1)] }
    if sabotage == .keepsLosing { wires.weather.lossOneIn = 200 }
    return try Recovery(self).run(self)
  }

  func summary(ofRecoveries recoveries: [Duration]) -> String {
    let sorted = recoveries.sorted()
    guard let last = sorted.last else { return "never asked" }
    return "\(sorted.count) times, after \(sorted[sorted.count / 2].tenths) in the median and \(last.tenths) at most "
      + "(stated: \(Recovery.timeMax.tenths))"
  }
}
