import VXLAN

/// A rate with a burst: in any second no more than `perSecond + burst` are taken. One owner.
struct TokenBucket {
  /// Nanoseconds in which one comes back.
  private let interval: UInt64
  private let depth: UInt64
  /// When it is full again, on the clock of `Instant`.
  private var fullAt: UInt64 = 0

  /// - Parameters:
  ///   - perSecond: what comes back in a second, 1 at least.
  ///   - burst: what may be taken at once after a rest, 1 at least.
  init(perSecond: UInt64, burst: UInt64) {
    precondition(perSecond > 0 && burst > 0)
    interval = 1_000_000_000 / perSecond
    depth = burst * interval
  }

  /// Whether nothing of it is used.
  func isFull(now: Instant) -> Bool { fullAt <= now.nanoseconds }

  /// Whether there is one to take.
  func has(now: Instant) -> Bool {
    var other = self
    return other.take(now: now)
  }

  /// Takes one. False, and nothing changed, when there is none.
  mutating func take(now: Instant) -> Bool {
    let (end, overflow) = max(fullAt, now.nanoseconds).addingReportingOverflow(interval)
    guard !overflow, end &- now.nanoseconds <= depth else { return false }
    fullAt = end
    return true
  }
}
