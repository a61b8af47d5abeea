import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("offload headers without sense")
struct BadOffloadTests {
  /// Expects that a superframe with a change to its header or bytes ends, as one frame.
  private func expectBad(
    _ flow: InnerFlow, _ location: SourceLocation = #_sourceLocation,
    _ change: (inout [UInt8], inout VirtioNetHeader) -> Void
  ) {
    var (frame, header) = flow.superframe(SuperframeBench.payload(3_000), gsoByteCount: 1000)
    change(&frame, &header)
    let bench = SuperframeBench.encapsulating()
    bench.taps[0].offload = header
    let count = bench.fromTAP([frame]).count
    #expect(count == 0, sourceLocation: location)
    #expect(bench.drops(.badOffload) == 1, sourceLocation: location)
    #expect(bench.snapshot().total(.framesIn, .overlay) == 1, sourceLocation: location)
    #expect(bench.entries().isEmpty, "it is not learned from", sourceLocation: location)
    expectBalance(bench, location)
  }

  @Test("a superframe ends under bad-offload when header and packet do not fit", arguments: InnerFlow.kinds)
  func superframes(flow: InnerFlow) {
    expectBad(flow) { $1.gsoByteCount = 0 }
    expectBad(flow) { $1.flags = 0 }
    for type: UInt8 in [2, 3, 6, 0x7F, 0x80, 0xFF] { expectBad(flow) { $1.gsoType = type } }
    if !flow.isUDP {
      expectBad(flow) { $1.gsoType = flow.isIPv6 ? VirtioNetHeader.gsoTCPv4 : VirtioNetHeader.gsoTCPv6 }
      expectBad(flow) { frame, _ in frame[flow.transportOffset + 12] = 0x40 }
      expectBad(flow) { frame, _ in frame.removeLast(frame.count - flow.headerByteCount + 1) }
    }
    for start in [0, 14, UInt16(flow.transportOffset - 1), 60_000, .max] {
      expectBad(flow) { $1.checksumStart = start }
    }
    expectBad(flow) { frame, _ in frame.removeLast(frame.count - flow.headerByteCount) }
    expectBad(flow) { frame, _ in frame.removeLast(frame.count - flow.transportOffset) }
    expectBad(flow) { frame, _ in frame.removeLast(frame.count - 20) }
    expectBad(flow) { frame, _ in frame.removeLast(frame.count - 10) }
    expectBad(flow) { frame, _ in frame[12] = 0x12 }
    expectBad(flow) { frame, _ in frame[14] = 0x12 }
    if !flow.isIPv6 { expectBad(flow) { frame, _ in frame[14] = 0x46 } }
  }

  @Test("an unfinished checksum is finished; one outside of the frame is bad-offload, whatever else the frame is")
  func checksums() {
    for flow in InnerFlow.kinds {
      let bench = SuperframeBench.encapsulating()
      var (frame, header) = flow.superframe([1, 2, 3], gsoByteCount: 0)
      header.gsoType = 0
      frame[flow.transportOffset + Int(header.checksumOffset)] ^= 0x55
      bench.taps[0].offload = header
      #expect(SuperframeBench.inner(bench.fromTAP([frame])) == ReferenceSegmentation.frames(of: frame, header))
      header.checksumStart = UInt16(frame.count) - header.checksumOffset - 2
      bench.taps[0].offload = header
      #expect(bench.fromTAP([frame]).count == 1)
      header.checksumStart += 1
      bench.taps[0].offload = header
      #expect(bench.fromTAP([frame, [], Array(frame.prefix(13))]).isEmpty)
      #expect(bench.drops(.badOffload) == 3)
      header.checksumStart = .max
      header.checksumOffset = .max
      bench.taps[0].offload = header
      #expect(bench.fromTAP([frame]).isEmpty)
      expectBalance(bench)
    }
  }

  @Test("100,000 random offload headers on random and mutated frames: each frame ends once", .timeLimit(.minutes(10)))
  func random() {
    let seed = TestSeed.next("offload headers")
    var generator = SeededGenerator(seed: seed)
    let bench = SuperframeBench.encapsulating()
    for round in 0..<100_000 {
      let flow = InnerFlow.kinds[round & 3]
      var (frame, header) = flow.superframe(
        generator.bytes(Int.random(in: 0...200, using: &generator)),
        gsoByteCount: Int.random(in: 1...200, using: &generator))
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        frame[Int.random(in: 0..<min(frame.count, 80), using: &generator)] = generator.bytes(1)[0]
      }
      if generator.isOne(in: 3) { frame.removeLast(Int.random(in: 0...frame.count, using: &generator)) }
      if generator.isOne(in: 10) { frame = generator.bytes(frame.count) }
      Self.mutate(&header, &generator)
      bench.taps[0].offload = header
      bench.fromTAP([frame])
      bench.sockets.sent.removeAll(keepingCapacity: true)
    }
    let counters = bench.snapshot()
    #expect(counters.imbalance(.overlay) == 0, "seed \(seed)")
    #expect(counters.total(.framesOut, .overlay) > 50_000, "seed \(seed)")
    #expect(bench.drops(.badOffload) > 20_000, "seed \(seed)")
  }

  private static func mutate(_ header: inout VirtioNetHeader, _ generator: inout SeededGenerator) {
    let value = UInt16.random(in: 0...(generator.isOne(in: 2) ? 300 : .max), using: &generator)
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: header.flags = UInt8(truncatingIfNeeded: value)
    case 1: header.gsoType = UInt8(truncatingIfNeeded: value)
    case 2: header.gsoType = [0, 1, 3, 4, 5, 0x81, 0x84, 0x85].randomElement(using: &generator) ?? 0
    case 3: header.gsoByteCount = value
    case 4: header.checksumStart = value
    case 5: header.checksumOffset = value
    case 6: header.headerByteCount = value
    case 7: header.checksumStart &+= UInt16.random(in: 0...8, using: &generator) &- 4
    default: break
    }
  }
}
