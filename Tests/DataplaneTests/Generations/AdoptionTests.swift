import Forwarding
import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

/// One worker that goes from generation to generation. Its peers are at `peerAddress`, its segments have the VNIs 42
/// and on.
@Suite("Adoption")
struct AdoptionTests {
  private static func peer(_ number: Int) -> PeerPlan {
    PeerPlan(endpoint: Endpoint(address: peerAddress(number), udpPort: 4789))
  }

  private static func segment(_ number: Int, peers: [Int]) -> SegmentPlan {
    var plan = SegmentPlan(vni: VNI(unchecked: 42 + UInt32(number)), overlayMTU: 1450, ownMAC: .station(0x70 + number))
    plan.peers = peers
    return plan
  }

  /// Segments 42 and 43, each with the peers 0 and 1.
  private static func bench() -> EngineBench {
    EngineBench(segments: (0..<2).map { segment($0, peers: [0, 1]) }, peers: (0..<2).map { peer($0) })
  }

  private static func frame(to destination: MACAddress, from source: MACAddress) -> [UInt8] {
    Frames.ethernet(to: destination, from: source, payload: [UInt8](repeating: 0x5A, count: 46))
  }

  /// A frame of a station behind a peer. Answers what was written to the TAPs.
  @discardableResult
  private static func say(
    _ bench: EngineBench, station: Int, peer: Int, segment: Int = 0
  ) -> [[[UInt8]]] {
    let frame = frame(to: .broadcast, from: .station(station))
    return bench.fromUnderlay([
      .init(Frames.vxlan(vni: 42 + UInt32(segment), frame), from: peerAddress(peer))
    ])
  }

  /// The slots that a frame from the TAP goes to.
  private static func ways(_ bench: EngineBench, to station: Int, segment: Int = 0) -> [Int] {
    bench.fromTAP([frame(to: .station(station), from: .station(1))], segment: segment).map(\.peer)
  }

  private func expectBalance(_ bench: EngineBench, _ location: SourceLocation = #_sourceLocation) {
    for direction in Direction.allCases {
      #expect(bench.snapshot().imbalance(direction) == 0, sourceLocation: location)
    }
  }

  @Test("what comes from a peer that has left is unknown-peer, and frames to its stations are flooded")
  func peerLeaves() {
    let bench = Self.bench()
    Self.say(bench, station: 8, peer: 0)
    Self.say(bench, station: 9, peer: 1)
    #expect(Self.ways(bench, to: 9) == [1])
    bench.change { segments, peers in
      for slot in segments.indices { segments[slot].peers = [0] }
      peers.vacate(1)
    }
    #expect(Self.say(bench, station: 9, peer: 1).allSatisfy { $0.isEmpty })
    #expect(bench.drops(.unknownPeer) == 1)
    #expect(bench.entries().map(\.mac).contains(.station(8)) && !bench.entries().map(\.mac).contains(.station(9)))
    #expect(Self.ways(bench, to: 8) == [0] && Self.ways(bench, to: 9) == [0])
    expectBalance(bench)
  }

  @Test("until it is settled frames go to a peer that has left as if a moment earlier, and the slot is not free")
  func unsettled() {
    let bench = Self.bench()
    Self.say(bench, station: 9, peer: 1)
    let old = bench.topology
    var peers = old.peers
    peers.vacate(1)
    var segments = old.segments
    for slot in segments.indices { segments[slot].peers = [0] }
    let next = old.successor(segments: segments, peers: peers, now: bench.now)
    bench.adopt(next)
    #expect(Self.ways(bench, to: 9) == [1])
    next.settle(after: old, now: bench.now)
    #expect(Self.ways(bench, to: 9) == [0])
    // What was sent meanwhile is not the next peer's.
    bench.change { segments, peers in
      peers[1] = Self.peer(5)
      segments[0].peers = [0, 1]
    }
    #expect(bench.snapshot().peers[1] == PeerTraffic())
  }

  @Test("who gets the slot of a peer inherits nothing: entries, bindings, listeners, counters and limits")
  func newcomer() {
    let bench = EngineBench(
      segments: [Self.segment(0, peers: [0, 1])],
      peers: (0..<2).map {
        var plan = Self.peer($0)
        plan.fdbLimit = 1
        return plan
      })
    Self.say(bench, station: 9, peer: 1)
    let address = IPAddress(ipv4: 0x0A00_0009)
    bench.fromUnderlay(
      [
        NeighborFrames.arp(from: .station(9), address, for: IPAddress(ipv4: 0x0A00_0001)),
        GroupFrames.join(IPAddress(ipv4: 0xEF01_0203)),
      ].map { .init(Frames.vxlan(vni: 42, $0), from: peerAddress(1)) })
    #expect(bench.topology.neighbors[0].count() == 1 && bench.topology.flooding.groupCount(ofSegment: 0) == 1)
    bench.change { segments, peers in
      segments[0].peers = [0]
      peers.vacate(1)
    }
    #expect(bench.topology.neighbors[0].count() == 0 && bench.topology.flooding.groupCount(ofSegment: 0) == 0)
    bench.change { segments, peers in
      peers[1] = Self.peer(5)
      segments[0].peers = [0, 1]
    }
    #expect(bench.snapshot().peers[1] == PeerTraffic() && bench.entries().isEmpty)
    for station in 10..<15 { Self.say(bench, station: station, peer: 5) }
    #expect(bench.entries().count { $0.remote == .peer(1) } == 5)
    #expect(Self.ways(bench, to: 12) == [1])
    expectBalance(bench)
  }

