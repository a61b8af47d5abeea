import Foundation

/// Seeds of the tests that draw numbers: printed, and taken from `VTEP_SEED` when it is set.
enum TestSeed {
  static func next(_ name: String) -> UInt64 {
    let text = ProcessInfo.processInfo.environment["VTEP_SEED"]
    let seed = text.flatMap { UInt64($0) } ?? UInt64.random(in: 1...UInt64(UInt32.max))
    print("\(name): VTEP_SEED=\(seed)")
    return seed
  }

  /// A number of rounds from the environment, or else `standard`.
  static func count(_ variable: String, standard: Int) -> Int {
    ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? standard
  }
}
