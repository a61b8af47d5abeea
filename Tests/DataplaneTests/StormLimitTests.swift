import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Storm limit")
struct StormLimitTests {
  private let broadcast = Frames.ethernet(to: .broadcast, from: .station(1), payload: [1])
  private let group = Frames.ethernet(to: MACAddress(rawValue: 0x0100_5E01_0203), from: .station(1))
  private let unknown = Frames.ethernet(to: .station(8), from: .station(1))
  private let known = Frames.ethernet(to: .station(9), from: .station(1))

  private func bench(_ limit: Int = 100) -> EngineBench {
    let bench = threePeers { $0.stormLimit = limit }
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    return bench
  }

  @Test(
    "row 56: broadcast, multicast and unknown unicast share a tenth of a second's frames; known unicast passes")
  func limits() {
    let bench = bench()
    let sent = bench.fromTAP(Array(repeating: [broadcast, group, unknown, known], count: 50).joined().map { $0 })
    #expect(sent.count == 10 * 3 + 50, "the burst to three peers, and the unicast to one")
    #expect(bench.drops(.stormLimit) == 140)
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 60 && counters.total(.floodCopies, .overlay) == 30)
    #expect(bench.topology.flooding.stormCount(ofSegment: 0) == 140 && bench.topology.flooding.hasNews)
    expectBalance(bench)
  }

  @Test("a second later a second's frames pass, spread over it")
  func refills() {
    let bench = bench()
    bench.fromTAP(Array(repeating: broadcast, count: 50))
    var count = 0
    for _ in 0..<1000 {
      bench.now = bench.now + .milliseconds(1)
      count += bench.fromTAP([broadcast]).count / 3
    }
    #expect(count == 100)
  }

  @Test("frames from peers are not counted: they go into one TAP only")
  func fromPeers() {
    let bench = bench()
    let written = bench.fromUnderlay(
      (0..<200).map { _ in fromPeer(1, Frames.ethernet(to: .broadcast, from: .station(9))) })
    #expect(written[0].count == 200 && bench.drops(.stormLimit) == 0)
  }

  @Test("segments have their own limits, and workers share that of a segment")
  func perSegment() {
    var plan = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(1))
    (plan.peers, plan.stormLimit) = ([0], 100)
    var other = plan
    (other.vni, other.stormLimit) = (VNI(unchecked: 43), 0)
    let peers = [PeerPlan(endpoint: Endpoint(address: peerAddress(0), udpPort: 4789))]
    let bench = EngineBench(segments: [plan, other], peers: peers)
    let second = EngineBench(sharing: bench)
    #expect(bench.fromTAP(Array(repeating: broadcast, count: 7)).count == 7)
    #expect(second.fromTAP(Array(repeating: broadcast, count: 7)).count == 3)
    #expect(bench.fromTAP(Array(repeating: broadcast, count: 500), segment: 1).count == 500)
  }

  @Test("the limits of segments lie on cache lines of their own")
  func places() {
    let storms = threePeers().topology.flooding.parts.storms
    #expect(UInt(bitPattern: storms) % 128 == 0 && UInt(bitPattern: storms + 1) % 128 == 0)
  }

  @Test("a flooded superframe counts its segments, and is dropped whole")
  func superframes() {
    let bench = bench()
    var flow = InnerFlow(isUDP: true)
    flow.destination = .broadcast
    let (frame, header) = flow.superframe(SuperframeBench.payload(8000), gsoByteCount: 1000)
    bench.taps[0].offload = header
    #expect(bench.fromTAP([frame, frame]).count == 8 * 3)
    #expect(bench.drops(.stormLimit) == 8)
    expectBalance(bench)
  }

  @Test("without peers a frame above the limit ends for that, and others for the lack of peers")
  func noPeers() {
    let bench = threePeers { ($0.stormLimit, $0.peers) = (100, []) }
    bench.fromTAP(Array(repeating: broadcast, count: 15))
    #expect(bench.drops(.noPeer) == 10 && bench.drops(.stormLimit) == 5)
  }
}
