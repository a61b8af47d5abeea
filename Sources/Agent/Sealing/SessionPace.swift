import VXLAN

/// When the sessions are to be advanced again. Pure: time is an argument.
///
/// At their next deadline, and every quarter of a second, since the keys' counters are looked at. Looking at many peers
/// takes a small share of a processor at most, as long as that is possible within `intervalMax`. Initiations have
/// a budget of their own, the table's, and a slice of them is followed by the next without a pause.
struct SessionPace {
  static let intervalMax: Duration = .milliseconds(250)
  /// An advance is followed by a pause of so many times what it cost, up to `intervalMax`: two thirds of a percent.
  private static let costFactor = 150

  /// When to advance.
  private(set) var due: Instant
  /// Not before.
  private var earliest: Instant

  /// - Parameter now: when the first is due.
  init(now: Instant) {
    due = now
    earliest = now
  }

  /// Something is due at `deadline` that was not known when they were advanced.
  mutating func hasten(to deadline: Instant?) {
    if let deadline { due = min(due, max(deadline, earliest)) }
  }

  /// They were advanced from `start` to `end`, and will have something to do at `deadline`; at once where they are
  /// behind.
  mutating func note(start: Instant, end: Instant, deadline: Instant?, isBehind: Bool = false) {
    guard !isBehind else {
      (due, earliest) = (end, end)
      return
    }
    earliest = end + min(Self.intervalMax, end.since(start) * Self.costFactor)
    let latest = start + Self.intervalMax
    due = max(earliest, min(deadline ?? latest, latest))
  }
}
