import VXLAN

/// In which order peers are initiated to that all are due, and how many: each initiation costs two agreements of keys,
/// about 0.4 ms. Belongs to the control thread.
///
/// A first attempt is made at once. Repetitions share a budget, so that a thousand peers that do not answer cost less
/// than one percent of a core: first those whose session ends without it, then who was asked longest ago.
struct InitiationQueue {
  private var repeats = TokenBucket(perSecond: Limits.repeatsPerSecond, burst: Limits.repeatBurst)
  /// Whether the last slice was full.
  private(set) var isBehind = false

  /// Initiates to the first of `peers`, which are due; the others stay due.
  mutating func serve(_ peers: inout [PeerSessions], now: Instant) {
    isBehind = false
    guard !peers.isEmpty else { return }
    peers.sort { Self.rank($0) < Self.rank($1) }
    var count = 0
    for peer in peers {
      guard count < Limits.initiationSliceCount else {
        isBehind = true
        return
      }
      guard peer.attemptNumber == 0 || repeats.take(now: now) else {
        peer.isPutOff = true
        continue
      }
      peer.initiate(now: now)
      count += 1
    }
  }

  private static func rank(_ peer: PeerSessions) -> (Int, UInt64) {
    let group = peer.attemptNumber == 0 ? 0 : peer.current != nil ? 1 : 2
    return (group, peer.lastAttemptAt?.nanoseconds ?? 0)
  }
}
