import VXLAN

/// What snooping knows of one address family of a segment beside its groups: routers, and who asks.
///
/// Times are nanoseconds, moments those of `Instant`.
struct MulticastFamily: Sendable {
  private static let second: UInt64 = 1_000_000_000

  /// RFC 3376, section 8: robustness, query interval, response interval; their sums.
  private static let queryInterval = UInt64(GroupQuery.interval) * second
  private static let queryResponseTime: UInt64 = 10 * second
  private static let membershipTimeMin = UInt64(GroupQuery.robustness) * queryInterval + queryResponseTime
  static let otherQuerierTime = UInt64(GroupQuery.robustness) * queryInterval + queryResponseTime / 2
  private static let startupInterval = queryInterval / 4
  static let lastQueryTime = second
  static let lastQueryCount = GroupQuery.robustness

  /// A querier may ask as rarely as it says; a membership that nobody confirms is not kept for longer than that.
  private static let membershipTimeMax: UInt64 = 2 * 3600 * second
  /// For the way there and back, and so that one look settles what is due together.
  static let slack = second / 2
  /// The first questions, about what was there before us: in short, and twice, since one may be lost.
  private static let firstResponseTime: UInt64 = second / 2
  private static let firstPause: UInt64 = second

  /// How long a report holds.
  private(set) var membershipTime = membershipTimeMin
  /// By peer slot, until when.
  private var routers: [Int: UInt64] = [:]
  private var flooded: [Int: UInt64] = [:]
  private var localRouterUntil: UInt64 = 0
  private var otherQuerierUntil: UInt64 = 0
  private var firstLeftCount = 0
  /// When to ask, if nobody else does.
  private(set) var nextQuery = UInt64.max

  /// Peers that get every group.
  var everywhere: [Int] { Array(Set(routers.keys).union(flooded.keys)) }

  func hasLocalRouter(now: UInt64) -> Bool { localRouterUntil > now }
  func hasOtherQuerier(now: UInt64) -> Bool { otherQuerierUntil > now }

  mutating func noteLocalRouter(until: UInt64) { localRouterUntil = until }
  mutating func noteOtherQuerier(now: UInt64) { otherQuerierUntil = now &+ Self.otherQuerierTime }

  /// Answers whether it was not known.
  mutating func noteRouter(at peer: Int, until: UInt64) -> Bool { routers.updateValue(until, forKey: peer) == nil }

  /// Answers whether it did not have everything before.
  mutating func giveEverything(to peer: Int, until: UInt64) -> Bool {
    flooded.updateValue(until, forKey: peer) == nil
  }

  /// A querier says how long memberships are good for.
  mutating func adopt(_ time: Duration) {
    membershipTime = min(max(time.nanosecondCount, Self.membershipTimeMin), Self.membershipTimeMax)
  }

  /// The first listener is known: others are asked for at once, whoever else asks.
  mutating func askAtOnce(now: UInt64) {
    firstLeftCount = GroupQuery.robustness
    nextQuery = now
  }

  /// What is asked now about all groups: in which time they answer. Nil: nothing.
  mutating func takeQuery(hasGroups: Bool, now: UInt64) -> Duration? {
    guard hasGroups else {
      nextQuery = .max
      return nil
    }
    guard nextQuery <= now else { return nil }
    if firstLeftCount > 0 {
      firstLeftCount -= 1
      nextQuery = now &+ (firstLeftCount > 0 ? Self.firstPause : Self.startupInterval)
      return .nanoseconds(Int64(Self.firstResponseTime))
    }
    guard !hasOtherQuerier(now: now) else {
      nextQuery = otherQuerierUntil
      return nil
    }
    nextQuery = now &+ Self.queryInterval
    return .nanoseconds(Int64(Self.queryResponseTime))
  }

  /// Answers whether the peer got every group. It may have been the one to ask: who still does will be heard again.
  mutating func remove(peer: Int, now: UInt64) -> Bool {
    if hasOtherQuerier(now: now) {
      otherQuerierUntil = 0
      nextQuery = min(nextQuery, now)
    }
    let (router, flooded) = (routers.removeValue(forKey: peer), flooded.removeValue(forKey: peer))
    return router != nil || flooded != nil
  }

  var nextAgeing: UInt64 { min(routers.values.min() ?? .max, flooded.values.min() ?? .max) }

  /// Answers whether a peer does not get every group any more.
  mutating func age(now: UInt64) -> Bool {
    let before = (routers.count, flooded.count)
    routers = routers.filter { $0.value > now }
    flooded = flooded.filter { $0.value > now }
    return before != (routers.count, flooded.count)
  }
}

/// How many records are looked at, for each segment: more than its hosts have to say, and less than a core's work.
struct RecordBudget: Sendable {
  private static let perSecond: UInt64 = 10_000
  private static let burst: UInt64 = 4096
  private static let interval: UInt64 = 1_000_000_000 / perSecond

  private var fullAt: UInt64 = 0

  /// Takes `count` at once, or none.
  mutating func take(_ count: Int, now: Instant) -> Bool {
    let end = max(fullAt, now.nanoseconds) &+ UInt64(count) &* Self.interval
    guard end <= now.nanoseconds &+ Self.burst &* Self.interval else { return false }
    fullAt = end
    return true
  }
}
