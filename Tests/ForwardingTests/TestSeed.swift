import Foundation

/// The seed of a test that draws its cases: `VTEP_SEED` when it is set, else always the same. Printed, so that a
/// failure can be made again.
func testSeed(_ test: String) -> UInt64 {
  let seed = ProcessInfo.processInfo.environment["VTEP_SEED"].flatMap { UInt64($0) } ?? 0x7674_6570
  print("\(test): VTEP_SEED=\(seed)")
  return seed
}
