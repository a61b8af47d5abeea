import Dataplane
import Forwarding
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("frames that their path is too small for")
struct TooBigFramesTests {
  /// An MTU of the underlay that leaves 1,300 bytes for an inner packet.
  private static let smallPath = 1350

  /// Three peers; the station 9 is behind the one in slot 1, whose path takes 1,300 bytes.
  private func bench(_ change: (inout SegmentPlan) -> Void = { _ in }) -> EngineBench {
    let bench = threePeers(change)
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    bench.taps[0].written = []
    bench.topology.limits.setPathMTU(Self.smallPath, ofPeer: 1)
    return bench
  }

  private func udp(_ byteCount: Int, isIPv6: Bool = false, fragment: UInt16 = 0x4000) -> [UInt8] {
    var flow = InnerFlow(isUDP: true, isIPv6: isIPv6)
    flow.fragment = fragment
    return flow.frame(SuperframeBench.payload(byteCount - (isIPv6 ? 48 : 28)))
  }

  @Test("the sender is told what fits, with the receiver's addresses, and the frame ends", arguments: [false, true])
  func answered(isIPv6: Bool) throws {
    let bench = bench()
    let frame = udp(1301, isIPv6: isIPv6)
    #expect(bench.fromTAP([frame]).isEmpty)
    let answer = try #require(bench.taps[0].written.first)
    #expect(Array(answer[0..<12]) == Array(frame[6..<12]) + Array(frame[0..<6]))
    #expect(answer.span.bigEndian16(at: isIPv6 ? 60 : 40) == 1300)
    #expect(answer[isIPv6 ? 54 : 34] == (isIPv6 ? 2 : 3))
    let counters = bench.snapshot()
    #expect(counters.total(DropReason.tooBig, .overlay) == 1 && counters.total(.generated, .underlay) == 1)
    expectBalance(bench)
  }

  @Test("what fits goes, to the byte, and to another peer more fits", arguments: [false, true])
  func fits(isIPv6: Bool) {
    let bench = bench()
    let frame = udp(1300, isIPv6: isIPv6)
    #expect(SuperframeBench.inner(bench.fromTAP([frame])) == [frame])
    bench.fromUnderlay([fromPeer(2, Frames.ethernet(to: .station(1), from: .station(9)))])
    #expect(bench.fromTAP([udp(1450, isIPv6: isIPv6)]).map(\.peer) == [2])
    bench.fromUnderlay([fromPeer(1, Frames.ethernet(to: .station(1), from: .station(9)))])
    #expect(bench.fromTAP([udp(1301, isIPv6: isIPv6)]).isEmpty)
    bench.topology.limits.setPathMTU(1351, ofPeer: 1)
    #expect(bench.fromTAP([udp(1301, isIPv6: isIPv6)]).map(\.peer) == [1])
    expectBalance(bench)
  }

  @Test("one answer a second for a pair of addresses; every frame is counted")
  func limited() {
    let bench = bench()
    bench.fromTAP([udp(1400), udp(1400), udp(1400)])
    #expect(bench.taps[0].written.count == 1 && bench.drops(.tooBig) == 3)
    bench.now = bench.now + .seconds(1)
    bench.fromTAP([udp(1400)])
    #expect(bench.taps[0].written.count == 2 && bench.drops(.tooBig) == 4)
    expectBalance(bench)
  }

