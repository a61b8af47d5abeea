import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("superframes from a TAP")
struct SuperframeTests {
  /// Sends one superframe and expects the datagrams of what the kernel would have made of it.
  @discardableResult
  private func expectSegments(
    _ flow: InnerFlow, payload byteCount: Int, gsoByteCount: Int, bench: EngineBench = SuperframeBench.encapsulating(),
    _ change: (inout VirtioNetHeader) -> Void = { _ in }, _ location: SourceLocation = #_sourceLocation
  ) -> [[UInt8]] {
    var (frame, header) = flow.superframe(SuperframeBench.payload(byteCount), gsoByteCount: gsoByteCount)
    let expected = ReferenceSegmentation.frames(of: frame, header)
    change(&header)
    bench.taps[0].offload = header
    let sent = bench.fromTAP([frame])
    let isSame = sent.map(\.payload) == expected.map { Frames.vxlan(vni: 42, $0) }
    #expect(isSame, "\(sent.count) datagrams of \(expected.count)", sourceLocation: location)
    let counters = bench.snapshot()
    #expect(counters.total(.framesIn, .overlay) == UInt64(expected.count), sourceLocation: location)
    #expect(counters.total(.framesOut, .overlay) == UInt64(expected.count), sourceLocation: location)
    let innerByteCount = UInt64(expected.reduce(0) { $0 + $1.count })
    #expect(counters.total(.bytesIn, .overlay) == innerByteCount, sourceLocation: location)
    #expect(counters.total(.bytesOut, .overlay) == innerByteCount, sourceLocation: location)
    expectBalance(bench, location)
    return SuperframeBench.inner(sent)
  }

  @Test(
    "TCP and UDP over both families, untagged and tagged once and twice, are cut as the kernel would cut them",
    arguments: InnerFlow.kinds, [[], [7], [7, 8]] as [[UInt16]])
  func cuts(flow: InnerFlow, tags: [UInt16]) {
    var flow = flow
    flow.tags = tags
    expectSegments(flow, payload: 20_000, gsoByteCount: 1300)
    expectSegments(flow, payload: 1, gsoByteCount: 1300)
    expectSegments(flow, payload: 1300, gsoByteCount: 1300)
    expectSegments(flow, payload: 1301, gsoByteCount: 1300)
    expectSegments(flow, payload: 2600, gsoByteCount: 1300)
    expectSegments(flow, payload: 777, gsoByteCount: 13)
    expectSegments(flow, payload: 63_001, gsoByteCount: 1299)
  }

  @Test("an IPv4 identification counts up, over its end too", arguments: [0x4000, 0] as [UInt16])
  func identification(fragment: UInt16) {
    var flow = InnerFlow()
    flow.fragment = fragment
    flow.identification = 0xFFFE
    let frames = expectSegments(flow, payload: 4_000, gsoByteCount: 1000)
    #expect(frames.map { Array($0[18..<20]) } == [[0xFF, 0xFE], [0xFF, 0xFF], [0, 0], [0, 1]])
  }

  @Test("a sequence number counts bytes, over its end too")
  func sequence() {
    var flow = InnerFlow()
    flow.sequence = 0xFFFF_FF00
    let frames = expectSegments(flow, payload: 3_000, gsoByteCount: 1000)
    #expect(frames.map { Array($0[38..<42]) } == [[255, 255, 255, 0], [0, 0, 2, 232], [0, 0, 6, 208]])
  }

  @Test("FIN and PSH stay on the last segment, CWR on the first, everything else on all", arguments: [false, true])
  func flags(isIPv6: Bool) {
    var flow = InnerFlow(isIPv6: isIPv6)
    flow.flags = 0xFF
    let frames = expectSegments(flow, payload: 3_000, gsoByteCount: 1000) { $0.gsoType |= VirtioNetHeader.gsoECN }
    #expect(frames.map { $0[flow.transportOffset + 13] } == [0xF6, 0x76, 0x7F])
    #expect(expectSegments(flow, payload: 10, gsoByteCount: 1000).map { $0[flow.transportOffset + 13] } == [0xFF])
  }

