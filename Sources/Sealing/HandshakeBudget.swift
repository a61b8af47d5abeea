import VXLAN

/// What strangers can make this process compute: how many handshake messages are opened in a second, each of which
/// costs two agreements of keys, about 0.4 ms. Belongs to the control thread.
///
/// An initiation without a cookie takes from a share that anybody can use up. One with a cookie, whose sender receives
/// at its address, takes from another: first from that of the address where a peer is at it, by configuration or by
/// proof, so that no crowd of strangers keeps a peer away; there each port has a few, so that of several peers behind
/// one address none keeps the others away. Of what is for all, each host has a few, whatever port it sends from: a
/// host is an IPv4 address or a network of 64 bits of IPv6, and has as much more as peers are at it. A share is asked
/// after the budget: where that is spent nothing of the share is. Cookies are given in the same way: whoever sends from
/// many addresses, made up or not, takes none from those where peers are.
struct HandshakeBudget {
  private var initiations = TokenBucket(perSecond: Limits.initiationsPerSecond, burst: Limits.initiationBurst)
  private var shown = TokenBucket(perSecond: Limits.cookieInitiationsPerSecond, burst: Limits.cookieInitiationBurst)
  private var responses = TokenBucket(perSecond: Limits.responsesPerSecond, burst: Limits.responseBurst)
  private var replies = TokenBucket(perSecond: Limits.cookieRepliesPerSecond, burst: Limits.cookieRepliesPerSecond)
  private var ports = SenderShares<Endpoint>()
  private var hosts = SenderShares<IPAddress>()
  /// By address at which a peer is expected, configured or moved to.
  private var addresses: [IPAddress: Expected] = [:]

  /// How many peers have an address, and their share. A peer that is where it is configured to be is here twice.
  private struct Expected {
    var peerCount = 0
    var hostCount: Int { (peerCount + 1) / 2 }
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
    guard let hostCount = addresses[source.address]?.hostCount else {
      return takeShown(by: source.address, hostCount: 1, now: now)
    }
    guard ports.has(source, now: now),
      addresses[source.address]?.share.take(now: now) == true
        || takeShown(by: source.address, hostCount: hostCount, now: now)
    else { return false }
    return ports.take(source, now: now)
  }

  private mutating func takeShown(by address: IPAddress, hostCount: Int, now: Instant) -> Bool {
    guard shown.has(now: now), hosts.take(address.host, hostCount: hostCount, now: now) else { return false }
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

extension IPAddress {
  /// What stands for the host that has the address: of IPv6 its network, since a host may take any address in it.
  fileprivate var host: IPAddress { family == .ipv4 ? self : IPAddress(ipv6High: high, low: 0) }
}
