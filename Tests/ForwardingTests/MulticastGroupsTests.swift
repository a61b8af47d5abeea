import TestKit
import Testing

@testable import Forwarding
@testable import VXLAN

@Suite("Multicast groups")
struct MulticastGroupsTests {
  /// A segment's state and a clock.
  private struct Snooper {
    var groups = MulticastGroups()
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var asked: [GroupQuery] = []

    @discardableResult
    mutating func hear(_ message: GroupMessage, from peer: Int?, outranks: Bool = false) -> MulticastGroups.Outcome {
      groups.take(message, from: peer.map { Remote.peer($0) } ?? .local, outranks: outranks, now: now)
    }

    mutating func joins(_ group: IPAddress, _ peer: Int) { hear(Self.report(group, .joins), from: peer) }
    mutating func leaves(_ group: IPAddress, _ peer: Int) { hear(Self.report(group, .leaves), from: peer) }

    static func report(
      _ group: IPAddress, _ change: GroupMessage.Change, silences: Bool = false
    ) -> GroupMessage {
      .report(
        .init(family: group.family, records: [.init(group: group, change: change)], silencesOthers: silences))
    }

    static func query(
      _ source: String, group: IPAddress? = nil, time: Duration? = nil, isOfAgent: Bool = false
    ) -> GroupMessage {
      let source = IPAddress(source) ?? IPAddress(ipv4: 0)
      var query = GroupMessage.Query(
        family: source.family, group: group, responseTime: .seconds(group == nil ? 10 : 1))
      query.membershipTime = time
      query.isOfAgent = isOfAgent
      return .query(query)
    }

    /// Lets time pass in the steps that the state asks for.
    mutating func pass(_ duration: Duration) {
      let end = now + duration
      while groups.next <= end.nanoseconds {
        now = Instant(nanoseconds: max(now.nanoseconds, groups.next))
        let before = groups.next
        asked += groups.advance(now: now).queries
        precondition(groups.next != before || before > now.nanoseconds, "it does not want to do what is due")
      }
      now = end
    }

    func listeners(_ group: IPAddress) -> [Int] { (groups.groups[group] ?? []).map(\.peer).sorted() }
  }

  private let group = IPAddress(ipv4: 0xEF01_0203)
  private let other = IPAddress(ipv4: 0xEF01_0204)
  private let groupIPv6 = IPAddress(ipv6High: 0xFF15 << 48, low: 7)

  @Test("who reports is a listener for 260 s, and as long as it reports again", arguments: [false, true])
  func membership(isIPv6: Bool) {
    let group = isIPv6 ? groupIPv6 : group
    var snooper = Snooper()
    snooper.joins(group, 1)
    snooper.joins(group, 2)
    snooper.pass(.seconds(250))
    snooper.joins(group, 2)
    #expect(snooper.listeners(group) == [1, 2])
    snooper.pass(.seconds(11))
    #expect(snooper.listeners(group) == [2])
    snooper.pass(.seconds(250))
    #expect(snooper.listeners(group) == [] && snooper.groups.groups.isEmpty)
    snooper.pass(.seconds(10_000))
    #expect(snooper.groups.next == .max, "nothing is left to do")
  }

  @Test("groups within one link are never known, so they are flooded")
  func linkLocal() {
    var snooper = Snooper()
    for text in ["224.0.0.251", "ff02::fb", "ff02::1:ff00:1"] { snooper.joins(IPAddress(text) ?? group, 1) }
    #expect(snooper.groups.groups.isEmpty && snooper.groups.next == .max)
  }

  @Test("the first listener makes the agent ask at once, and then every 125 s while there is one and nobody else asks")
  func querier() {
    var snooper = Snooper()
    snooper.pass(.seconds(1000))
    #expect(snooper.asked.isEmpty, "there is nobody to keep")
    snooper.joins(group, 1)
    snooper.pass(.seconds(1))
    #expect(snooper.asked == Array(repeating: GroupQuery(family: .ipv4, responseTime: .milliseconds(500)), count: 2))
    for _ in 0..<10 {
      snooper.pass(.seconds(100))
      snooper.joins(group, 1)
    }
    let later = snooper.asked.dropFirst(2)
    #expect(later.allSatisfy { $0 == GroupQuery(family: .ipv4, responseTime: .seconds(10)) } && later.count == 8)
    snooper.pass(.seconds(1000))
    #expect(snooper.listeners(group).isEmpty)
    snooper.asked = []
    snooper.pass(.seconds(1000))
    #expect(snooper.asked.isEmpty)
  }