  @Test(
    "IPv4 without DF is cut inside the tunnel: one frame out, no answer, the same packet",
    arguments: [0, 1] as [UInt16])
  func fragments(identification: UInt16) {
    let bench = bench()
    let frame = udp(1450, fragment: 0)
    let pieces = SuperframeBench.inner(bench.fromTAP([frame]))
    #expect(pieces.count == 2 && pieces.allSatisfy { $0.count <= 1314 })
    #expect(Array(pieces.map { $0.dropFirst(34) }.joined()) == Array(frame[34...]))
    #expect(pieces.map { $0.span.bigEndian16(at: 20) } == [0x2000, 160])
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 1 && counters.total(.generated, .overlay) == 1)
    #expect(bench.taps[0].written.isEmpty && bench.drops(.tooBig) == 0)
    expectBalance(bench)
  }

  @Test("a checksum that the kernel left to us is finished before the packet is cut")
  func partialChecksum() {
    let bench = bench()
    let whole = udp(1450, fragment: 0)
    var flow = InnerFlow(isUDP: true)
    flow.fragment = 0
    var (frame, header) = flow.superframe(Array(whole[42...]), gsoByteCount: 2000)
    header.gsoType = VirtioNetHeader.gsoNone
    header.gsoByteCount = 0
    // What the kernel leaves there: the sum of the pseudo-header.
    let byteCount = frame.count - 34
    let pseudoHeader = Array(frame[26..<34]) + [0, 17, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)]
    let pseudo = ~Checksum.finish(Checksum.sum(pseudoHeader.span))
    frame[40] = UInt8(pseudo >> 8)
    frame[41] = UInt8(pseudo & 0xFF)
    bench.taps[0].offload = header
    let pieces = SuperframeBench.inner(bench.fromTAP([frame]))
    #expect(Array(pieces.map { $0.dropFirst(34) }.joined()) == Array(whole[34...]))
  }

  @Test("a superframe is judged by its segments: they go, or all of it ends with one answer", arguments: [false, true])
  func superframes(isIPv6: Bool) {
    let bench = bench()
    let flow = InnerFlow(isIPv6: isIPv6)
    let payload = SuperframeBench.payload(20_000)
    let room = 1300 - (flow.headerByteCount - 14)
    for (gsoByteCount, isSent) in [(room, true), (room + 1, false)] {
      let (frame, header) = flow.superframe(payload, gsoByteCount: gsoByteCount)
      bench.taps[0].offload = header
      let expected = ReferenceSegmentation.frames(of: frame, header)
      let before = bench.drops(.tooBig)
      #expect(SuperframeBench.inner(bench.fromTAP([frame])) == (isSent ? expected : []))
      #expect(bench.drops(.tooBig) - before == (isSent ? 0 : UInt64(expected.count)))
    }
    #expect(bench.taps[0].written.count == 1)
    expectBalance(bench)
  }

  @Test("a UDP superframe without DF is cut into segments and these into fragments")
  func superframeFragments() {
    let bench = bench()
    var flow = InnerFlow(isUDP: true)
    flow.fragment = 0
    let (frame, header) = flow.superframe(SuperframeBench.payload(4_000), gsoByteCount: 1400)
    bench.taps[0].offload = header
    let pieces = SuperframeBench.inner(bench.fromTAP([frame]))
    let segments = ReferenceSegmentation.frames(of: frame, header)
    #expect(pieces.count == 5 && pieces.allSatisfy { $0.count <= 1314 })
    let packets = segments.map { Array($0[34...]) }
    let found = [pieces[0...1], pieces[2...3], pieces[4...4]].map { $0.flatMap { $0.dropFirst(34) } }
    #expect(found == packets)
    #expect(bench.snapshot().total(.framesOut, .overlay) == 3)
    expectBalance(bench)
  }

  @Test("behind a tag the last segment is measured without it: what fits to the byte goes whole", arguments: [0, 1])
  func taggedLastSegment(beyond: Int) {
    let bench = bench { $0.passesVLANTags = true }
    var flow = InnerFlow(isUDP: true)
    (flow.fragment, flow.tags) = (0, [5])
    // The path leaves 1,296 bytes behind a tag: the first segment is cut, the last has as many, or one more.
    let (frame, header) = flow.superframe(SuperframeBench.payload(1400 + 1296 - 28 + beyond), gsoByteCount: 1400)
    bench.taps[0].offload = header
    let pieces = SuperframeBench.inner(bench.fromTAP([frame]))
    let segments = ReferenceSegmentation.frames(of: frame, header)
    #expect(pieces.count == 3 + beyond && pieces.allSatisfy { $0.count <= 1296 + 18 })
    if beyond == 0 { #expect(pieces.last == segments.last) }
    #expect(bench.drops(.tooBig) == 0 && bench.snapshot().total(.framesOut, .overlay) == 2)
    expectBalance(bench)
  }

  @Test(
    "SYN and SYN-ACK leave with a segment size that fits, and arrive with one", arguments: [false, true],
    [0x02, 0x12] as [UInt8])
  func clamps(isIPv6: Bool, flags: UInt8) {
    let bench = bench()
    var flow = InnerFlow(isIPv6: isIPv6)
    flow.flags = flags
    flow.options = [2, 4, 0x05, 0xB4]
    let out = SuperframeBench.inner(bench.fromTAP([flow.frame([])]))
    var clamped = flow
    let value: UInt16 = isIPv6 ? 1240 : 1260
    clamped.options = [2, 4, UInt8(value >> 8), UInt8(value & 0xFF)]
    #expect(out == [clamped.frame([])])
    (flow.source, flow.destination, clamped.source, clamped.destination) = (
      .station(9), .station(1), .station(9), .station(1)
    )
    #expect(bench.fromUnderlay([fromPeer(1, flow.frame([]))]) == [[clamped.frame([])]])
  }

  @Test("a flooded SYN fits the smallest of all paths; switched off, nothing is touched")
  func floodedSYN() {
    var flow = InnerFlow()
    flow.flags = 0x02
    flow.options = [2, 4, 0x05, 0xB4]
    flow.destination = .station(0x99)
    let bench = bench()
    var clamped = flow
    clamped.options = [2, 4, 0x04, 0xEC]
    #expect(SuperframeBench.inner(bench.fromTAP([flow.frame([])])) == Array(repeating: clamped.frame([]), count: 3))
    let off = self.bench { $0.clampsMSS = false }
    #expect(SuperframeBench.inner(off.fromTAP([flow.frame([])])) == Array(repeating: flow.frame([]), count: 3))
  }

  @Test("of a flooded frame only the copies go that fit; when none does, the frame ends as too big")
  func floodedCopies() {
    let bench = bench()
    var flow = InnerFlow(isUDP: true)
    flow.destination = .broadcast
    let frame = flow.frame(SuperframeBench.payload(1300))
    #expect(bench.fromTAP([frame]).map(\.peer) == [0, 2])
    var counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 1)
    #expect(counters.total(.floodCopies, .overlay) == 2 && counters.total(.floodCopyDrops, .overlay) == 1)
    for slot in 0...2 { bench.topology.limits.setPathMTU(Self.smallPath, ofPeer: slot) }
    #expect(bench.fromTAP([frame]).isEmpty)
    counters = bench.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 1 && bench.drops(.tooBig) == 1)
    #expect(counters.total(.floodCopyDrops, .overlay) == 4)
    expectBalance(bench)
  }

  @Test("unknown unicast that fits no peer is answered with what fits all of them, or cut", arguments: [false, true])
  func floodForNobody(isIPv6: Bool) throws {
    let bench = threePeers()
    for slot in 0...2 { bench.topology.limits.setPathMTU(1400 - slot, ofPeer: slot) }
    #expect(bench.fromTAP([udp(1348, isIPv6: isIPv6)]).map(\.peer) == [0, 1, 2])
    #expect(bench.fromTAP([udp(1350, isIPv6: isIPv6)]).map(\.peer) == [0])
    #expect(bench.taps[0].written.isEmpty)
    #expect(bench.fromTAP([udp(1351, isIPv6: isIPv6)]).isEmpty)
    let answer = try #require(bench.taps[0].written.first)
    #expect(answer.span.bigEndian16(at: isIPv6 ? 60 : 40) == 1348 && answer[isIPv6 ? 54 : 34] == (isIPv6 ? 2 : 3))
    let counters = bench.snapshot()
    #expect(bench.drops(.tooBig) == 1 && counters.total(.floodCopyDrops, .overlay) == 2 + 3)
    if !isIPv6 {
      let pieces = bench.fromTAP([udp(1400, fragment: 0)])
      #expect(pieces.count == 6 && pieces.allSatisfy { $0.payload.count <= 1348 + 22 } && bench.drops(.tooBig) == 1)
    }
    expectBalance(bench)
  }

  @Test("what comes longer than the segment carries is oversize, until the segment carries it")
  func oversize() {
    let bench = bench()
    let frame = Frames.ethernet(to: .station(1), from: .station(9), payload: [UInt8](repeating: 1, count: 1451))
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(bench.drops(.oversize) == 1)
    bench.topology.limits.setFrameByteCountMax(8_964, ofSegment: 0)
    #expect(bench.fromUnderlay([fromPeer(1, frame)]) == [[frame]])
    expectBalance(bench)
  }
}
