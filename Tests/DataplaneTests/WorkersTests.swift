import Dataplane
import Forwarding
import TestKit
import Testing
import VXLAN

/// Several engines over one topology, as the workers of an agent have them; here one thread steps them in turn.
@Suite("Engines of one agent")
struct WorkersTests {
  private let benches: [EngineBench]

  init() {
    var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(0xAA))
    segment.peers = [0, 1]
    let first = EngineBench(
      segments: [segment], peers: (0..<2).map { PeerPlan(endpoint: Endpoint(address: peerAddress($0), udpPort: 4789)) })
    benches = [first, EngineBench(sharing: first), EngineBench(sharing: first)]
  }

  private func datagram(from station: Int, peer: Int) -> FakeDatagramPort.Received {
    let frame = Frames.ethernet(to: .broadcast, from: .station(station), payload: [UInt8](repeating: 1, count: 46))
    return FakeDatagramPort.Received(Frames.vxlan(vni: 42, frame), from: peerAddress(peer))
  }

  private func frame(to station: Int, from source: Int = 1) -> [UInt8] {
    Frames.ethernet(to: .station(station), from: .station(source), payload: [UInt8](repeating: 2, count: 46))
  }

  @Test("what one worker learns all know")
  func learning() {
    benches[0].fromUnderlay([datagram(from: 7, peer: 1)])
    for bench in benches { #expect(bench.fromTAP([frame(to: 7)]).map(\.peer) == [1]) }
  }

  @Test("a station that moved through another worker within the second is learned back by its next frame")
  func movedThroughAnother() {
    // The same second throughout: what a worker knows of it for so long must not hide the move.
    benches[0].fromUnderlay([datagram(from: 7, peer: 0)])
    benches[0].fromUnderlay([datagram(from: 7, peer: 0)])
    benches[1].fromUnderlay([datagram(from: 7, peer: 1)])
    #expect(benches[2].fromTAP([frame(to: 7)]).map(\.peer) == [1])
    benches[0].fromUnderlay([datagram(from: 7, peer: 0)])
    #expect(benches[2].fromTAP([frame(to: 7)]).map(\.peer) == [0])
  }

  @Test("the sum of the counters has every frame once, and its identity holds")
  func counters() {
    benches[0].fromUnderlay([datagram(from: 7, peer: 0), datagram(from: 8, peer: 0)])
    benches[1].now = Instant(nanoseconds: benches[0].now.nanoseconds + 5)
    benches[1].fromUnderlay([datagram(from: 9, peer: 0)])
    benches[2].fromTAP([frame(to: 7), frame(to: 0x77), [1, 2, 3]])
    let sum = benches.map { $0.snapshot() }.reduce(benches[0].snapshot()) { $0 + $1 }
    // The first stands twice in it.
    #expect(sum.total(.framesIn, .underlay) == 2 + 2 + 1 && sum.total(.framesOut, .underlay) == 5)
    #expect(sum.total(.framesIn, .overlay) == 3 && sum.total(.framesOut, .overlay) == 2)
    #expect(sum.total(.shortFrame, .overlay) == 1 && sum.total(.floodCopies, .overlay) == 2)
    for direction in Direction.allCases { #expect(sum.imbalance(direction) == 0) }
    #expect(sum.peers[0].lastReceive == benches[1].now.nanoseconds && sum.peers[1].lastReceive == 0)
    #expect(sum.peers[0].receivedByteCount == 5 * 68)
  }

  @Test("a flow has one source port whichever worker sends it")
  func sourcePort() {
    for number in 0..<20 {
      let ports = benches.map { $0.fromTAP([frame(to: 0x1000 + number, from: 0x2000 + number)]).map(\.sourcePortIndex) }
      #expect(Set(ports).count == 1 && ports[0].count == 2)
    }
  }
}
