import Dataplane
import Glibc
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("order and refusal of joined segments")
struct CoalescingOrderTests {
  private func flow(_ port: UInt16) -> InnerFlow {
    var flow = InnerFlow()
    flow.sourcePort = port
    return flow
  }

  /// Segments of two flows in turns of `turn`.
  private func interleaved(turn: Int) -> [[UInt8]] {
    let a = flow(1).segments(SuperframeBench.payload(1200), byteCount: 100)
    let b = flow(2).segments(SuperframeBench.payload(1200), byteCount: 100)
    return stride(from: 0, to: 12, by: turn).flatMap { a[$0..<min(12, $0 + turn)] + b[$0..<min(12, $0 + turn)] }
  }

  @Test("order within a flow and between flows is that in which they came", arguments: 1...12)
  func order(turn: Int) {
    let bench = SuperframeBench.merging()
    let frames = interleaved(turn: turn)
    let isSame = bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0] == frames
    #expect(isSame)
    expectBalance(bench)
  }

  @Test("frames of another kind stay in their place", arguments: [0x0806, 0x88B5] as [UInt16])
  func others(etherType: UInt16) {
    let bench = SuperframeBench.merging()
    var frames = InnerFlow().segments(SuperframeBench.payload(400), byteCount: 100)
    frames.insert(Frames.ethernet(to: .broadcast, from: .station(3), etherType: etherType, payload: [1]), at: 2)
    #expect(bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0] == frames)
    #expect(bench.taps[0].writeCount == 3)
  }

  @Test("nothing waits for the next batch")
  func endOfBatch() {
    let bench = SuperframeBench.merging()
    let frames = InnerFlow().segments(SuperframeBench.payload(400), byteCount: 100)
    for frame in frames { #expect(bench.fromUnderlay([fromPeer(0, frame)])[0] == [frame]) }
    #expect(bench.taps[0].writeCount == 4)
  }

  @Test("segments from two peers are not one superframe")
  func peers() {
    let bench = SuperframeBench.merging()
    let frames = InnerFlow().segments(SuperframeBench.payload(200), byteCount: 100)
    #expect(bench.fromUnderlay([fromPeer(0, frames[0]), fromPeer(1, frames[1])])[0] == frames)
    #expect(bench.taps[0].writeCount == 2)
  }

  @Test("segments of two VNIs in one buffer come to their own TAPs")
  func segments() {
    let bench = SuperframeBench.merging()
    let frames = InnerFlow().segments(SuperframeBench.payload(600), byteCount: 100)
    var buffer = fromPeer(0, [])
    buffer.payload = frames.enumerated().flatMap { Frames.vxlan(vni: $0.offset < 4 ? 42 : 43, $0.element) }
    buffer.datagramByteCount = frames[0].count + 8
    #expect(bench.fromUnderlay([buffer]) == [Array(frames[..<4]), Array(frames[4...])])
    #expect(bench.taps.map(\.writeCount) == [1, 1])
    buffer.payload = frames.enumerated().flatMap { Frames.vxlan(vni: $0.offset % 2 == 0 ? 42 : 43, $0.element) }
    #expect(bench.fromUnderlay([buffer]).map(\.count) == [3, 3])
    #expect(bench.taps.map(\.writeCount) == [4, 4])
    expectBalance(bench)
  }

  @Test("a bad datagram inside a buffer ends alone, and those around it are joined")
  func badInside() {
    let bench = SuperframeBench.merging()
    let frames = InnerFlow().segments(SuperframeBench.payload(600), byteCount: 100)
    var buffer = fromPeer(0, [])
    buffer.payload = frames.enumerated().flatMap {
      Frames.vxlan(vni: 42, flags: $0.offset == 3 ? 0 : 8, $0.element)
    }
    buffer.datagramByteCount = frames[0].count + 8
    #expect(bench.fromUnderlay([buffer])[0] == Array(frames[..<3]) + Array(frames[4...]))
    #expect(bench.drops(.noVNIFlag) == 1 && bench.taps[0].writeCount == 2)
    expectBalance(bench)
  }

  @Test("without an offload nothing is joined; without that of UDP only TCP is")
  func offloads() {
    let tcp = InnerFlow().segments(SuperframeBench.payload(400), byteCount: 100)
    let udp = InnerFlow(isUDP: true).segments(SuperframeBench.payload(400), byteCount: 100)
    for (traffic, writeCount) in [
      (MergeableTraffic(mergesTCP: false, mergesUDP: false), 8),
      (MergeableTraffic(mergesTCP: true, mergesUDP: false), 5),
      (MergeableTraffic(mergesTCP: true, mergesUDP: true), 2),
    ] {
      let bench = SuperframeBench.merging(traffic)
      #expect(bench.fromUnderlay((tcp + udp).map { fromPeer(0, $0) })[0] == tcp + udp)
      #expect(bench.taps[0].writeCount == writeCount)
    }
  }

  @Test(
    "a refused superframe is written as the segments that came, none is lost, and no more are made",
    arguments: InnerFlow.kinds, [[], [7]] as [[UInt16]])
  func refused(flow: InnerFlow, tags: [UInt16]) {
    var flow = flow
    flow.tags = tags
    let bench = SuperframeBench.merging()
    bench.taps[0].superframeFailure = EINVAL
    var frames = flow.segments(SuperframeBench.payload(650), byteCount: 100)
    if !flow.isUDP {
      var last = flow
      last.advance(byteCount: 650, frameCount: 7)
      last.flags = 0x18
      frames.append(last.frame([1]))
    }
    // What is written behind it in the same batch comes before its segments, this once.
    let written = bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0]
    #expect(Set(written) == Set(frames) && written.filter { $0.count == frames[0].count } == Array(frames[..<6]))
    #expect(bench.taps[0].writeCount == frames.count)
    bench.taps[0].superframeFailure = 0
    #expect(bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0] == frames)
    #expect(bench.taps[0].writeCount == 2 * frames.count)
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .underlay) == UInt64(2 * frames.count) && counters.drops(.underlay) == 0)
    #expect(counters.total(.bytesOut, .underlay) == counters.total(.bytesIn, .underlay))
    // The other TAP goes on with them.
    let buffers = frames.map { FakeDatagramPort.Received(Frames.vxlan(vni: 43, $0), from: peerAddress(0)) }
    #expect(bench.fromUnderlay(buffers)[1] == frames)
    #expect(bench.taps[1].writeCount < frames.count)
    expectBalance(bench)
  }

  @Test(
    "a segment that is alone is a plain frame: a TAP that refuses every superframe takes it", arguments: InnerFlow.kinds
  )
  func alone(flow: InnerFlow) {
    let bench = SuperframeBench.merging()
    bench.taps[0].superframeFailure = EINVAL
    var flow = flow
    var others = flow
    others.sourcePort += 1
    for _ in 0..<3 {
      // Two flows in turns: each is a candidate, none continues the one before.
      let frames = [flow, others, flow].map { $0.frame(SuperframeBench.payload(100)) }
      #expect(bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0] == frames)
      flow.advance(byteCount: 100)
      others.advance(byteCount: 100)
    }
    #expect(bench.taps[0].mergeable.mergesTCP, "nothing was refused")
    expectBalance(bench)
  }

  @Test("several refused superframes of one batch lose nothing")
  func refusedTwice() {
    let bench = SuperframeBench.merging()
    bench.taps[0].superframeFailure = EINVAL
    let frames = interleaved(turn: 2)
    let written = bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0]
    #expect(written.map(\.description).sorted() == frames.map(\.description).sorted())
    #expect(bench.snapshot().drops(.underlay) == 0)
    expectBalance(bench)
  }

  @Test(
    "a TAP that is full or down drops every segment of a superframe",
    arguments: [
      (EAGAIN, DropReason.tapFull), (EIO, .tapDown), (EINVAL, .tapDown),
    ])
  func failures(failure: Int32, reason: DropReason) {
    let bench = SuperframeBench.merging()
    bench.taps[0].writeFailure = failure
    let frames = InnerFlow().segments(SuperframeBench.payload(500), byteCount: 100)
    #expect(bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0].isEmpty)
    #expect(bench.drops(reason) == 5)
    expectBalance(bench)
  }
}
