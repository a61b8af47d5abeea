import Simulation
import TestKit
import Testing

/// Whole agents on a simulated underlay at a small scale; `scripts/simulate` has the large one.
@Suite("Worlds of whole agents")
struct WorldTests {
  private func plan(_ scenario: Scenario, seed: UInt64) -> ScenarioPlan {
    var plan = ScenarioPlan(scenario, seed: seed)
    (plan.frameCount, plan.hours, plan.hostCount, plan.framesPerStepMax) = (1, 1, 20, 6)
    return plan
  }

  @Test(
    """
    fault rows 15, 19, 20, 24, 31, 32, 35, 46, 47 and 54, all at once: nothing in clear, twice, elsewhere or lost from \
    the count, and all find together again
    """,
    arguments: Scenario.allCases)
  func scenario(_ scenario: Scenario) throws {
    let seed = TestSeed.next("world, \(scenario.rawValue)")
    let report = try plan(scenario, seed: seed).run()
    for line in report.lines { print(line) }
    #expect(report.tally.framesIn > 1000 && report.tally.deliveredCount > 1000)
  }

  @Test("one seed is one run, to the last byte on every wire; another seed is another")
  func isRepeatable() throws {
    let reports = try [5, 5, 6].map { try plan(.chaos, seed: $0).run() }
    #expect(reports[0] == reports[1])
    #expect(reports[0].digest != reports[2].digest)
  }

  @Test("what is broken on purpose is found, and named", arguments: Sabotage.allCases)
  func finds(_ sabotage: Sabotage) throws {
    var plan = plan(sabotage == .ignoresPath ? .path : .chaos, seed: TestSeed.next("sabotage \(sabotage.rawValue)"))
    (plan.sabotage, plan.frameCount) = (sabotage, 1_000_000)
    let violation = #expect(throws: Violation.self) { try plan.run() }
    #expect(violation?.invariant == sabotage.breaks, "\(violation.map { "\($0)" } ?? "nothing")")
  }

  @Test("every invariant has something that breaks it")
  func everyInvariantCanFail() {
    #expect(Set(Sabotage.allCases.map(\.breaks)) == Set(Invariant.allCases))
  }
}