  @Test(
    "a router, a switch, and an agent behind the TAP or of a lower address silence the agent for 255 s; others do not")
  func election() {
    for (source, peer, isOfAgent, outranks, isSilent) in [
      ("10.0.0.1", 1, false, false, true), ("10.0.0.1", nil, false, false, true),
      ("0.0.0.0", 1, false, false, true), ("0.0.0.0", nil, false, false, true),
      ("0.0.0.0", nil, true, false, true), ("0.0.0.0", 1, true, true, true), ("0.0.0.0", 1, true, false, false),
    ] as [(String, Int?, Bool, Bool, Bool)] {
      var snooper = Snooper()
      snooper.joins(group, 2)
      snooper.pass(.seconds(2))
      snooper.asked = []
      snooper.hear(Snooper.query(source, isOfAgent: isOfAgent), from: peer, outranks: outranks)
      snooper.pass(.seconds(200))
      #expect(snooper.asked.isEmpty == isSilent, "\(source) at \(String(describing: peer))")
      snooper.joins(group, 2)
      snooper.pass(.seconds(60))
      #expect(!snooper.asked.isEmpty, "it asks when the other has fallen silent")
    }
  }

  @Test(
    "a peer with a router or a switch that asks gets every group, for 255 s after its last query; an agent does not")
  func routers() {
    var snooper = Snooper()
    snooper.joins(group, 1)
    #expect(snooper.hear(Snooper.query("10.0.0.1"), from: 3).isChanged)
    #expect(!snooper.hear(Snooper.query("10.0.0.1"), from: 3).isChanged)
    #expect(snooper.hear(Snooper.query("0.0.0.0"), from: 4).isChanged)
    #expect(snooper.hear(.hello(.ipv4), from: 5).isChanged)
    #expect(!snooper.hear(Snooper.query("0.0.0.0", isOfAgent: true), from: 6, outranks: true).isChanged)
    #expect(snooper.groups.everywhere(.ipv4).sorted() == [3, 4, 5] && snooper.groups.everywhere(.ipv6).isEmpty)
    snooper.pass(.seconds(256))
    #expect(snooper.groups.everywhere(.ipv4).isEmpty)
  }

  @Test("a leave is followed by two questions about the group; who does not answer them is gone within 3 s")
  func leave() {
    var snooper = Snooper()
    for peer in [1, 2, 3] { snooper.joins(group, peer) }
    snooper.pass(.seconds(5))
    snooper.asked = []
    snooper.leaves(group, 1)
    #expect(snooper.listeners(group) == [1, 2, 3], "another host at the peer may listen")
    snooper.pass(.milliseconds(500))
    snooper.joins(group, 2)
    snooper.pass(.milliseconds(700))
    snooper.joins(group, 3)
    snooper.pass(.seconds(2))
    #expect(snooper.listeners(group) == [2, 3])
    let question = GroupQuery(family: .ipv4, group: group, responseTime: .seconds(1))
    #expect(snooper.asked == [question, question])
    snooper.pass(.seconds(200))
    #expect(snooper.listeners(group) == [2, 3])
  }

  @Test("where somebody else asks a leave is his to follow, and his question shortens what is known")
  func leaveWithQuerier() {
    var snooper = Snooper()
    snooper.joins(group, 1)
    snooper.joins(other, 1)
    snooper.pass(.seconds(2))
    snooper.hear(Snooper.query("10.0.0.1"), from: nil)
    snooper.asked = []
    snooper.leaves(group, 1)
    snooper.pass(.seconds(30))
    #expect(snooper.asked.isEmpty && snooper.listeners(group) == [1])
    snooper.hear(Snooper.query("10.0.0.1", group: group), from: nil)
    snooper.pass(.seconds(4))
    #expect(snooper.listeners(group) == [] && snooper.listeners(other) == [1])
  }

  @Test("a querier that asks rarely and says so keeps memberships longer; one that asks often does not shorten them")
  func adopted() {
    var snooper = Snooper()
    snooper.hear(Snooper.query("10.0.0.1", time: .seconds(1000)), from: nil)
    snooper.joins(group, 1)
    snooper.pass(.seconds(990))
    #expect(snooper.listeners(group) == [1])
    snooper.hear(Snooper.query("10.0.0.1", time: .seconds(5)), from: nil)
    snooper.joins(group, 1)
    snooper.pass(.seconds(255))
    #expect(snooper.listeners(group) == [1])
  }