  @Test("options of IPv4 and TCP and an IPv6 extension header are in every segment")
  func options() {
    var four = InnerFlow()
    four.networkOptions = [0x94, 4, 0, 0]
    four.options = [UInt8](repeating: 1, count: 40)
    expectSegments(four, payload: 9_999, gsoByteCount: 1111)
    four.options = []
    expectSegments(four, payload: 9_999, gsoByteCount: 1111)
    for isUDP in [false, true] {
      var six = InnerFlow(isUDP: isUDP, isIPv6: true)
      six.hasExtensionHeader = true
      expectSegments(six, payload: 9_999, gsoByteCount: 1111)
    }
  }

  @Test("60,000 segments of one byte leave in many sends, and each is counted", .timeLimit(.minutes(10)))
  func oneByteSegments() {
    expectSegments(InnerFlow(isUDP: true), payload: 60_000, gsoByteCount: 1)
  }

  @Test("what the kernel says of the header's length is not believed", arguments: [0, 1, 54, 4000, 65_535] as [UInt16])
  func headerLength(nonsense: UInt16) {
    expectSegments(InnerFlow(), payload: 5_000, gsoByteCount: 1000) { $0.headerByteCount = nonsense }
  }

  @Test("a flooded superframe is its segments once in frames and for each peer in copies")
  func flooded() {
    let bench = SuperframeBench.encapsulating(peers: [0, 1, 2])
    let flow = InnerFlow(isIPv6: true)
    let (frame, header) = flow.superframe(SuperframeBench.payload(50_000), gsoByteCount: 1000)
    bench.taps[0].offload = header
    bench.sockets.failures = [1: 11]
    let sent = bench.fromTAP([frame])
    let expected = ReferenceSegmentation.frames(of: frame, header)
    for peer in 0...2 {
      let inner = SuperframeBench.inner(sent.filter { $0.peer == peer })
      #expect(inner == (peer == 1 ? [] : expected))
      #expect(Set(sent.filter { $0.peer == peer }.map(\.sourcePortIndex)).count == (peer == 1 ? 0 : 1))
    }
    let counters = bench.snapshot()
    #expect(counters.total(.framesIn, .overlay) == 50 && counters.total(.framesOut, .overlay) == 50)
    #expect(counters.total(.floodCopies, .overlay) == 100 && counters.total(.floodCopyDrops, .overlay) == 50)
    expectBalance(bench)
  }

  @Test("a superframe that nobody takes is as many drops as segments")
  func drops() {
    let flow = InnerFlow()
    let (frame, header) = flow.superframe(SuperframeBench.payload(10_000), gsoByteCount: 1000)
    let nowhere = SuperframeBench.encapsulating(peers: [])
    nowhere.taps[0].offload = header
    nowhere.fromTAP([frame])
    #expect(nowhere.drops(.noPeer) == 10)
    expectBalance(nowhere)
    let full = SuperframeBench.encapsulating()
    full.taps[0].offload = header
    full.sockets.failures = [0: 11]
    full.fromTAP([frame])
    #expect(full.drops(.socketFull) == 10)
    expectBalance(full)
  }

  @Test(
    "size is judged by the segment: one that fills the MTU passes, one byte more is too-big for all",
    arguments: InnerFlow.kinds)
  func tooBig(flow: InnerFlow) {
    let fitting = 1450 + 18 - flow.headerByteCount
    expectSegments(flow, payload: 20_000, gsoByteCount: fitting)
    let bench = SuperframeBench.encapsulating()
    let (frame, header) = flow.superframe(SuperframeBench.payload(20_000), gsoByteCount: fitting + 1)
    bench.taps[0].offload = header
    #expect(bench.fromTAP([frame]).isEmpty)
    #expect(bench.drops(.tooBig) == UInt64((20_000 + fitting) / (fitting + 1)))
    expectBalance(bench)
    // A gso_size above what is there says nothing of the segment.
    expectSegments(flow, payload: fitting, gsoByteCount: 9_000)
  }
}
