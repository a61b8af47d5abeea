import Dataplane
import Forwarding
import Glibc
import LinuxIO
import TestKit
import Testing
import VXLAN

/// A segment of VNI 42 with three peers at 192.0.2.2, .3 and .4, behind a TAP of MTU 1450.
func threePeers(_ change: (inout SegmentPlan) -> Void = { _ in }) -> EngineBench {
  var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(1))
  segment.peers = [0, 1, 2]
  change(&segment)
  let peers = (2...4).map { PeerPlan(endpoint: Endpoint(address: IPAddress(ipv4: 0xC000_0200 | $0), udpPort: 4789)) }
  return EngineBench(segments: [segment], peers: peers)
}

func peerAddress(_ slot: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0202 + UInt32(slot)) }

/// A datagram from the peer in `slot` on VNI 42.
func fromPeer(
  _ slot: Int, vni: UInt32 = 42, trafficClass: UInt8 = 0, _ frame: [UInt8]
) -> FakeDatagramPort.Received {
  .init(Frames.vxlan(vni: vni, frame), from: peerAddress(slot), trafficClass: trafficClass)
}

func expectBalance(_ bench: EngineBench, _ location: SourceLocation = #_sourceLocation) {
  let counters = bench.snapshot()
  for direction in Direction.allCases {
    #expect(counters.imbalance(direction) == 0, sourceLocation: location)
  }
}

@Suite("Encapsulation")
struct EncapsulationTests {
  @Test("a frame for an unknown address goes to every peer of the segment, once, behind one header")
  func floodsUnknown() {
    let bench = threePeers()
    let frame = Frames.ethernet(to: .station(9), from: .station(1), payload: [1, 2, 3])
    let sent = bench.fromTAP([frame])
    #expect(sent.map(\.peer) == [0, 1, 2])
    #expect(sent.allSatisfy { $0.payload == [8, 0, 0, 0, 0, 0, 42, 0] + frame })
    let counters = bench.snapshot()
    #expect(counters.total(.framesIn, .overlay) == 1)
    #expect(counters.total(.framesOut, .overlay) == 1)
    #expect(counters.total(.floodCopies, .overlay) == 3)
    expectBalance(bench)
  }