  @Test("a peer that loses one segment keeps its entries in the others")
  func oneSegmentLess() {
    let bench = Self.bench()
    for segment in 0..<2 { Self.say(bench, station: 9, peer: 1, segment: segment) }
    bench.change { segments, _ in segments[0].peers = [0] }
    #expect(bench.entries(segment: 0).isEmpty && bench.entries(segment: 1).map(\.remote) == [.peer(1)])
    #expect(Self.say(bench, station: 9, peer: 1).allSatisfy { $0.isEmpty } && bench.drops(.notPermitted) == 1)
    #expect(Self.say(bench, station: 9, peer: 1, segment: 1)[1].count == 1)
    expectBalance(bench)
  }

  @Test("a segment that leaves takes its counters to those of no segment: no sum goes back, and its VNI is unknown")
  func segmentLeaves() {
    let bench = Self.bench()
    for segment in 0..<2 {
      Self.say(bench, station: 9, peer: 1, segment: segment)
      _ = Self.ways(bench, to: 9, segment: segment)
    }
    let before = bench.snapshot()
    bench.change { segments, _ in segments.vacate(1) }
    let after = bench.snapshot()
    #expect(after.segments == Counters.noSegment..<1)
    for direction in Direction.allCases {
      for counter in Counter.allCases {
        #expect(after.total(counter, direction) == before.total(counter, direction))
        #expect(
          after.value(counter, direction, segment: Counters.noSegment)
            == before.value(counter, direction, segment: Counters.noSegment)
            + before.value(counter, direction, segment: 1))
      }
    }
    #expect(Self.say(bench, station: 9, peer: 1, segment: 1).allSatisfy { $0.isEmpty } && bench.drops(.unknownVNI) == 1)
    bench.change { segments, _ in segments[1] = Self.segment(7, peers: [0]) }
    #expect(bench.entries(segment: 1).isEmpty && bench.snapshot().value(.framesIn, .underlay, segment: 1) == 0)
    #expect(Self.say(bench, station: 3, peer: 0, segment: 7)[1].count == 1)
    #expect(Self.ways(bench, to: 3, segment: 1) == [0])
    expectBalance(bench)
  }

  @Test("a generation that nobody adopts leaves no trace, and its slots are free again")
  func abandoned() {
    let bench = Self.bench()
    do {
      var segments = bench.topology.segments
      segments[2] = Self.segment(2, peers: [0])
      let next = bench.topology.successor(segments: segments, peers: bench.topology.peers, now: bench.now)
      #expect(next.state.busySegmentSlots() == [0, 1, 2])
    }
    #expect(bench.topology.state.busySegmentSlots() == [0, 1])
    bench.change { segments, _ in segments[2] = Self.segment(2, peers: [1]) }
    #expect(Self.ways(bench, to: 3, segment: 2) == [1])
  }

  @Test("the slot of a segment is busy as long as somebody holds a generation that has it")
  func heldGeneration() {
    let bench = Self.bench()
    var held: Topology? = bench.topology
    bench.change { segments, _ in segments.vacate(1) }
    #expect(bench.topology.state.busySegmentSlots() == [0, 1])
    #expect(held?.withFDB(ofSegment: 1) { $0.entryCount() } == 0)
    held = nil
    #expect(bench.topology.state.busySegmentSlots() == [0])
  }

  @Test("the slot of a peer is busy until every worker has passed a boundary after what was known of it went")
  func busyPeer() {
    let topology = Topology(
      segments: [Self.segment(0, peers: [0, 1])], peers: (0..<2).map { Self.peer($0) },
      hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0), workerCount: 1)
    topology.gracePeriod.enter(reader: 0)
    var (segments, peers) = (topology.segments, topology.peers)
    peers.vacate(1)
    segments[0].peers = [0]
    let next = topology.successor(segments: segments, peers: peers, now: Instant(nanoseconds: 0))
    next.settle(after: topology, now: Instant(nanoseconds: 0))
    #expect(next.state.busyPeerSlots() == [1])
    topology.gracePeriod.pass(reader: 0)
    #expect(next.state.busyPeerSlots() == [])
  }

  @Test("static entries follow the plan; what somebody else set stays until the plan names the address")
  func staticEntries() {
    let bench = EngineBench(
      segments: [Self.segment(0, peers: [0, 1])], peers: (0..<2).map { Self.peer($0) })
    func entries() -> [MACAddress: Remote] {
      Dictionary(uniqueKeysWithValues: bench.entries().map { ($0.mac, $0.remote) })
    }
    bench.change { segments, _ in segments[0].staticEntries = [(.station(8), 0), (.station(9), 1)] }
    #expect(entries() == [.station(8): .peer(0), .station(9): .peer(1)])
    bench.topology.withFDB(ofSegment: 0) {
      _ = $0.set(.station(10), at: .peer(0), by: .command, now: 0)
      _ = $0.set(.station(8), at: .peer(1), by: .command, now: 0)
    }
    bench.change { segments, _ in segments[0].stormLimit = 7 }
    #expect(entries()[.station(8)] == .peer(1), "what changes elsewhere does not undo it")
    bench.change { segments, _ in segments[0].staticEntries = [(.station(9), 0)] }
    #expect(entries() == [.station(8): .peer(1), .station(9): .peer(0), .station(10): .peer(0)])
    bench.change { segments, _ in segments[0].staticEntries = [(.station(10), 1)] }
    #expect(entries() == [.station(8): .peer(1), .station(10): .peer(1)])
    #expect(bench.entries().first { $0.mac == .station(10) }?.origin == .configuration)
  }

  @Test("what may change in place does so with the next frame: sizes, rates, limits, DSCP, tags, reserved bits")
  func inPlace() {
    let bench = Self.bench()
    let long = Frames.ethernet(to: .broadcast, from: .station(1), payload: [UInt8](repeating: 0, count: 1400))
    let tagged = Frames.tagged(to: .broadcast, from: .station(1), vlan: 5, payload: [UInt8](repeating: 0, count: 46))
    #expect(bench.fromTAP([long]).count == 2 && bench.fromTAP([tagged]).isEmpty)
    bench.change { segments, peers in
      segments[0].overlayMTU = 1000
      segments[0].passesVLANTags = true
      segments[0].dscp = .fixed(46)
      segments[0].ignoresReservedBits = true
      segments[0].fdbLimit = 1
      peers[0].fdbLimit = 1
    }
    #expect(bench.fromTAP([long]).isEmpty && bench.drops(.tooBig) == 1)
    #expect(bench.fromTAP([tagged]).map(\.trafficClass) == [46 << 2, 46 << 2])
    #expect(bench.topology.withFDB(ofSegment: 0) { $0.limit } == 1)
    let reserved = Frames.vxlan(
      vni: 42, reserved: [1, 0, 0], Self.frame(to: .broadcast, from: .station(9)))
    #expect(bench.fromUnderlay([.init(reserved, from: peerAddress(0))])[0].count == 1)
    // The table was full with the station of the TAP.
    #expect(!bench.entries().map(\.mac).contains(.station(9)))
    bench.change { segments, _ in segments[0].stormLimit = 1 }
    let flooded = (0..<10).map { _ in Self.frame(to: .broadcast, from: .station(1)) }
    #expect(bench.fromTAP(flooded).count < 20 && bench.topology.flooding.stormCount(ofSegment: 0) > 0)
    bench.change { segments, _ in segments[0].stormLimit = 0 }
    #expect(bench.fromTAP(flooded).count == 20)
    expectBalance(bench)
  }

  @Test("a segment that learns no more forgets what it has learned, but not what was set")
  func learningOff() {
    let bench = Self.bench()
    Self.say(bench, station: 9, peer: 1)
    bench.change { segments, _ in
      segments[0].learns = false
      segments[0].staticEntries = [(.station(8), 0)]
    }
    #expect(bench.entries().map(\.mac) == [.station(8)])
    #expect(Self.say(bench, station: 9, peer: 1)[0].count == 1 && bench.entries().count == 1)
    bench.change { segments, _ in segments[0].learns = true }
    Self.say(bench, station: 9, peer: 1)
    #expect(bench.entries().count == 2)
  }

  @Test("the sums of workers in different generations are those of all that either has")
  func sumOfGenerations() {
    let bench = Self.bench()
    let other = EngineBench(sharing: bench)
    Self.say(bench, station: 9, peer: 1)
    Self.say(other, station: 9, peer: 1, segment: 1)
    let next = bench.topology.successor(
      segments: Slots([bench.topology.segments[0]]), peers: bench.topology.peers, now: bench.now)
    let before = bench.snapshot() + other.snapshot()
    other.adopt(next)
    for sum in [bench.snapshot() + other.snapshot(), other.snapshot() + bench.snapshot()] {
      #expect(sum.segments == Counters.noSegment..<2 && sum.total(.framesIn, .underlay) == 2)
      #expect(sum.peers == before.peers && sum.batches == before.batches)
      #expect(sum.imbalance(.underlay) == 0)
    }
  }
}
