import Dataplane
import Forwarding
import Glibc
import LinuxIO
import TestKit
import Testing
import VXLAN

/// The one who asks, behind the own TAP, and the one who is asked for, behind the peer in slot 1.
private let here = MACAddress.station(2)
private let there = MACAddress.station(9)

private func address(_ number: UInt32, isIPv6: Bool) -> IPAddress {
  isIPv6 ? IPAddress(ipv6High: 0xFD42 << 48, low: UInt64(number)) : IPAddress(ipv4: 0x0A00_0000 | number)
}

/// The request of `here` for an address.
private func request(_ number: UInt32 = 9, isIPv6: Bool) -> [UInt8] {
  let (own, target) = (address(2, isIPv6: isIPv6), address(number, isIPv6: isIPv6))
  return isIPv6
    ? NeighborFrames.solicitation(from: here, own, for: target) : NeighborFrames.arp(from: here, own, for: target)
}

/// The answer of `there` to `here`, as it comes from its host.
private func answer(_ mac: MACAddress = there, isIPv6: Bool, isRouter: Bool = false) -> [UInt8] {
  let (own, target) = (address(9, isIPv6: isIPv6), address(2, isIPv6: isIPv6))
  return isIPv6
    ? NeighborFrames.advertisement(of: own, at: mac, to: (here, target), isRouter: isRouter)
    : NeighborFrames.arp(.reply, from: mac, own, for: target, targetMAC: here, to: here)
}