  @Test("a report that silences others stays out of the TAP, unless a router is behind it")
  func silencing() {
    var snooper = Snooper()
    let report = Snooper.report(group, .joins, silences: true)
    #expect(snooper.hear(report, from: 1).staysOutOfTAP)
    #expect(!snooper.hear(Snooper.report(group, .joins), from: 1).staysOutOfTAP)
    snooper.hear(Snooper.query("10.0.0.1"), from: nil)
    #expect(!snooper.hear(report, from: 1).staysOutOfTAP)
    snooper.pass(.seconds(300))
    #expect(snooper.hear(report, from: 1).staysOutOfTAP)
  }

  @Test("a peer with more groups than its share gets everything; other peers keep theirs")
  func perPeer() {
    var snooper = Snooper()
    snooper.joins(group, 2)
    for number in 0..<UInt32(Limits.groupsPerPeerMax) { snooper.joins(IPAddress(ipv4: 0xEF10_0000 + number), 1) }
    #expect(snooper.groups.everywhere(.ipv4).isEmpty)
    snooper.joins(group, 1)
    #expect(snooper.groups.everywhere(.ipv4) == [1] && snooper.listeners(group) == [2])
    snooper.pass(.seconds(300))
    #expect(snooper.groups.everywhere(.ipv4).isEmpty && snooper.groups.groups.isEmpty)
    snooper.joins(group, 1)
    #expect(snooper.listeners(group) == [1], "its share is free again")
  }

  @Test("a full table knows no more groups, which are flooded, and takes further listeners of those that it knows")
  func full() {
    var snooper = Snooper()
    for number in 0..<UInt32(Limits.groupsPerSegmentMax) {
      snooper.joins(IPAddress(ipv4: 0xEF10_0000 + number), Int(number) % 8)
      snooper.now = snooper.now + .milliseconds(1)
    }
    snooper.joins(group, 9)
    #expect(snooper.listeners(group).isEmpty && snooper.groups.refusedCount == 1)
    snooper.joins(IPAddress(ipv4: 0xEF10_0000), 9)
    #expect(snooper.listeners(IPAddress(ipv4: 0xEF10_0000)) == [0, 9])
  }

  @Test("a peer that reports more in a second than is looked at gets every group")
  func reportFlood() {
    var snooper = Snooper()
    let records = (0..<180 as Range<UInt32>).map {
      GroupMessage.Record(group: IPAddress(ipv4: 0xEF10_0000 + $0), change: .joins)
    }
    let report = GroupMessage.report(.init(family: .ipv4, records: records, silencesOthers: false))
    for _ in 0..<1000 { snooper.hear(report, from: 1) }
    #expect(snooper.groups.everywhere(.ipv4) == [1])
  }

  @Test("random messages and times against plain lists of what every peer said last", arguments: 0..<20)
  func model(round: Int) {
    var generator = SeededGenerator(seed: TestSeed.fixed("multicast model \(round)") &+ UInt64(round))
    var snooper = Snooper()
    var reported: [Int: [IPAddress: Instant]] = [:]
    // A router asks all the time, so that nobody's time is shortened but by age.
    for _ in 0..<2000 {
      let peer = Int.random(in: 0..<6, using: &generator)
      let group = IPAddress(ipv4: 0xEF00_0100 + UInt32.random(in: 0..<40, using: &generator))
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: snooper.pass(.milliseconds(Int.random(in: 0..<90_000, using: &generator)))
      case 1: snooper.leaves(group, peer)
      default:
        snooper.joins(group, peer)
        reported[peer, default: [:]][group] = snooper.now
      }
      snooper.hear(Snooper.query("10.0.0.1"), from: nil)
      for (group, listeners) in snooper.groups.groups {
        let expected = reported.filter { ($0.value[group].map { $0 + .seconds(261) > snooper.now }) ?? false }.keys
        #expect(Set(listeners.map(\.peer)).isSubset(of: expected) && !listeners.isEmpty)
      }
      for (peer, groups) in reported {
        for (group, time) in groups where time + .seconds(260) > snooper.now {
          #expect(snooper.listeners(group).contains(peer), "a listener is forgotten too early")
        }
      }
    }
  }
}
