import VXLAN

/// Who listens to which groups of one segment, and when to ask them: the state of snooping, without bytes and clocks.
///
/// Listeners are known by peer, from their reports, for as long as the querier promises to ask again. A peer with a
/// router gets all groups; so does one that reports more than is kept of it, since what is not known is flooded.
///
/// The agent asks when nobody else does, and only while there is a listener to keep: of several agents the one with the
/// lowest address. When the first listener becomes known it asks at once, because others may have reported before it
/// was there to hear them.
///
/// *Threads.* One at a time.
/// - SeeAlso: RFC 4541; RFC 3376, sections 6 and 8; RFC 3810, sections 7 and 9.
package struct MulticastGroups: Sendable {
  /// What came of a message.
  package struct Outcome: Equatable, Sendable {
    /// Frames go other ways than before.
    package var isChanged = false
    /// The frame is not to be written to the TAP: listeners behind it would keep their own report back.
    package var staysOutOfTAP = false
  }

  /// Who listens to one group at one peer.
  struct Listener {
    var peer: Int
    /// On the clock of `Instant`, in nanoseconds; here and below.
    var until: UInt64
  }

  private struct GroupTimer {
    var group: IPAddress
    var next: UInt64
    var leftCount: Int
  }

  /// Groups that have a listener, each with at least one.
  private(set) var groups: [IPAddress: [Listener]] = [:]
  private var countByPeer: [Int: Int] = [:]
  private var ipv4 = MulticastFamily()
  private var ipv6 = MulticastFamily()
  private var leaving: [GroupTimer] = []
  /// When the first of them is asked about.
  private var nextLeaving = UInt64.max
  /// When the first listener or router may have to go.
  private var nextAgeing = UInt64.max
  /// Of records, which cost a look-up each.
  private var budget = RecordBudget()
  /// Reports of groups that found no place: their groups are flooded.
  package private(set) var refusedCount: UInt64 = 0

  package init() {}

  /// When `advance` wants to be called, in nanoseconds; `UInt64.max`: not before the next message.
  package var next: UInt64 {
    min(nextAgeing, nextLeaving, ipv4.nextQuery, ipv6.nextQuery)
  }

  /// Peers that get every group of the family, with listeners or without.
  func everywhere(_ family: AddressFamily) -> [Int] { self[family].everywhere }

  /// Takes a message that came from a peer, or from behind the TAP.
  /// - Parameter outranks: the peer's agent is the one to ask, if both would.
  package mutating func take(_ message: GroupMessage, from remote: Remote, outranks: Bool, now: Instant) -> Outcome {
    switch message {
    case .query(let query): take(query, from: remote, outranks: outranks, now: now.nanoseconds)
    case .hello(let family): takeRouter(family, at: remote, now: now.nanoseconds)
    case .report(let report): take(report, from: remote, now: now)
    }
  }

  /// Lets go of who did not report again, and answers what is to be asked now.
  package mutating func advance(now: Instant) -> (queries: [GroupQuery], isChanged: Bool) {
    let isChanged = now.nanoseconds >= nextAgeing && age(now: now.nanoseconds)
    var queries: [GroupQuery] = []
    for family in AddressFamily.allCases {
      let hasGroups = groups.keys.contains { $0.family == family }
      if let responseTime = self[family].takeQuery(hasGroups: hasGroups, now: now.nanoseconds) {
        queries.append(GroupQuery(family: family, responseTime: responseTime))
      }
    }
    return (queries + groupQueries(now: now.nanoseconds), isChanged)
  }

  private subscript(_ family: AddressFamily) -> MulticastFamily {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  // Reports

  private mutating func take(_ report: GroupMessage.Report, from remote: Remote, now: Instant) -> Outcome {
    // Who listens behind the own TAP is for others to know.
    guard let peer = remote.peerSlot else { return Outcome() }
    var outcome = Outcome()
    outcome.staysOutOfTAP = report.silencesOthers && !self[report.family].hasLocalRouter(now: now.nanoseconds)
    guard budget.take(report.records.count, now: now) else {
      outcome.isChanged = giveEverything(report.family, to: peer, now: now.nanoseconds)
      return outcome
    }
    for record in report.records where record.group.isSnooped {
      switch record.change {
      case .joins: if join(record.group, peer, now: now.nanoseconds) { outcome.isChanged = true }
      case .leaves: leave(record.group, peer, now: now.nanoseconds)
      }
    }
    return outcome
  }

  /// Answers whether the ways have changed.
  private mutating func join(_ group: IPAddress, _ peer: Int, now: UInt64) -> Bool {
    let until = now &+ self[group.family].membershipTime
    var listeners = groups[group] ?? []
    if let index = listeners.firstIndex(where: { $0.peer == peer }) {
      listeners[index].until = until
      groups[group] = listeners
      return false
    }
    guard countByPeer[peer, default: 0] < Limits.groupsPerPeerMax else {
      return giveEverything(group.family, to: peer, now: now)
    }
    guard !listeners.isEmpty || groups.count < Limits.groupsPerSegmentMax else {
      refusedCount &+= 1
      return false
    }
    if listeners.isEmpty, !groups.keys.contains(where: { $0.family == group.family }) {
      self[group.family].askAtOnce(now: now)
    }
    listeners.append(Listener(peer: peer, until: until))
    groups[group] = listeners
    countByPeer[peer, default: 0] += 1
    nextAgeing = min(nextAgeing, until)
    return true
  }

  private mutating func giveEverything(_ family: AddressFamily, to peer: Int, now: UInt64) -> Bool {
    let until = now &+ self[family].membershipTime
    nextAgeing = min(nextAgeing, until)
    return self[family].giveEverything(to: peer, until: until)
  }

  /// There may be other listeners at the peer: they are asked, unless somebody else asks.
  private mutating func leave(_ group: IPAddress, _ peer: Int, now: UInt64) {
    guard groups[group]?.contains(where: { $0.peer == peer }) == true, !self[group.family].hasOtherQuerier(now: now),
      !leaving.contains(where: { $0.group == group }), leaving.count < Limits.leavingGroupCountMax
    else { return }
    leaving.append(GroupTimer(group: group, next: now, leftCount: MulticastFamily.lastQueryCount))
    nextLeaving = min(nextLeaving, now)
  }

  // Queries

  private mutating func take(
    _ query: GroupMessage.Query, from remote: Remote, outranks: Bool, now: UInt64
  ) -> Outcome {
    var outcome = Outcome()
    // Of a peer's agent; whoever else asks wants the groups too, whatever address he asks from.
    let isOfPeer = query.isOfAgent && !remote.isLocal
    if !isOfPeer { outcome = takeRouter(query.family, at: remote, now: now) }
    if !isOfPeer || outranks { self[query.family].noteOtherQuerier(now: now) }
    if let time = query.membershipTime { self[query.family].adopt(time) }
    if let group = query.group, !query.suppressesTimers { lower(group, responseTime: query.responseTime, now: now) }
    return outcome
  }

  private mutating func takeRouter(_ family: AddressFamily, at remote: Remote, now: UInt64) -> Outcome {
    let until = now &+ MulticastFamily.otherQuerierTime
    guard let peer = remote.peerSlot else {
      self[family].noteLocalRouter(until: until)
      return Outcome()
    }
    nextAgeing = min(nextAgeing, until)
    return Outcome(isChanged: self[family].noteRouter(at: peer, until: until))
  }

  /// Who listens to the group has so long to say it again.
  private mutating func lower(_ group: IPAddress, responseTime: Duration, now: UInt64) {
    guard var listeners = groups[group] else { return }
    let response = max(MulticastFamily.lastQueryTime, responseTime.nanosecondCount)
    let until = now &+ response &* UInt64(MulticastFamily.lastQueryCount) &+ MulticastFamily.slack
    for index in listeners.indices { listeners[index].until = min(listeners[index].until, until) }
    groups[group] = listeners
    nextAgeing = min(nextAgeing, until)
  }

  private mutating func groupQueries(now: UInt64) -> [GroupQuery] {
    var queries: [GroupQuery] = []
    for index in leaving.indices where leaving[index].next <= now {
      let responseTime = Duration.nanoseconds(Int64(MulticastFamily.lastQueryTime))
      leaving[index].leftCount -= 1
      leaving[index].next = now &+ MulticastFamily.lastQueryTime
      // With the first only: who answers it is not to be doubted by the second.
      if leaving[index].leftCount == MulticastFamily.lastQueryCount - 1 {
        lower(leaving[index].group, responseTime: responseTime, now: now)
      }
      queries.append(
        GroupQuery(family: leaving[index].group.family, group: leaving[index].group, responseTime: responseTime))
    }
    leaving.removeAll { $0.leftCount == 0 }
    nextLeaving = leaving.map(\.next).min() ?? .max
    return queries
  }

  // Ageing

  /// Forgets what is known of a peer. Answers whether the ways have changed.
  package mutating func remove(peer: Int, now: Instant) -> Bool {
    var isChanged = countByPeer.removeValue(forKey: peer) != nil
    if isChanged {
      for (group, listeners) in groups where listeners.contains(where: { $0.peer == peer }) {
        let kept = listeners.filter { $0.peer != peer }
        groups[group] = kept.isEmpty ? nil : kept
      }
    }
    for family in AddressFamily.allCases where self[family].remove(peer: peer, now: now.nanoseconds) {
      isChanged = true
    }
    return isChanged
  }

  /// Answers whether somebody went.
  private mutating func age(now: UInt64) -> Bool {
    var hasGone = false
    nextAgeing = .max
    for (group, listeners) in groups {
      let kept = listeners.filter { $0.until > now }
      for listener in kept { nextAgeing = min(nextAgeing, listener.until) }
      guard kept.count < listeners.count else { continue }
      hasGone = true
      for listener in listeners where listener.until <= now { countByPeer[listener.peer, default: 1] -= 1 }
      groups[group] = kept.isEmpty ? nil : kept
    }
    countByPeer = countByPeer.filter { $0.value > 0 }
    for family in AddressFamily.allCases {
      if self[family].age(now: now) { hasGone = true }
      nextAgeing = min(nextAgeing, self[family].nextAgeing)
    }
    // What is due at almost the same time goes in one look.
    if nextAgeing != .max { nextAgeing = max(nextAgeing, now &+ MulticastFamily.slack) }
    return hasGone
  }
}
