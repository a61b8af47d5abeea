import Dataplane
import Forwarding
import Glibc
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("Decapsulation")
struct DecapsulationTests {
  private let frame = Frames.ethernet(to: .station(1), from: .station(9), payload: [1, 2, 3])

  @Test("a frame from a configured peer reaches the TAP of its segment, byte for byte, and is learned")
  func delivers() {
    let bench = threePeers()
    let written = bench.fromUnderlay([fromPeer(1, frame)])
    #expect(written == [[frame]])
    #expect(bench.entries().map(\.remote) == [.peer(1)])
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .underlay) == 1)
    #expect(counters.peers[1].receivedByteCount == UInt64(frame.count + 8))
    expectBalance(bench)
  }

  @Test("nothing that came from a peer goes to a peer, known, unknown or broadcast")
  func splitHorizon() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(2, Frames.ethernet(to: .station(1), from: .station(8)))])
    for destination in [MACAddress.station(8), .station(77), .broadcast, MACAddress(rawValue: 0x3333_0000_0001)] {
      bench.fromUnderlay([fromPeer(0, Frames.ethernet(to: destination, from: .station(9)))])
    }
    #expect(bench.sockets.sent.isEmpty)
    #expect(bench.taps[0].written.count == 5)
  }

  @Test("segments are apart: same addresses, other VNI, other table, other TAP")
  func isolation() {
    var first = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(1))
    first.peers = [0, 1]
    var second = first
    second.vni = VNI(unchecked: 43)
    let peers = (0...1).map { PeerPlan(endpoint: Endpoint(address: peerAddress($0), udpPort: 4789)) }
    let bench = EngineBench(segments: [first, second], peers: peers)
    let written = bench.fromUnderlay([fromPeer(0, frame), fromPeer(1, vni: 43, frame)])
    #expect(written == [[frame], [frame]])
    let back = Frames.ethernet(to: .station(9), from: .station(1))
    #expect(bench.fromTAP([back], segment: 0).map(\.peer) == [0])
    #expect(bench.fromTAP([back], segment: 1).map(\.peer) == [1])
    expectBalance(bench)
  }

  @Test("a peer without the segment is not-permitted, an unconfigured one unknown-peer; neither is learned from")
  func sources() {
    let bench = threePeers { $0.peers = [0, 1] }
    let stranger = IPAddress(ipv4: 0xC000_0263)
    bench.fromUnderlay([fromPeer(2, frame), .init(Frames.vxlan(vni: 42, frame), from: stranger)])
    #expect(bench.drops(.notPermitted) == 1)
    #expect(bench.drops(.unknownPeer) == 1)
    #expect(bench.entries().isEmpty)
    expectBalance(bench)
  }

  @Test("an IPv6 source is not taken for the IPv4 address with the same bits")
  func familiesAreApart() {
    let bench = threePeers()
    let look = IPAddress(ipv6High: 0, low: 0xC000_0202)
    bench.fromUnderlay([.init(Frames.vxlan(vni: 42, frame), from: look)])
    #expect(bench.drops(.unknownPeer) == 1)
  }

  @Test("fragments and cut datagrams end before anything else is judged")
  func fragmentAndTruncated() {
    let bench = threePeers()
    bench.fromUnderlay([
      .init(Frames.vxlan(vni: 42, frame), from: peerAddress(0), isFragmented: true),
      .init([UInt8](repeating: 0, count: 70_000), from: peerAddress(0)),
    ])
    #expect(bench.drops(.fragment) == 1)
    #expect(bench.drops(.truncated) == 1)
    expectBalance(bench)
  }

  @Test("the first reason that matches wins, in the order of the contract")
  func order() {
    let bench = threePeers { $0.peers = [0] }
    let stranger = IPAddress(ipv4: 0xC000_0263)
    // Reserved bits before the unknown peer, the unknown peer before the unknown VNI, that before everything inner.
    bench.fromUnderlay([.init(Frames.vxlan(vni: 7, flags: 0x0C, []), from: stranger)])
    #expect(bench.drops(.reservedBits) == 1)
    bench.fromUnderlay([.init(Frames.vxlan(vni: 7, []), from: stranger)])
    #expect(bench.drops(.unknownPeer) == 1)
    bench.fromUnderlay([.init(Frames.vxlan(vni: 7, []), from: peerAddress(0))])
    #expect(bench.drops(.unknownVNI) == 1)
    bench.fromUnderlay([fromPeer(1, [])])
    #expect(bench.drops(.notPermitted) == 1)
    // Oversize before the tag, the tag before the source, an invalid source before the own one.
    let long = [UInt8](repeating: 0, count: 1500)
    bench.fromUnderlay([fromPeer(0, Frames.tagged(to: .station(1), from: .zero, vlan: 1, payload: long))])
    #expect(bench.drops(.oversize) == 1)
    bench.fromUnderlay([fromPeer(0, Frames.tagged(to: .station(1), from: .zero, vlan: 1))])
    #expect(bench.drops(.vlanTag) == 1)
    #expect(bench.snapshot().drops(.underlay) == 6)
  }

  @Test("an inner frame of MTU and header passes, one byte more is oversize")
  func oversize() {
    let bench = threePeers()
    let fitting = Frames.ethernet(to: .station(1), from: .station(9), payload: [UInt8](repeating: 7, count: 1450))
    bench.fromUnderlay([fromPeer(0, fitting), fromPeer(0, fitting + [0])])
    #expect(bench.snapshot().total(.framesOut, .underlay) == 1)
    #expect(bench.drops(.oversize) == 1)
  }

  @Test("the own address as source, and a pinned address from elsewhere, are dropped and not learned")
  func ownAndStatic() {
    let bench = threePeers { $0.staticEntries = [(.station(9), 1)] }
    bench.fromUnderlay([fromPeer(0, Frames.ethernet(to: .broadcast, from: .station(1)))])
    #expect(bench.drops(.ownSourceMAC) == 1)
    bench.fromUnderlay([fromPeer(0, frame), fromPeer(1, frame)])
    #expect(bench.drops(.staticMove) == 1)
    #expect(bench.snapshot().total(.framesOut, .underlay) == 1)
    #expect(bench.entries() == [bench.entries()[0]])
    #expect(bench.entries()[0].isStatic)
  }

  @Test("at the limit frames are delivered, and new addresses are not learned")
  func atTheLimit() {
    let bench = threePeers { $0.fdbLimit = 8 }
    let written = bench.fromUnderlay(
      (0..<20).map { fromPeer(0, Frames.ethernet(to: .station(1), from: .station(100 + $0))) })
    #expect(written[0].count == 20)
    #expect(bench.entries().count == 8)
  }

  @Test(
    "a TAP that is full and one that is down have their reasons",
    arguments: [
      (EAGAIN, DropReason.tapFull), (ENOBUFS, .tapFull), (EIO, .tapDown), (EBADFD, .tapDown),
    ])
  func tapFailures(failure: Int32, reason: DropReason) {
    let bench = threePeers()
    bench.taps[0].writeFailure = failure
    bench.fromUnderlay([fromPeer(0, frame)])
    #expect(bench.drops(reason) == 1)
    expectBalance(bench)
  }

  @Test("outer congestion marks reach the inner header, or end the packet that cannot carry them")
  func ecn() throws {
    for inner in ECN.allCases {
      for outer in ECN.allCases {
        let bench = threePeers()
        let packet = Frames.ipv4(
          from: peerAddress(0), to: peerAddress(1), trafficClass: 0x28 | inner.rawValue, payload: [1, 2, 3, 4])
        let sent = Frames.ethernet(to: .station(1), from: .station(9), etherType: 0x0800, payload: packet)
        let written = bench.fromUnderlay([fromPeer(0, trafficClass: outer.rawValue, sent)])[0]
        if inner == .notECT, outer == .ce {
          #expect(written.isEmpty)
          #expect(bench.drops(.ecn) == 1)
          continue
        }
        let header = try #require(written.first)[14..<34]
        let expected = ECN.decapsulated(inner: inner, outer: outer)
        #expect(header[header.startIndex + 1] == 0x28 | (expected?.rawValue ?? 0))
        #expect(Checksum.finish(Checksum.sum(Array(header).span)) == 0)
        expectBalance(bench)
      }
    }
  }

  @Test("a frame without an IP packet passes whatever the outer header says of congestion")
  func ecnWithoutIP() {
    let bench = threePeers()
    #expect(bench.fromUnderlay([fromPeer(0, trafficClass: 3, frame)]) == [[frame]])
  }
}
