import VXLAN

/// What strangers can make this process compute: how many handshake messages are opened in a second, each of which
/// costs two agreements of keys, about 0.4 ms. Belongs to the control thread.
///
/// An initiation without a cookie takes from a share that anybody can use up. One with a cookie, whose sender receives
/// at its address, takes from another: from one of its own where the configuration has a peer at that address, so that
/// no crowd of strangers keeps a peer away.
struct HandshakeBudget {
  private var initiations = TokenBucket(perSecond: Limits.initiationsPerSecond, burst: Limits.initiationBurst)
  private var shown = TokenBucket(perSecond: Limits.cookieInitiationsPerSecond, burst: Limits.cookieInitiationBurst)
  private var responses = TokenBucket(perSecond: Limits.responsesPerSecond, burst: Limits.responseBurst)
  private var replies = TokenBucket(perSecond: Limits.cookieRepliesPerSecond, burst: Limits.cookieRepliesPerSecond)
  /// By configured address: how many peers have it, and their share.
  private var addresses: [IPAddress: (peerCount: Int, share: TokenBucket)] = [:]

  /// A peer is expected at `address`.
  mutating func add(_ address: IPAddress) {
    let share = TokenBucket(perSecond: Limits.answersPerSecond, burst: Limits.answerBurst)
    addresses[address, default: (0, share)].peerCount += 1
  }

  /// One peer less is.
  mutating func remove(_ address: IPAddress) {
    guard let count = addresses[address]?.peerCount else { return }
    if count > 1 { addresses[address]?.peerCount = count - 1 } else { addresses[address] = nil }
  }

  /// Whether an initiation whose sender showed no cookie may be opened.
  mutating func takeInitiation(now: Instant) -> Bool { initiations.take(now: now) }

  /// Whether one from `address` may be opened whose sender showed the cookie for it.
  mutating func takeInitiation(withCookieFrom address: IPAddress, now: Instant) -> Bool {
    if let isTaken = addresses[address]?.share.take(now: now) { return isTaken }
    return shown.take(now: now)
  }

  /// Whether a response to an attempt of ours may be opened that came from elsewhere than the attempt went to.
  mutating func takeResponse(now: Instant) -> Bool { responses.take(now: now) }

  /// Whether a cookie may be given.
  mutating func takeCookieReply(now: Instant) -> Bool { replies.take(now: now) }
}
