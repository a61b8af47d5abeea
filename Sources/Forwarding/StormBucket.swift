import Synchronization
import VXLAN

/// How many frames a segment floods: a token bucket for what its TAP sends to many, with a burst of a tenth of a
/// second.
///
/// One for each segment, whichever worker a frame comes to: shares of the workers would give one flow, which stays with
/// one of them, a fraction of the limit. What is asked for is one word, read when the bucket is empty and written when
/// it is not; what is counted then lies on another cache line. Buckets that lie one behind the other share none, so the
/// storm of one segment costs the workers of others nothing.
///
///     byte 0    how fast it fills, which hardly ever changes; then the word that is asked for
///     byte 64   refusals
///     byte 128  the next bucket; `alignment` keeps them on lines of their own
///
/// *Threads.* Any.
/// *Units.* Frames; a superframe of N segments is N of them.
package struct StormBucket: ~Copyable {
  /// The most that may be configured: above it the nanoseconds between two frames are too few to count with.
  package static let perSecondMax = 10_000_000
  /// Of the memory that buckets are kept in, in bytes.
  package static let alignment = 128
  private static let burstNanoseconds: UInt64 = 100_000_000

  /// Nanoseconds in which one frame comes back, rounded up, so that the limit is never passed; 0 = no limit.
  private let interval: Atomic<UInt64>
  /// When it is full again, on the clock of `Instant`.
  private let fullAt = Atomic<UInt64>(0)
  private let gap = InlineArray<6, UInt64>(repeating: 0)
  private let refusals = Atomic<UInt64>(0)
  private let end = InlineArray<7, UInt64>(repeating: 0)

  /// - Parameter perSecond: 0...`perSecondMax`; 0 = no limit.
  package init(perSecond: Int) {
    interval = Atomic(Self.interval(perSecond))
  }

  /// Fills so fast from now on; what was taken stays taken.
  /// - Parameter perSecond: as in `init`.
  package borrowing func setRate(perSecond: Int) { interval.store(Self.interval(perSecond), ordering: .relaxed) }

  // HOT
  /// Takes `count` frames at once. False, and nothing taken, when there are too few. More than a whole burst passes
  /// from a full bucket only, and is paid back before the next.
  package borrowing func take(_ count: Int, now: Instant) -> Bool {
    let interval = interval.load(ordering: .relaxed)
    if interval == 0 { return true }
    let cost = UInt64(truncatingIfNeeded: count) &* interval
    let latest = now.nanoseconds &+ max(Self.burstNanoseconds, cost)
    var end = fullAt.load(ordering: .relaxed)
    while true {
      let next = max(end, now.nanoseconds) &+ cost
      guard next <= latest else {
        refusals.add(UInt64(truncatingIfNeeded: count), ordering: .relaxed)
        return false
      }
      // Relaxed: the word stands for no other memory.
      let result = fullAt.compareExchange(expected: end, desired: next, ordering: .relaxed)
      if result.exchanged { return true }
      end = result.original
    }
  }

  /// Frames that found too few.
  package borrowing func refusedCount() -> UInt64 { refusals.load(ordering: .relaxed) }

  private static func interval(_ perSecond: Int) -> UInt64 {
    precondition(perSecond >= 0 && perSecond <= perSecondMax)
    return perSecond == 0 ? 0 : (1_000_000_000 &+ UInt64(perSecond) &- 1) / UInt64(perSecond)
  }
}
