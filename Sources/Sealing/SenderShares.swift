import VXLAN

/// How often each of those who show cookies is heard, by address and port: two at once and three a second, which is as
/// often as any peer asks. Who sends from many ports finds every share unused; against that only the budgets of all
/// help. One owner.
struct SenderShares {
  private static let countMax = 256
  private static let perSecond: UInt64 = 3
  private static let burst: UInt64 = 2

  private var shares: [Endpoint: TokenBucket] = [:]

  /// Whether `sender` has not used up its share.
  mutating func take(_ sender: Endpoint, now: Instant) -> Bool {
    if shares[sender] == nil, shares.count >= Self.countMax {
      shares = shares.filter { !$1.isFull(now: now) }
      guard shares.count < Self.countMax else { return true }
    }
    return shares[sender, default: TokenBucket(perSecond: Self.perSecond, burst: Self.burst)].take(now: now)
  }
}
