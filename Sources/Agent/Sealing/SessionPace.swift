import VXLAN

/// When the sessions are to be advanced again. Pure: time is an argument.
///
/// At their next deadline, and every quarter of a second, since the keys' counters are looked at; but never so often
/// that it costs more than a small share of a processor, however many peers there are.
struct SessionPace {
  static let intervalMax: Duration = .milliseconds(250)
  /// An advance is followed by a pause of so many times what it cost: two thirds of a percent.
  private static let costFactor = 150

  /// When to advance.
  private(set) var due: Instant

  /// - Parameter now: when the first is due.
  init(now: Instant) {
    due = now
  }

  /// They were advanced from `start` to `end`, and will have something to do at `deadline`.
  mutating func note(start: Instant, end: Instant, deadline: Instant?) {
    let earliest = end + min(Self.intervalMax, end.since(start) * Self.costFactor)
    let latest = start + Self.intervalMax
    due = max(earliest, min(deadline ?? latest, latest))
  }
}
