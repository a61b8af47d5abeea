import Synchronization
import VXLAN

/// When the routes to the peers are to be read again. Pure: time is an argument.
///
/// News are joined: a reading follows the first of them at once, the next only after a pause, which grows with what a
/// reading costs, so that a host whose routes never rest spends a tenth of a processor at most. Without news they are
/// read now and then all the same.
struct PathSchedule {
  private static let pauseMin: Duration = .milliseconds(50)
  private static let pauseMax: Duration = .seconds(2)
  private static let restMax: Duration = .seconds(30)
  private static let costFactor = 10

  private var earliest: Instant
  private var latest: Instant

  /// - Parameter now: when they were read first.
  init(now: Instant) {
    earliest = now
    latest = now + Self.restMax
  }

  /// When to read.
  func next(hasNews: Bool) -> Instant { hasNews ? earliest : latest }

  /// They were read from `start` to `end`.
  mutating func note(start: Instant, end: Instant) {
    let pause = min(Self.pauseMax, max(Self.pauseMin, end.since(start) * Self.costFactor))
    earliest = end + pause
    latest = end + Self.restMax
  }
}

/// Whether something was heard of routes since they were read. Any thread.
final class PathNews: Sendable {
  private let hasAny = Atomic<Bool>(false)

  /// Answers whether it is the first since `take`: then somebody has to be woken.
  func note() -> Bool { !hasAny.exchange(true, ordering: .acquiringAndReleasing) }

  /// To be called before the routes are read: what is noted meanwhile may have come too late for this reading.
  func take() { hasAny.store(false, ordering: .sequentiallyConsistent) }

  var isWaiting: Bool { hasAny.load(ordering: .acquiring) }
}