@Suite("Neighbour suppression")
struct NeighborSuppressionTests {
  /// The station 9 has said from behind the peer in slot 1 which address it has.
  private func bench(isIPv6: Bool, _ change: (inout SegmentPlan) -> Void = { _ in }) -> EngineBench {
    let bench = threePeers(change)
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: here)])
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: isIPv6))])
    bench.taps[0].written = []
    return bench
  }

  private func isConsumed(_ bench: EngineBench, _ frame: [UInt8]) -> Bool {
    let before = bench.snapshot().total(.consumed, .overlay)
    bench.fromTAP([frame])
    expectBalance(bench)
    return bench.snapshot().total(.consumed, .overlay) == before + 1
  }

  @Test(
    "a request for a known address is answered from the station itself and crosses nothing", arguments: [false, true])
  func answered(isIPv6: Bool) throws {
    let bench = bench(isIPv6: isIPv6)
    #expect(bench.fromTAP([request(isIPv6: isIPv6)]).isEmpty)
    let written = try #require(bench.taps[0].written.first)
    #expect(bench.taps[0].written.count == 1 && Array(written[0..<12]) == here.octets + there.octets)
    // A proxy's answer: solicited, not overriding.
    let expected =
      isIPv6
      ? NeighborFrames.advertisement(
        of: address(9, isIPv6: true), at: there, to: (here, address(2, isIPv6: true)), overrides: false)
      : answer(isIPv6: false)
    #expect(written == expected)
    let counters = bench.snapshot()
    #expect(counters.total(.consumed, .overlay) == 1 && counters.total(.generated, .underlay) == 1)
    #expect(counters.total(.generated, .overlay) == 0 && bench.topology.neighbors[0].count() == 1)
    expectBalance(bench)
  }

  @Test("of a router it is said that it is one", arguments: [false, true])
  func router(isRouter: Bool) throws {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: true, isRouter: isRouter))])
    bench.fromTAP([request(isIPv6: true)])
    let written = try #require(bench.taps[0].written.last)
    let message = NeighborDiscoveryMessage(inFrame: written.span)
    #expect(message?.isRouter == isRouter)
  }

  @Test("a hundred requests for a known address are a hundred answers, and none crosses", arguments: [false, true])
  func hundred(isIPv6: Bool) {
    let bench = bench(isIPv6: isIPv6)
    #expect(bench.fromTAP(Array(repeating: request(isIPv6: isIPv6), count: 100)).isEmpty)
    #expect(bench.taps[0].written.count == 100 && bench.snapshot().total(.consumed, .overlay) == 100)
    expectBalance(bench)
  }

  @Test("an unknown address, and every address with suppression off, is flooded", arguments: [false, true])
  func flooded(isIPv6: Bool) {
    let bench = bench(isIPv6: isIPv6)
    #expect(bench.fromTAP([request(8, isIPv6: isIPv6)]).map(\.peer) == [0, 1, 2])
    let off = self.bench(isIPv6: isIPv6) { $0.suppressesNeighbors = false }
    #expect(off.fromTAP([request(isIPv6: isIPv6)]).map(\.peer) == [0, 1, 2])
    #expect(off.taps[0].written.isEmpty && off.topology.neighbors[0].count() == 0)
    expectBalance(off)
  }

  @Test("unicast requests, probes and announcements always go on", arguments: [false, true])
  func alwaysForwarded(isIPv6: Bool) {
    let (own, target) = (address(2, isIPv6: isIPv6), address(9, isIPv6: isIPv6))
    let frames =
      isIPv6
      ? [
        NeighborFrames.solicitation(from: here, own, for: target, to: there),
        NeighborFrames.advertisement(of: own, at: here), NeighborFrames.detection(of: target, from: here),
      ]
      : [
        NeighborFrames.arp(from: here, own, for: target, to: there), NeighborFrames.arp(from: here, own, for: own),
        NeighborFrames.arp(.reply, from: here, own, for: own),
        NeighborFrames.arp(from: here, IPAddress(ipv4: 0), for: target),
      ]
    for (frame, peers) in zip(frames, [[1]] + Array(repeating: [0, 1, 2], count: 3)) {
      let bench = bench(isIPv6: isIPv6)
      #expect(bench.fromTAP([frame]).map(\.peer) == peers)
      #expect(bench.taps[0].written.isEmpty)
      expectBalance(bench)
    }
  }

  @Test("while somebody is about to take an address nobody is answered for it", arguments: [false, true])
  func detection(isIPv6: Bool) {
    let bench = bench(isIPv6: isIPv6)
    let target = address(9, isIPv6: isIPv6)
    let probe =
      isIPv6
      ? NeighborFrames.detection(of: target, from: .station(7))
      : NeighborFrames.arp(from: .station(7), IPAddress(ipv4: 0), for: target)
    #expect(isConsumed(bench, request(isIPv6: isIPv6)))
    #expect(bench.fromUnderlay([fromPeer(2, probe)])[0] == [probe])
    #expect(!isConsumed(bench, request(isIPv6: isIPv6)))
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: isIPv6))])
    #expect(isConsumed(bench, request(isIPv6: isIPv6)))
  }

  @Test("a binding that moves to another MAC is answered with that from its announcement on", arguments: [false, true])
  func moved(isIPv6: Bool) throws {
    let bench = bench(isIPv6: isIPv6)
    let target = address(9, isIPv6: isIPv6)
    let announcement =
      isIPv6
      ? NeighborFrames.advertisement(of: target, at: .station(10))
      : NeighborFrames.arp(from: .station(10), target, for: target)
    bench.fromUnderlay([fromPeer(2, announcement)])
    bench.taps[0].written = []
    #expect(isConsumed(bench, request(isIPv6: isIPv6)))
    let written = try #require(bench.taps[0].written.first)
    #expect(Array(written[6..<12]) == MACAddress.station(10).octets)
    // And home, behind the own TAP: that one answers itself.
    let home =
      isIPv6
      ? NeighborFrames.advertisement(of: target, at: .station(11))
      : NeighborFrames.arp(from: .station(11), target, for: target)
    bench.fromTAP([home])
    #expect(!isConsumed(bench, request(isIPv6: isIPv6)))
  }

  @Test("a MAC that moved to the own TAP, or aged out of the table, is not answered for", arguments: [false, true])
  func forwardingTable(isIPv6: Bool) {
    let local = bench(isIPv6: isIPv6)
    local.fromTAP([Frames.ethernet(to: .broadcast, from: there)])
    #expect(!isConsumed(local, request(isIPv6: isIPv6)))
    let aged = bench(isIPv6: isIPv6)
    aged.now = aged.now + .seconds(100)
    let count = aged.topology.withFDB(ofSegment: 0) { $0.age(now: aged.now.seconds, ageingTime: .seconds(99)) }
    #expect(count > 0 && !isConsumed(aged, request(isIPv6: isIPv6)))
  }

  @Test("from 60 s on the request also goes to the station, as a unicast one of the agent", arguments: [false, true])
  func refreshed(isIPv6: Bool) {
    let bench = bench(isIPv6: isIPv6)
    bench.now = bench.now + .seconds(60)
    let sent = bench.fromTAP([request(isIPv6: isIPv6), request(isIPv6: isIPv6)])
    #expect(sent.map(\.peer) == [1])
    let frame = request(isIPv6: isIPv6)
    #expect(sent.first.map { Array($0.payload.dropFirst(8)) } == there.octets + frame.dropFirst(6))
    let counters = bench.snapshot()
    #expect(counters.total(.consumed, .overlay) == 2 && counters.total(.generated, .overlay) == 1)
    #expect(bench.taps[0].written.count == 2)
    expectBalance(bench)
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: isIPv6))])
    #expect(bench.fromTAP([frame]).isEmpty)
    // The station is gone: asked three times, then all are asked.
    bench.now = bench.now + .seconds(60)
    for _ in 0..<3 {
      #expect(bench.fromTAP([frame]).map(\.peer) == [1])
      bench.now = bench.now + .seconds(1)
    }
    #expect(bench.fromTAP([frame]).map(\.peer) == [0, 1, 2])
    expectBalance(bench)
  }

  @Test("where only a solicitation was heard, the one peer is asked and the answer teaches the rest")
  func solicited() {
    let bench = threePeers()
    let theirs = NeighborFrames.solicitation(from: there, address(9, isIPv6: true), for: address(5, isIPv6: true))
    bench.fromUnderlay([fromPeer(1, theirs)])
    #expect(bench.fromTAP([request(isIPv6: true)]).map(\.peer) == [1])
    #expect(bench.snapshot().total(.framesOut, .overlay) == 1)
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: true))])
    #expect(isConsumed(bench, request(isIPv6: true)))
  }

  @Test("row 56: requests that go to one peer are under the storm limit, those that are answered are not")
  func stormLimit() {
    let bench = threePeers { $0.stormLimit = 100 }
    let theirs = NeighborFrames.solicitation(from: there, address(9, isIPv6: true), for: address(5, isIPv6: true))
    bench.fromUnderlay([fromPeer(1, theirs)])
    let requests = Array(repeating: request(isIPv6: true), count: 50)
    #expect(bench.fromTAP(requests).map(\.peer) == Array(repeating: 1, count: 10))
    #expect(bench.drops(.stormLimit) == 40)
    expectBalance(bench)
    bench.fromUnderlay([fromPeer(1, answer(isIPv6: true))])
    #expect(bench.fromTAP(requests).isEmpty && bench.snapshot().total(.consumed, .overlay) == 50)
    #expect(bench.drops(.stormLimit) == 40)
    expectBalance(bench)
  }

  @Test("row 56: a request that the storm limit drops is no question: nobody was asked, so nobody is silent")
  func droppedQuestions() {
    let bench = threePeers { $0.stormLimit = 100 }
    let theirs = NeighborFrames.solicitation(from: there, address(9, isIPv6: true), for: address(5, isIPv6: true))
    bench.fromUnderlay([fromPeer(1, theirs)])
    let storm = Frames.ethernet(to: .broadcast, from: .station(7))
    for second in 0..<5 {
      bench.fromTAP(Array(repeating: storm, count: 200))
      #expect(bench.fromTAP([request(isIPv6: true)]).isEmpty, "second \(second)")
      bench.now = bench.now + .seconds(1)
    }
    for _ in 0..<3 {
      #expect(bench.fromTAP([request(isIPv6: true)]).map(\.peer) == [1])
      bench.now = bench.now + .seconds(1)
    }
    #expect(bench.fromTAP([request(isIPv6: true)]).map(\.peer) == [0, 1, 2], "asked three times, and silent")
    expectBalance(bench)
  }

  @Test("a frame with a tag teaches nothing and is not answered, where tags pass")
  func tagged() {
    func tagged(_ frame: [UInt8]) -> [UInt8] { Array(frame[0..<12]) + [0x81, 0, 0, 5] + frame[12...] }
    let bench = bench(isIPv6: false) { $0.passesVLANTags = true }
    #expect(bench.fromTAP([tagged(request(isIPv6: false))]).map(\.peer) == [0, 1, 2])
    let other = threePeers { $0.passesVLANTags = true }
    other.fromUnderlay([fromPeer(1, tagged(answer(isIPv6: false)))])
    #expect(other.topology.neighbors[0].count() == 0)
  }

  @Test("a TAP that does not take the answer leaves the request to the peers", arguments: [false, true])
  func refused(isIPv6: Bool) {
    let bench = bench(isIPv6: isIPv6)
    bench.taps[0].writeFailure = EAGAIN
    #expect(bench.fromTAP([request(isIPv6: isIPv6)]).map(\.peer) == [0, 1, 2])
    #expect(bench.snapshot().total(.consumed, .overlay) == 0 && bench.snapshot().total(.generated, .underlay) == 0)
    expectBalance(bench)
  }

  @Test(
    "on a sealed segment the same: what was opened teaches, and what is answered is not sent", arguments: [false, true])
  func sealed(isIPv6: Bool) {
    let bench = SealedBench()
    _ = bench.open(bench.seal([answer(isIPv6: isIPv6)]).map(\.payload))
    bench.far.engine.fromTAP([request(isIPv6: isIPv6)])
    #expect(bench.far.engine.taps[0].written.count == 1 && bench.far.engine.sealedSockets.sent.isEmpty)
    bench.advance(by: .seconds(60))
    bench.far.engine.fromTAP([request(isIPv6: isIPv6)])
    #expect(bench.far.engine.sealedSockets.sent.count == 1)
    let counters = bench.far.engine.snapshot()
    #expect(counters.total(.consumed, .overlay) == 2 && counters.total(.generated, .overlay) == 1)
    bench.expectBalance()
  }

  @Test("segments know nothing of each other's addresses")
  func segments() {
    let plans = ([42, 43] as [UInt32]).map { vni in
      var plan = SegmentPlan(vni: VNI(unchecked: vni), overlayMTU: 1450, ownMAC: .station(1))
      plan.peers = [0]
      return plan
    }
    let bench = EngineBench(
      segments: plans, peers: [PeerPlan(endpoint: Endpoint(address: peerAddress(0), udpPort: 4789))])
    bench.fromUnderlay([fromPeer(0, vni: 43, answer(isIPv6: false))])
    #expect(bench.fromTAP([request(isIPv6: false)], segment: 0).count == 1)
    #expect(bench.fromTAP([request(isIPv6: false)], segment: 1).isEmpty)
    expectBalance(bench)
  }
}