  @Test("after a frame came from an address, frames for it go to that peer alone")
  func unicastAfterLearning() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    let sent = bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))])
    #expect(sent.map(\.peer) == [1])
    #expect(bench.snapshot().total(.floodCopies, .overlay) == 0)
    expectBalance(bench)
  }

  @Test("an address that moves to another peer takes its traffic along with its first frame")
  func followsMoves() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    bench.fromUnderlay([fromPeer(2, Frames.ethernet(to: .station(1), from: .station(9)))])
    #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).map(\.peer) == [2])
  }

  @Test("an address that goes to another peer and back within a second is where its last frame came from")
  func followsMovesBack() {
    let bench = threePeers()
    for slots in [[1, 1, 2], [2, 1], [0]] {
      bench.fromUnderlay(slots.map { fromPeer($0, Frames.ethernet(to: .station(1), from: .station(9))) })
      #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).map(\.peer) == slots.suffix(1))
    }
  }

  @Test("an address that is behind the own TAP is flooded as unknown, until a peer's frame says otherwise")
  func followsMovesHome() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(9))])
    #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).count == 3)
    bench.fromUnderlay([fromPeer(0, Frames.ethernet(to: .station(1), from: .station(9)))])
    #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).map(\.peer) == [0])
  }

  @Test("broadcast and multicast are flooded, known or not")
  func floodsGroups() {
    let bench = threePeers()
    let group = MACAddress(rawValue: 0x3333_0000_0001)
    #expect(bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(1))]).count == 3)
    #expect(bench.fromTAP([Frames.ethernet(to: group, from: .station(1))]).count == 3)
  }

  @Test("unicast to an address behind the own TAP is flooded as unknown")
  func floodsLocalUnicast() {
    let bench = threePeers()
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(7))])
    #expect(bench.fromTAP([Frames.ethernet(to: .station(7), from: .station(8))]).count == 3)
  }

  @Test("a flood to more peers than one batch holds reaches every one and counts as one frame")
  func floodsBeyondABatch() {
    var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(1))
    let count = LinuxIO.Limits.outgoingRunCountMax * 2 + 5
    segment.peers = Array(0..<count)
    let peers = (0..<count).map {
      PeerPlan(endpoint: Endpoint(address: IPAddress(ipv4: 0x0A00_0001 + UInt32($0)), udpPort: 4789))
    }
    let bench = EngineBench(segments: [segment], peers: peers)
    bench.sockets.failures = [count - 1: EAGAIN]
    let sent = bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(1))])
    #expect(sent.map(\.peer) == Array(0..<(count - 1)))
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 1)
    #expect(counters.total(.floodCopies, .overlay) == UInt64(count - 1))
    #expect(counters.total(.floodCopyDrops, .overlay) == 1)
    expectBalance(bench)
  }

  @Test("a flooded frame none of whose copies went out is one drop")
  func floodFailsAsOne() {
    let bench = threePeers()
    bench.sockets.failures = [0: ENETUNREACH, 1: ENETUNREACH, 2: ENETUNREACH]
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(1))])
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 0)
    #expect(counters.drops(.overlay) == 1)
    #expect(bench.drops(.underlayError) == 1)
    #expect(counters.total(.floodCopyDrops, .overlay) == 3)
    // The next flood starts afresh.
    bench.sockets.failures = [1: EAGAIN]
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(1))])
    #expect(bench.snapshot().total(.framesOut, .overlay) == 1)
    expectBalance(bench)
  }

  @Test(
    "each refusal of the system has its reason",
    arguments: [
      (EAGAIN, DropReason.socketFull), (ENOBUFS, .socketFull), (EMSGSIZE, .tooBig), (ENETUNREACH, .underlayError),
      (EPERM, .underlayError),
    ])
  func mapsFailures(failure: Int32, reason: DropReason) {
    let bench = threePeers { $0.peers = [0] }
    bench.sockets.failures = [0: failure]
    bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))])
    #expect(bench.drops(reason) == 1)
    expectBalance(bench)
  }

  @Test("a segment without peers drops under no-peer, and learns all the same")
  func noPeer() {
    let bench = threePeers { $0.peers = [] }
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(7))])
    #expect(bench.drops(.noPeer) == 1)
    #expect(bench.entries().map(\.mac) == [.station(7)])
    expectBalance(bench)
  }

  @Test("a frame of MTU and header passes, one byte more is too-big; a tag has its own 4 bytes where tags pass")
  func tooBig() {
    let bench = threePeers()
    let fitting = Frames.ethernet(to: .station(9), from: .station(1), payload: [UInt8](repeating: 7, count: 1450))
    bench.fromTAP([fitting, fitting + [0]])
    #expect(bench.snapshot().total(.framesOut, .overlay) == 1)
    #expect(bench.drops(.tooBig) == 1)
    let passing = threePeers { $0.passesVLANTags = true }
    passing.fromTAP([fitting + [0, 0, 0, 0], fitting + [0, 0, 0, 0, 0]])
    #expect(passing.snapshot().total(.framesOut, .overlay) == 1)
    #expect(passing.drops(.tooBig) == 1)
  }

  @Test("a frame of 14 bytes passes, one of 13 is short-frame")
  func shortFrame() {
    let bench = threePeers()
    let header = Frames.ethernet(to: .station(9), from: .station(1))
    bench.fromTAP([header, Array(header.dropLast()), []])
    #expect(bench.snapshot().total(.framesOut, .overlay) == 1)
    #expect(bench.drops(.shortFrame) == 2)
    expectBalance(bench)
  }

  @Test("tags of both kinds end under vlan-tag unless the segment passes them")
  func vlanTag() {
    let customer = Frames.tagged(to: .station(9), from: .station(1), vlan: 7)
    let service = Frames.ethernet(to: .station(9), from: .station(1), etherType: 0x88A8, payload: [0, 7, 8, 0])
    let bench = threePeers()
    bench.fromTAP([customer, service])
    #expect(bench.drops(.vlanTag) == 2)
    let passing = threePeers { $0.passesVLANTags = true }
    #expect(passing.fromTAP([customer, service]).count == 6)
  }

  @Test(
    "a source that is a group, all ones or zero is neither sent nor learned",
    arguments: [MACAddress(rawValue: 0x0100_5E00_0001), .broadcast, .zero])
  func invalidSource(source: MACAddress) {
    let bench = threePeers()
    bench.fromTAP([Frames.ethernet(to: .station(9), from: source)])
    #expect(bench.drops(.invalidSourceMAC) == 1)
    #expect(bench.entries().isEmpty)
    expectBalance(bench)
  }

  @Test(
    "an address that is static at a peer is not taken over from the TAP, learning or not", arguments: [true, false])
  func staticMove(learns: Bool) {
    let bench = threePeers {
      $0.learns = learns
      $0.staticEntries = [(.station(9), 1)]
    }
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: .station(9))])
    #expect(bench.drops(.staticMove) == 1)
    #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).map(\.peer) == [1])
    expectBalance(bench)
  }

  @Test("a superframe that says nothing sensible of itself is refused")
  func badOffload() {
    let bench = threePeers()
    bench.taps[0].offload.gsoType = 1
    bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))])
    #expect(bench.drops(.badOffload) == 1)
    expectBalance(bench)
  }

  @Test("all frames of one flow leave from one source port, and many flows use many ports")
  func sourcePorts() {
    let bench = threePeers { $0.peers = [0] }
    func frame(port: UInt16) -> [UInt8] {
      let udp = Frames.udp(from: port, to: 80)
      return Frames.ethernet(
        to: .station(9), from: .station(1), etherType: 0x0800,
        payload: Frames.ipv4(from: peerAddress(0), to: peerAddress(1), payload: udp))
    }
    let same = bench.fromTAP([frame(port: 7), frame(port: 7), frame(port: 7)])
    #expect(Set(same.map(\.sourcePortIndex)).count == 1)
    let many = bench.fromTAP((0..<1000).map { frame(port: UInt16($0)) })
    #expect(Set(many.map(\.sourcePortIndex)).count == 64)
  }

  @Test(
    "the outer traffic class copies the inner one; a fixed DSCP keeps the inner ECN",
    arguments: [0, 1, 2, 3] as [UInt8])
  func trafficClass(ecn: UInt8) {
    let inner = 0xB8 | ecn
    let v4 = Frames.ethernet(
      to: .station(9), from: .station(1), etherType: 0x0800,
      payload: Frames.ipv4(from: peerAddress(0), to: peerAddress(1), trafficClass: inner, payload: []))
    let address = IPAddress(ipv6High: 0xFD42 << 48, low: 1)
    let v6 = Frames.ethernet(
      to: .station(9), from: .station(1), etherType: 0x86DD,
      payload: Frames.ipv6(from: address, to: address, trafficClass: inner, payload: []))
    let other = Frames.ethernet(to: .station(9), from: .station(1))
    let copying = threePeers { $0.peers = [0] }
    #expect(copying.fromTAP([v4, v6, other]).map(\.trafficClass) == [inner, inner, 0])
    let fixed = threePeers {
      $0.peers = [0]
      $0.dscp = .fixed(10)
    }
    #expect(fixed.fromTAP([v4, v6, other]).map(\.trafficClass) == [40 | ecn, 40 | ecn, 40])
  }

  @Test("without learning the table stays empty and everything unknown is flooded")
  func withoutLearning() {
    let bench = threePeers { $0.learns = false }
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    #expect(bench.fromTAP([Frames.ethernet(to: .station(9), from: .station(1))]).count == 3)
    #expect(bench.entries().isEmpty)
  }
}
