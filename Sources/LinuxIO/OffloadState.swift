import Glibc
import Synchronization

/// Whether one of the kernel's offloads is in use, and if not, why: visible to any thread, never silent.
package struct OffloadState: ~Copyable, Sendable {
  private static let on: Int32 = 0
  private static let configuredOff: Int32 = -1

  /// 0 on, -1 off by configuration, else the `errno` with which the kernel refused.
  private let value: Atomic<Int32>

  package init(isWanted: Bool) {
    value = Atomic(isWanted ? Self.on : Self.configuredOff)
  }

  package var isOn: Bool { value.load(ordering: .relaxed) == Self.on }

  /// The kernel refused it: it is off from now on.
  package func refuse(_ number: Int32) {
    _ = value.compareExchange(expected: Self.on, desired: number, ordering: .relaxed)
  }

  /// `on`, `off`, or `refused: ` and why.
  package var text: String {
    switch value.load(ordering: .relaxed) {
    case Self.on: "on"
    case Self.configuredOff: "off"
    case let number: "refused: \(String(cString: strerror(number)))"
    }
  }
}
