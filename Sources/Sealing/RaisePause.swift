import VXLAN

/// How long a path that was found to take less than its route rests before it is asked for more. Pure.
///
/// Large packets that were lost for some seconds, by congestion or while routes changed, look like a smaller path: so
/// the first pause is short. Each question in vain doubles it, up to the longest; so does a loss of what passes that
/// comes soon after another, for a path that goes to and fro must not lose packets each time that it is asked too much.
struct RaisePause {
  private static let shortest = Duration.seconds(15)

  private var longest: Duration
  private var pause: Duration
  private var loweredAt: Instant?

  init(longest: Duration) {
    self.longest = longest
    pause = min(longest, Self.shortest)
  }

  /// Rests no longer than that from the next time on.
  mutating func setLongest(_ longest: Duration) {
    self.longest = longest
    pause = min(longest, max(pause, Self.shortest))
  }

  /// More was asked for, and does not pass.
  mutating func noteVain() { pause = min(longest, pause * 2) }

  /// What counted does not pass any more.
  mutating func noteLowered(now: Instant) {
    if let before = loweredAt, now.since(before) < longest { noteVain() } else { pause = min(longest, Self.shortest) }
    loweredAt = now
  }

  /// Up to a quarter longer at random, so that many peers behind one router are not asked together.
  func next(_ entropy: inout any Entropy) -> Duration {
    let more = pause.nanosecondCount / 4
    return min(longest, pause + .nanoseconds(Int64(entropy.next(in: 0..<more + 1))))
  }
}
