import VXLAN

/// What strangers can make this process compute: how many handshake messages are opened in a second, each of which
/// costs two agreements of keys, about 0.4 ms. Belongs to the control thread.
///
/// An initiation without a cookie takes from a share that anybody can use up. One with a cookie, whose sender receives
/// at its address, takes from another: first from that of the address where a peer is at it, by configuration or by
/// proof, so that no crowd of strangers keeps a peer away. Of both each port of an address has a few, so that of
/// several peers behind one address none keeps the others away. Cookies are given in the same way: whoever sends from
/// many addresses, made up or not, takes none from those where peers are.
struct HandshakeBudget {
  private var initiations = TokenBucket(perSecond: Limits.initiationsPerSecond, burst: Limits.initiationBurst)
  private var shown = TokenBucket(perSecond: Limits.cookieInitiationsPerSecond, burst: Limits.cookieInitiationBurst)
  private var responses = TokenBucket(perSecond: Limits.responsesPerSecond, burst: Limits.responseBurst)
  private var replies = TokenBucket(perSecond: Limits.cookieRepliesPerSecond, burst: Limits.cookieRepliesPerSecond)
  private var senders = SenderShares()
  /// By address at which a peer is expected, configured or moved to.
  private var addresses: [IPAddress: Expected] = [:]

  /// How many peers have an address, and their share.
  private struct Expected {
    var peerCount = 0
    var share = TokenBucket(perSecond: Limits.answersPerSecond, burst: Limits.answerBurst)
    var replies = TokenBucket(perSecond: Limits.peerCookieRepliesPerSecond, burst: Limits.peerCookieReplyBurst)
  }

  /// A peer is expected at `address`.
  mutating func add(_ address: IPAddress) {
    addresses[address, default: Expected()].peerCount += 1
  }

  /// One peer less is.
  mutating func remove(_ address: IPAddress) {
    guard let count = addresses[address]?.peerCount else { return }
    if count > 1 { addresses[address]?.peerCount = count - 1 } else { addresses[address] = nil }
  }

  /// Whether an initiation whose sender showed no cookie may be opened.
  mutating func takeInitiation(now: Instant) -> Bool { initiations.take(now: now) }

  /// Whether one from `source` may be opened whose sender showed the cookie for it.
  mutating func takeInitiation(withCookieFrom source: Endpoint, now: Instant) -> Bool {
    guard senders.take(source, now: now) else { return false }
    if addresses[source.address]?.share.take(now: now) == true { return true }
    return shown.take(now: now)
  }

  /// Whether a response to an attempt of ours may be opened that came from elsewhere than the attempt went to.
  mutating func takeResponse(now: Instant) -> Bool { responses.take(now: now) }

  /// Whether there is a cookie for `address`, which stays there.
  func hasCookieReply(for address: IPAddress, now: Instant) -> Bool {
    replies.has(now: now) || addresses[address]?.replies.has(now: now) == true
  }

  /// Whether a cookie may be given to `address`.
  mutating func takeCookieReply(to address: IPAddress, now: Instant) -> Bool {
    if addresses[address]?.replies.take(now: now) == true { return true }
    return replies.take(now: now)
  }
}
