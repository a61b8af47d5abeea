import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("runs of datagrams")
struct RunTests {
  private func frames(_ payloadByteCounts: [Int], _ flow: InnerFlow = InnerFlow(isUDP: true)) -> [[UInt8]] {
    payloadByteCounts.map { flow.frame(SuperframeBench.payload($0)) }
  }

  /// Sends frames of one batch; answers the calls that it took.
  private func sendCount(_ frames: [[UInt8]], _ bench: EngineBench = SuperframeBench.encapsulating()) -> Int {
    let before = bench.sockets.sendCount
    let sent = bench.fromTAP(frames)
    #expect(SuperframeBench.inner(sent) == frames)
    expectBalance(bench)
    return bench.sockets.sendCount - before
  }

  @Test("equal datagrams of one flow leave in one call; a shorter one is the run's last, a longer one begins another")
  func lengths() {
    let bench = SuperframeBench.encapsulating()
    bench.fromUnderlay([fromPeer(0, Frames.ethernet(to: .station(1), from: InnerFlow().destination))])
    #expect(sendCount(frames([100, 100, 100, 100]), bench) == 1)
    #expect(sendCount(frames([100, 100, 40]), bench) == 1)
    #expect(sendCount(frames([100, 40, 40]), bench) == 2)
    #expect(sendCount(frames([100, 40, 100]), bench) == 2)
    #expect(sendCount(frames([100, 101]), bench) == 2)
  }

  @Test("flooded datagrams of one call have one length: each peer's path takes all of them or none")
  func floodedLengths() {
    #expect(sendCount(frames([100, 100, 100, 100])) == 1)
    #expect(sendCount(frames([100, 100, 40])) == 2)
    #expect(sendCount(frames([100, 40, 100])) == 3)
  }

  @Test("64 datagrams are a run, the 65th begins another")
  func count() {
    let bench = SuperframeBench.encapsulating()
    let (frame, header) = InnerFlow().superframe(SuperframeBench.payload(64), gsoByteCount: 1)
    bench.taps[0].offload = header
    bench.fromTAP([frame])
    #expect(bench.sockets.sendCount == 1)
    bench.fromTAP([InnerFlow().frame(SuperframeBench.payload(65))])
    #expect(bench.sockets.sendCount == 3)
  }

  @Test("a run carries no more than 65,507 bytes", arguments: [1456, 5000, 9000])
  func bytes(innerByteCount: Int) {
    let flow = InnerFlow()
    let gsoByteCount = innerByteCount - flow.headerByteCount
    let bench = SuperframeBench.encapsulating(overlayMTU: 9000)
    let perRun = min(64, 65_507 / (innerByteCount + 8))
    let segmentCount = 63_000 / gsoByteCount
    let payload = SuperframeBench.payload(segmentCount * gsoByteCount)
    let (frame, header) = flow.superframe(payload, gsoByteCount: gsoByteCount)
    bench.taps[0].offload = header
    #expect(bench.fromTAP([frame, frame]).count == 2 * segmentCount)
    // A superframe of that size fills its batch, so the two are not joined.
    #expect(bench.sockets.sendCount == 2 * ((segmentCount + perRun - 1) / perRun))
  }

  @Test("another peer, another flow or another traffic class begins another run")
  func keys() {
    let bench = SuperframeBench.encapsulating(peers: [0, 1, 2])
    for peer in 0...2 {
      bench.fromUnderlay([fromPeer(peer, Frames.ethernet(to: .station(1), from: .station(10 + peer)))])
    }
    func toPeer(_ peer: Int) -> [UInt8] {
      var flow = InnerFlow(isUDP: true)
      flow.destination = .station(10 + peer)
      return flow.frame([1, 2, 3])
    }
    #expect(sendCount([toPeer(0), toPeer(0), toPeer(1), toPeer(1), toPeer(2)], bench) == 3)
    var others = (0..<8).map { number in
      var flow = InnerFlow(isUDP: true)
      flow.sourcePort += UInt16(number)
      return flow.frame([1, 2, 3])
    }
    let single = SuperframeBench.encapsulating()
    let portCount = Set(others.flatMap { single.fromTAP([$0]).map(\.sourcePortIndex) }).count
    #expect(portCount > 1 && sendCount(others) >= portCount)
    var marked = InnerFlow(isUDP: true)
    marked.trafficClass = 0xB8
    others = [InnerFlow(isUDP: true).frame([1]), marked.frame([1])]
    #expect(sendCount(others) == 2)
  }
}
