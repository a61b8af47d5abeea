import VXLAN

/// How often each of those who show cookies is heard: two at once and three a second, which is as often as any peer
/// asks. A sender is in it while its share is not full again, so it is for those only that a budget was found for: then
/// its rate bounds how many there are. One owner.
struct SenderShares<Sender: Hashable> {
  private static var countMax: Int { 256 }
  private static var perSecond: UInt64 { 3 }
  private static var burst: UInt64 { 2 }

  private var shares: [Sender: TokenBucket] = [:]

  /// Whether `sender` has not used up its share.
  func has(_ sender: Sender, now: Instant) -> Bool { shares[sender]?.has(now: now) ?? true }

  /// Takes one of the share of `sender`. False, and nothing changed, when there is none.
  /// - Parameter hostCount: how many hosts speak as this sender, 1 at least: it has the shares of all.
  mutating func take(_ sender: Sender, hostCount: Int = 1, now: Instant) -> Bool {
    if shares[sender] == nil, shares.count >= Self.countMax {
      shares = shares.filter { !$1.isFull(now: now) }
      guard shares.count < Self.countMax else { return true }
    }
    let count = UInt64(hostCount)
    let share = TokenBucket(perSecond: count * Self.perSecond, burst: count * Self.burst)
    return shares[sender, default: share].take(now: now)
  }
}
