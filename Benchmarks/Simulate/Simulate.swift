import Foundation
import Simulation

/// The command behind scripts/simulate.
@main
enum Simulate {
  private static func usage() -> Never {
    let names = Scenario.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n")
    complain(
      "usage: simulate [--scenario NAME] [--seed N] [--frames N] [--hours N] [--hosts N] [--quiet]\n\(names)",
      status: 64)
  }

  private static func complain(_ text: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(status)
  }

  private static func plan(_ arguments: [String]) -> (ScenarioPlan, isQuiet: Bool) {
    var plan = ScenarioPlan(.chaos, seed: .random(in: 1...UInt64(UInt32.max)))
    var isQuiet = false
    var rest = arguments[...]
    while let name = rest.popFirst() {
      if name == "--quiet" {
        isQuiet = true
        continue
      }
      guard let value = rest.popFirst() else { usage() }
      switch (name, Int(value)) {
      case ("--scenario", _):
        guard let scenario = Scenario(rawValue: value) else { usage() }
        plan.scenario = scenario
      case ("--seed", _):
        guard let seed = UInt64(value) else { usage() }
        plan.seed = seed
      case ("--frames", let count?) where count > 0: plan.frameCount = count
      case ("--hours", let count?) where 1...1000 ~= count: plan.hours = count
      case ("--hosts", let count?) where 20...4000 ~= count: plan.hostCount = count
      default: usage()
      }
    }
    return (plan, isQuiet)
  }

  static func main() {
    let (plan, isQuiet) = plan(Array(CommandLine.arguments.dropFirst()))
    print(plan.command)
    fflush(nil)
    let began = ContinuousClock.now
    do throws(Violation) {
      let report = try plan.run { line in
        if !isQuiet { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
      }
      let passed = ContinuousClock.now - began
      for line in report.lines { print(line) }
      print("ok: \(plan.scenario.rawValue), seed \(plan.seed), in \(passed.tenths) on the wall")
    } catch {
      print("seed \(plan.seed): \(error)")
      complain("again: \(plan.command)", status: 1)
    }
  }
}
