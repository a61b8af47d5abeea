import Foundation

/// Seeds of the tests that draw their cases: `VTEP_SEED` when it is set. Printed, so that a failure can be made again.
package enum TestSeed {
  /// Without `VTEP_SEED` another seed in every run.
  package static func next(_ test: String) -> UInt64 {
    seed(of: test, orElse: .random(in: 1...UInt64(UInt32.max)))
  }

  /// Without `VTEP_SEED` the same seed in every run.
  package static func fixed(_ test: String) -> UInt64 {
    seed(of: test, orElse: 0x7674_6570)
  }

  /// A number of rounds from the environment, or else `standard`.
  package static func count(_ variable: String, standard: Int) -> Int {
    ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? standard
  }

  private static func seed(of test: String, orElse standard: UInt64) -> UInt64 {
    let seed = ProcessInfo.processInfo.environment["VTEP_SEED"].flatMap { UInt64($0) } ?? standard
    print("\(test): VTEP_SEED=\(seed)")
    return seed
  }
}
