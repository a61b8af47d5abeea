/// A moment on a clock that never goes backwards and goes on while the machine is suspended, in nanoseconds since an
/// arbitrary start. Logic gets it as an argument and never reads a clock.
package struct Instant: Hashable, Comparable, Sendable {
  package let nanoseconds: UInt64

  @inlinable
  package init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Whole seconds since the clock's start: the resolution of the stamps in the forwarding table.
  @inlinable
  package var seconds: UInt32 { UInt32(truncatingIfNeeded: nanoseconds / 1_000_000_000) }

  package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The moment `duration` later; the end of time rather than an overflow.
  package static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanosecondCount)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// How long before `self` the moment `earlier` was; zero when it was not before.
  package func since(_ earlier: Instant) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds - min(earlier.nanoseconds, nanoseconds)))
  }
}

extension Duration {
  /// Whole nanoseconds, negative durations as 0, and no overflow.
  package var nanosecondCount: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
    return overflow || carry ? .max : sum
  }
}
