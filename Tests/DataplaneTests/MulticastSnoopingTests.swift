import Foundation
import LinuxIO
import TestKit
import Testing

@testable import Dataplane
@testable import Forwarding
@testable import VXLAN

@Suite("Multicast snooping")
struct MulticastSnoopingTests {
  private static let ipv4 = IPAddress(ipv4: 0xEF01_0203)
  private static let ipv6 = IPAddress(ipv6High: 0xFF15 << 48, low: 0x77)
  private static let groups = [ipv4, ipv6]

  private func goesTo(_ bench: EngineBench, _ frame: [UInt8]) -> [Int] { bench.fromTAP([frame]).map(\.peer) }

  @Test(
    "a group without a known listener is flooded; with one it goes there only; others stay flooded", arguments: groups)
  func listener(group: IPAddress) {
    let bench = threePeers()
    #expect(goesTo(bench, GroupFrames.data(group)) == [0, 1, 2])
    let join = GroupFrames.join(group, mac: .station(9))
    #expect(bench.fromUnderlay([fromPeer(1, join)]) == [[join]], "it is delivered too")
    #expect(goesTo(bench, GroupFrames.data(group)) == [1])
    bench.fromUnderlay([fromPeer(2, GroupFrames.oldReport(group, mac: .station(8)))])
    #expect(goesTo(bench, GroupFrames.data(group)) == [1, 2])
    let neighbour = IPAddress(ipv4: 0xEF81_0203)
    #expect(neighbour.multicastMAC == Self.ipv4.multicastMAC)
    #expect(goesTo(bench, GroupFrames.data(neighbour)) == [0, 1, 2], "the same MAC address, another group")
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 4 && counters.total(.floodCopies, .overlay) == 9)
    expectBalance(bench)
  }

  @Test("link-local groups, broadcast, reports, tagged frames and what is not IP go to all, whoever listens")
  func alwaysFlooded() {
    let bench = threePeers { $0.passesVLANTags = true }
    let local = IPAddress(ipv4: 0xE000_00FB)
    bench.fromUnderlay([
      fromPeer(1, GroupFrames.join(Self.ipv4)), fromPeer(1, GroupFrames.join(Self.ipv6)),
      fromPeer(1, GroupFrames.join(local)),
    ])
    let data = GroupFrames.data(Self.ipv4)
    for frame in [
      GroupFrames.data(local), GroupFrames.data(IPAddress(ipv6High: 0xFF02 << 48, low: 0xFB)),
      Frames.ethernet(to: .broadcast, from: .station(1), etherType: 0x0800, payload: Array(data[14...])),
      Frames.ethernet(to: Self.ipv4.multicastMAC, from: .station(1)),
      GroupFrames.oldReport(Self.ipv4, mac: .station(1)), GroupFrames.oldReport(Self.ipv6, mac: .station(1)),
      GroupFrames.join(Self.ipv4, mac: .station(1)), GroupFrames.query(.ipv4, mac: .station(1)),
      Array(data[..<12]) + [0x81, 0, 0, 5] + Array(data[12...]),
    ] { #expect(goesTo(bench, frame) == [0, 1, 2]) }
    #expect(goesTo(bench, data) == [1])
  }

  @Test("a peer with a router gets every group that others listen to", arguments: groups, [false, true])
  func router(group: IPAddress, isHello: Bool) {
    let bench = threePeers()
    let router = isHello ? GroupFrames.hello(group.family) : GroupFrames.query(group.family)
    bench.fromUnderlay([fromPeer(0, router), fromPeer(2, GroupFrames.join(group))])
    #expect(goesTo(bench, GroupFrames.data(group)) == [0, 2])
  }

  @Test("a peer's agent that asks gets no more groups for it", arguments: groups)
  func agent(group: IPAddress) {
    let bench = threePeers()
    let query = GroupQuery(family: group.family, responseTime: .seconds(1)).frame(from: .station(3))
    bench.fromUnderlay([fromPeer(0, query), fromPeer(2, GroupFrames.join(group))])
    #expect(goesTo(bench, GroupFrames.data(group)) == [2])
  }

  @Test("with snooping off everything is flooded, and nothing is learned")
  func off() {
    let bench = threePeers { $0.snoopsMulticast = false }
    bench.fromUnderlay([fromPeer(1, GroupFrames.join(Self.ipv4))])
    #expect(goesTo(bench, GroupFrames.data(Self.ipv4)) == [0, 1, 2])
    #expect(bench.topology.flooding.groupCount(ofSegment: 0) == 0)
  }

  @Test("a report of a peer that may not speak on the segment is not learned from")
  func strangers() {
    let bench = threePeers { $0.peers = [0, 1] }
    bench.fromUnderlay([fromPeer(2, GroupFrames.join(Self.ipv4))])
    #expect(bench.drops(.notPermitted) == 1 && goesTo(bench, GroupFrames.data(Self.ipv4)) == [0, 1])
  }

  @Test("a report that would silence listeners behind the TAP is taken, and counted as consumed")
  func silencing() {
    let bench = threePeers()
    let report = GroupFrames.oldReport(Self.ipv4)
    #expect(bench.fromUnderlay([fromPeer(1, report)]) == [[]])
    #expect(bench.snapshot().total(.consumed, .underlay) == 1)
    bench.fromTAP([GroupFrames.query(.ipv4)])
    #expect(bench.fromUnderlay([fromPeer(1, report)]) == [[report]], "a router is behind the TAP")
    expectBalance(bench)
  }

  @Test("what the agent asks goes to each peer and into the TAP, counted as generated only; then who is silent goes")
  func querier() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, GroupFrames.join(Self.ipv4))])
    #expect(bench.topology.flooding.nextQuestion() == bench.now)
    let sent = bench.askForListeners()
    #expect(sent.map(\.peer) == [0, 1, 2] && Set(sent.map(\.payload)).count == 1)
    let query = Array(sent[0].payload[8...])
    #expect(bench.taps[0].written.last == query)
    let bytes = query.span
    let packet = InnerPacket(inFrame: bytes)
    let message = packet.flatMap { GroupMessage(of: $0, inFrame: bytes) }
    guard case .query(let asked)? = message else { return #expect(Bool(false), "it is no query") }
    #expect(asked.group == nil && packet?.source(inFrame: bytes).isUnspecified == true)
    let counters = bench.snapshot()
    #expect(counters.total(.generated, .overlay) == 3 && counters.total(.generated, .underlay) == 1)
    expectBalance(bench)
    bench.now = bench.now + .seconds(261)
    _ = bench.askForListeners()
    #expect(goesTo(bench, GroupFrames.data(Self.ipv4)) == [0, 1, 2])
    #expect(bench.topology.flooding.groupCount(ofSegment: 0) == 0)
  }

  @Test("a group's frame that fits one listener's path only is one frame out and one copy dropped")
  func pathMTU() {
    let bench = threePeers()
    for peer in [0, 2] { bench.fromUnderlay([fromPeer(peer, GroupFrames.join(Self.ipv4))]) }
    bench.topology.limits.setPathMTU(600, ofPeer: 0)
    let large = GroupFrames.data(Self.ipv4, [UInt8](repeating: 1, count: 1000))
    #expect(goesTo(bench, large) == [2])
    #expect(bench.snapshot().total(.floodCopyDrops, .overlay) == 1)
    bench.topology.limits.setPathMTU(600, ofPeer: 2)
    #expect(goesTo(bench, large).isEmpty && bench.drops(.tooBig) == 1)
    expectBalance(bench)
  }

  @Test("frames of a storm to a group count as flooded ones")
  func storm() {
    let bench = threePeers { $0.stormLimit = 100 }
    bench.fromUnderlay([fromPeer(1, GroupFrames.join(Self.ipv4))])
    #expect(bench.fromTAP(Array(repeating: GroupFrames.data(Self.ipv4), count: 30)).count == 10)
    #expect(bench.drops(.stormLimit) == 20)
  }

  /// Runs `body` while another thread holds the lock of the groups; nil when it has waited for that for `seconds`.
  private func whileLocked(_ bench: EngineBench, seconds: Double = 20, _ body: @escaping (EngineBench) -> Int) -> Int? {
    final class Work: @unchecked Sendable {
      let body: () -> Int
      var count: Int?
      init(_ body: @escaping () -> Int) { self.body = body }
    }
    let (work, ended) = (Work { body(bench) }, DispatchSemaphore(value: 0))
    let isInTime = bench.topology.flooding.parts.groups.pointee.state.withLock { _ in
      Thread {
        work.count = work.body()
        ended.signal()
      }.start()
      return ended.wait(timeout: .now() + seconds) == .success
    }
    if !isInTime { ended.wait() }
    return isInTime ? work.count : nil
  }

  @Test("reports from the TAP take no lock, nor does anything above the storm limit; a query below it does")
  func locks() {
    let reports = [
      GroupFrames.join(Self.ipv4), GroupFrames.oldReport(Self.ipv4), GroupFrames.join(Self.ipv6),
      GroupFrames.oldReport(Self.ipv6),
    ]
    let bench = threePeers { $0.stormLimit = 100 }
    #expect(whileLocked(bench) { $0.fromTAP(reports + reports).count } == 24)
    #expect(whileLocked(bench, seconds: 0.2) { $0.fromTAP([GroupFrames.query(.ipv4)]).count } == nil)
    #expect(bench.drops(.stormLimit) == 0 && bench.fromTAP(reports).count == 3)
    #expect(whileLocked(bench) { $0.fromTAP(Array(repeating: GroupFrames.query(.ipv4), count: 9)).count } == 0)
    #expect(bench.drops(.stormLimit) == 12)
  }

  @Test("a query above the storm limit, which no peer gets, and one of the agent's own that comes back teach nothing")
  func unheardQueries() {
    let report = GroupFrames.oldReport(Self.ipv4)
    for isOwn in [false, true] {
      let bench = threePeers { $0.stormLimit = 100 }
      if isOwn {
        bench.fromUnderlay([fromPeer(1, GroupFrames.join(Self.ipv4))])
        _ = bench.askForListeners()
        #expect(bench.fromTAP([bench.taps[0].written.last ?? []]).count == 3)
      } else {
        bench.fromTAP(Array(repeating: GroupFrames.data(Self.ipv4), count: 10) + [GroupFrames.query(.ipv4)])
        #expect(bench.drops(.stormLimit) == 1)
      }
      #expect(bench.fromUnderlay([fromPeer(1, report)]) == [[]], "no router is behind the TAP")
    }
  }

  @Test("superframes and frames to many groups in one batch go each its way")
  func manyGroups() {
    let bench = threePeers()
    let groups = (0..<200 as Range<UInt32>).map { IPAddress(ipv4: 0xEF20_0000 + $0) }
    for (number, group) in groups.enumerated() {
      bench.fromUnderlay([fromPeer(number % 3, GroupFrames.join(group))])
      if number % 5 == 0 { bench.fromUnderlay([fromPeer((number + 1) % 3, GroupFrames.join(group))]) }
    }
    let sent = bench.fromTAP(groups.map { GroupFrames.data($0) })
    for (number, group) in groups.enumerated() {
      let expected = number % 5 == 0 ? [number % 3, (number + 1) % 3].sorted() : [number % 3]
      let frame = GroupFrames.data(group)
      #expect(sent.filter { Array($0.payload[8...]) == frame }.map(\.peer) == expected)
    }
    expectBalance(bench)
  }

  @Test("a sealed segment does the same: who listens gets its copy under its own key, others none")
  func sealed() {
    let bench = SealedBench(peerCount: 3)
    bench.learnThere()
    _ = bench.far.engine.fromTAP([GroupFrames.join(Self.ipv4, mac: SealedBench.there)])
    let reports = bench.far.engine.sealedSockets.sent.map(\.payload)
    bench.far.engine.sealedSockets.sent.removeAll()
    _ = bench.near.engine.fromSealedPort(reports.map { .init($0, from: SealedBench.address(0)) })
    let sent = bench.seal([GroupFrames.data(Self.ipv4, from: SealedBench.here)])
    #expect(sent.map(\.peer) == [0])
    #expect(bench.open(sent.map(\.payload)).last == GroupFrames.data(Self.ipv4, from: SealedBench.here))
    #expect(bench.near.engine.snapshot().total(.waiting, .overlay) == 0, "nothing waits for peers that do not listen")
    _ = bench.near.engine.askForListeners()
    #expect(bench.takeSealed().map(\.peer) == [0])
    bench.expectBalance()
  }
}
