import Foundation
import Glibc

/// Time as a promise of seconds means it: on a machine that had a processor to give.
///
/// It stands still while anybody on the machine waits for a processor, so a promise is judged to the letter on an idle
/// machine, and a busy one does not fail it. What waits for anything else counts in full.
/// - SeeAlso: Documentation/accounting/psi.rst.
package struct Stopwatch {
  private let began = ContinuousClock.now
  private let waitedBefore = Self.waited()

  /// Runs from now on.
  package init() {}

  /// What has passed, at least a tenth of it by the clock on the wall.
  package var elapsed: Duration {
    let passed = ContinuousClock.now - began
    return max(passed / 10, passed - (Self.waited() - waitedBefore))
  }

  /// Since the machine's start, how long somebody waited for a processor; zero where the kernel does not tell.
  private static func waited() -> Duration {
    guard let text = try? String(contentsOfFile: "/proc/pressure/cpu", encoding: .utf8),
      let total = text.split(separator: "\n").first?.split(separator: "=").last.flatMap({ Int($0) })
    else { return .zero }
    return .microseconds(total)
  }
}

/// Calls `holds` until it answers true, for so long of a machine that had a processor to give. Answers whether it did.
package func eventually(within limit: Duration = .seconds(20), _ holds: () throws -> Bool) rethrows -> Bool {
  let watch = Stopwatch()
  while true {
    if try holds() { return true }
    if watch.elapsed > limit { return false }
    usleep(10_000)
  }
}
