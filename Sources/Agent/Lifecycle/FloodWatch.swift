import VXLAN

/// When to look at what the workers found of floods, and what is told of it: of a storm of one segment, one line in ten
/// seconds.
///
/// Nothing is looked at while nothing happens; with the first news, and then every second until all of it is told.
///
/// *Threads.* The main thread.
struct FloodWatch {
  static let lookPause: Duration = .seconds(1)
  static let linePause: Duration = .seconds(10)

  private struct Segment {
    /// Frames above the rate that were told of.
    var toldCount: UInt64 = 0
    var nextStormLine = Instant(nanoseconds: 0)
  }

  /// By slot.
  private var segments: [Int: Segment] = [:]
  /// Nil: only when there is news.
  private(set) var next: Instant?

  init() {}

  /// Whatever gets the slot next has nothing told of it.
  mutating func forget(segment slot: Int) { segments[slot] = nil }

  /// Whether a look is due at `now`.
  func isDue(hasNews: Bool, now: Instant) -> Bool { next.map { $0 <= now } ?? hasNews }

  /// A look begins.
  mutating func beginLook() { next = nil }

  /// What to tell of the frames of a segment that were above its rate, `total` since the start: how many are new. Nil:
  /// nothing, or not yet.
  mutating func storm(ofSegment slot: Int, total: UInt64, now: Instant) -> UInt64? {
    guard total != segments[slot, default: Segment()].toldCount else { return nil }
    next = now + Self.lookPause
    guard segments[slot, default: Segment()].nextStormLine <= now else { return nil }
    segments[slot, default: Segment()].nextStormLine = now + Self.linePause
    defer { segments[slot, default: Segment()].toldCount = total }
    return total &- segments[slot, default: Segment()].toldCount
  }
}
