import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

@Suite("joining segments to superframes")
struct CoalescingTests {
  /// Delivers frames in one batch, as one buffer each; answers the writes that it took. What the kernel makes of them
  /// must be what came.
  private func writeCount(
    _ frames: [[UInt8]], _ bench: EngineBench = SuperframeBench.merging(), from peers: [Int] = [],
    _ location: SourceLocation = #_sourceLocation
  ) -> Int {
    let before = bench.taps[0].writeCount
    let datagrams = frames.enumerated().map { fromPeer($0.offset < peers.count ? peers[$0.offset] : 0, $0.element) }
    let written = bench.fromUnderlay(datagrams)[0]
    let isSame = written == frames
    #expect(isSame, "what came out is not what came in", sourceLocation: location)
    let counters = bench.snapshot()
    #expect(counters.total(.framesOut, .underlay) == counters.total(.framesIn, .underlay), sourceLocation: location)
    #expect(counters.total(.bytesOut, .underlay) == counters.total(.bytesIn, .underlay), sourceLocation: location)
    expectBalance(bench, location)
    return bench.taps[0].writeCount - before
  }

  /// Two consecutive segments of a flow, the second one changed.
  private func pair(_ flow: InnerFlow, _ change: (inout InnerFlow) -> Void) -> [[UInt8]] {
    let payload = SuperframeBench.payload(100)
    var next = flow
    next.advance(byteCount: 100)
    change(&next)
    return [flow.frame(payload), next.frame(payload)]
  }

  @Test(
    "consecutive segments are one write, and come out as they came", arguments: InnerFlow.kinds,
    [[], [7]] as [[UInt16]])
  func joins(flow: InnerFlow, tags: [UInt16]) {
    var flow = flow
    flow.tags = tags
    let payload = SuperframeBench.payload(700)
    #expect(writeCount(flow.segments(payload, byteCount: 100)) == 1)
    #expect(writeCount(flow.segments(Array(payload.dropLast()), byteCount: 100)) == 1)
    #expect(writeCount(flow.segments(Array(payload.prefix(101)), byteCount: 100)) == 1)
    #expect(writeCount(flow.segments(Array(payload.prefix(100)), byteCount: 100)) == 1)
    flow.sequence = 0xFFFF_FFB0
    flow.identification = 0xFFFF
    #expect(writeCount(flow.segments(payload, byteCount: 100)) == 1)
  }

  @Test("one buffer of joined datagrams is one write", arguments: InnerFlow.kinds)
  func joinedBuffer(flow: InnerFlow) {
    let frames = flow.segments(SuperframeBench.payload(60_000), byteCount: 1300)
    let bench = SuperframeBench.merging()
    var buffer = fromPeer(0, [])
    buffer.payload = frames.flatMap { Frames.vxlan(vni: 42, $0) }
    buffer.datagramByteCount = frames[0].count + 8
    #expect(bench.fromUnderlay([buffer])[0] == frames)
    #expect(bench.taps[0].writeCount == 1)
    expectBalance(bench)
  }

  @Test("64 segments are a superframe, the 65th begins another")
  func count() {
    let flow = InnerFlow()
    #expect(writeCount([flow.segments(SuperframeBench.payload(64), byteCount: 1)]) == 1)
    #expect(writeCount([flow.segments(SuperframeBench.payload(65), byteCount: 1)]) == 2)
  }

  /// In one buffer, since a batch has few.
  private func writeCount(_ buffers: [[[UInt8]]], overlayMTU: Int = 1450) -> Int {
    let bench = SuperframeBench.merging(overlayMTU: overlayMTU)
    let datagrams = buffers.map { frames in
      var buffer = fromPeer(0, [])
      buffer.payload = frames.flatMap { Frames.vxlan(vni: 42, $0) }
      buffer.datagramByteCount = frames[0].count + 8
      return buffer
    }
    let isSame = bench.fromUnderlay(datagrams)[0] == buffers.flatMap { $0 }
    #expect(isSame)
    expectBalance(bench)
    return bench.taps[0].writeCount
  }

  @Test("a superframe is an IP packet of 65,535 bytes at most", arguments: InnerFlow.kinds)
  func total(flow: InnerFlow) {
    // Seven segments that fill it, and one byte more.
    let room = 65_535 - (flow.headerByteCount - 14)
    let byteCount = room / 7
    let fitting = flow.segments(SuperframeBench.payload(byteCount * 7), byteCount: byteCount)
    #expect(writeCount(fitting.map { [$0] }, overlayMTU: 10_000) == 1)
    var next = flow
    next.advance(byteCount: byteCount * 7, frameCount: 7)
    #expect(
      writeCount((fitting + [next.frame(SuperframeBench.payload(room % 7 + 1))]).map { [$0] }, overlayMTU: 10_000) == 2)
    if room % 7 > 0 {
      let rest = fitting + [next.frame(SuperframeBench.payload(room % 7))]
      #expect(writeCount(rest.map { [$0] }, overlayMTU: 10_000) == 1)
    }
  }

  @Test("what differs in a header is a frame of its own", arguments: InnerFlow.kinds)
  func differences(flow: InnerFlow) {
    #expect(writeCount(pair(flow) { _ in }) == 1)
    #expect(writeCount(pair(flow) { $0.trafficClass = 0xB8 }) == 2, "traffic class")
    #expect(writeCount(pair(flow) { $0.trafficClass = 1 }) == 2, "ECN")
    #expect(writeCount(pair(flow) { $0.hopLimit = 63 }) == 2, "TTL")
    #expect(writeCount(pair(flow) { $0.host = 2 }) == 2, "address")
    #expect(writeCount(pair(flow) { $0.sourcePort += 1 }) == 2, "source port")
    #expect(writeCount(pair(flow) { $0.destinationPort += 1 }) == 2, "destination port")
    #expect(writeCount(pair(flow) { $0.destination = .station(8) }) == 2, "destination MAC")
    #expect(writeCount(pair(flow) { $0.source = .station(8) }) == 2, "source MAC")
    #expect(writeCount(pair(flow) { $0.tags = [7] }) == 2, "a tag")
    var tagged = flow
    tagged.tags = [7]
    #expect(writeCount(pair(tagged) { _ in }) == 1)
    #expect(writeCount(pair(tagged) { $0.tags = [8] }) == 2, "another VLAN")
    #expect(writeCount(pair(tagged) { $0.tags = [0x2007] }) == 2, "another priority")
    tagged.tags = [7, 8]
    #expect(writeCount(pair(tagged) { _ in }) == 2, "two tags are not looked through")
    if flow.isIPv6 {
      #expect(writeCount(pair(flow) { $0.flowLabel += 1 }) == 2, "flow label")
      #expect(writeCount(pair(flow) { $0.flowLabel += 0x1_0000 }) == 2, "upper flow label")
      var extended = flow
      extended.hasExtensionHeader = true
      #expect(writeCount(pair(extended) { _ in }) == 2, "extension header")
    } else {
      #expect(writeCount(pair(flow) { $0.identification += 1 }) == 2, "identification jumps")
      #expect(writeCount(pair(flow) { $0.identification -= 2 }) == 2, "identification goes back")
      #expect(writeCount(pair(flow) { $0.fragment = 0 }) == 2, "DF")
      var other = flow
      other.fragment = 0x8000
      #expect(writeCount(pair(flow) { $0.fragment = 0x8000 }) == 2, "the reserved bit")
      for fragment in [0x2000, 0x0001, 0x6000] as [UInt16] {
        other.fragment = fragment
        #expect(writeCount(pair(other) { _ in }) == 2, "fragments")
      }
      other = flow
      other.networkOptions = [1, 1, 1, 1]
      #expect(writeCount(pair(other) { _ in }) == 2, "IP options")
      other = flow
      other.fragment = 0
      #expect(writeCount(pair(other) { $0.identification -= 1 }) == 2, "one identification without DF")
    }
  }

  @Test("another TCP header is a frame of its own", arguments: [false, true])
  func differencesOfTCP(isIPv6: Bool) {
    let flow = InnerFlow(isIPv6: isIPv6)
    #expect(writeCount(pair(flow) { $0.acknowledgement += 1 }) == 2, "acknowledgement")
    #expect(writeCount(pair(flow) { $0.window += 1 }) == 2, "window")
    #expect(writeCount(pair(flow) { $0.urgentPointer = 1 }) == 2, "urgent pointer")
    #expect(writeCount(pair(flow) { $0.options[7] += 1 }) == 2, "timestamp")
    #expect(writeCount(pair(flow) { $0.options += [1, 1, 1, 1] }) == 2, "more options")
    #expect(writeCount(pair(flow) { $0.options = [] }) == 2, "no options")
    #expect(writeCount(pair(flow) { $0.sequence += 1 }) == 2, "a gap")
    #expect(writeCount(pair(flow) { $0.sequence -= 1 }) == 2, "an overlap")
    #expect(writeCount(pair(flow) { $0.sequence -= 100 }) == 2, "a repetition")
    for flag: UInt8 in [0x01, 0x02, 0x04, 0x20, 0x40, 0x80] {
      #expect(writeCount(pair(flow) { $0.flags |= flag }) == 2, "flag \(flag)")
      var marked = flow
      marked.flags |= flag
      #expect(writeCount(pair(marked) { _ in }) == 2, "flag \(flag) on both")
      #expect(writeCount(pair(marked) { $0.flags = 0x10 }) == 2, "flag \(flag) on the first")
    }
    #expect(writeCount(pair(flow) { $0.flags = 0 }) == 2, "no ACK")
  }

  @Test("PSH ends a superframe, a shorter segment too, a longer one begins another")
  func ends() {
    let flow = InnerFlow()
    #expect(writeCount(pair(flow) { $0.flags = 0x18 }) == 1)
    var pushed = flow
    pushed.flags = 0x18
    #expect(writeCount(pair(pushed) { _ in }) == 2)
    #expect(writeCount(pair(pushed) { $0.flags = 0x10 }) == 2)
    func frames(_ byteCounts: [Int], pushAt: Int = -1) -> [[UInt8]] {
      var next = flow
      return byteCounts.enumerated().map { number, byteCount in
        next.flags = number == pushAt ? 0x18 : 0x10
        defer { next.advance(byteCount: byteCount) }
        return next.frame(SuperframeBench.payload(byteCount))
      }
    }
    #expect(writeCount(frames([100, 100, 100, 100], pushAt: 1)) == 2)
    #expect(writeCount(frames([100, 100, 100, 100], pushAt: 3)) == 1)
    #expect(writeCount(frames([100, 99, 99])) == 2)
    #expect(writeCount(frames([100, 101])) == 2)
    #expect(writeCount(frames([100, 100, 0, 100])) == 4 - 1, "an acknowledgement without payload stands between")
  }

  @Test("frames that say nothing plain of their length or have no UDP checksum go alone", arguments: InnerFlow.kinds)
  func lengths(flow: InnerFlow) {
    #expect(writeCount(pair(flow) { _ in }.map { $0 + [0] }) == 2, "padding")
    #expect(writeCount(pair(flow) { _ in }.map { Array($0.dropLast()) }) == 2, "cut short")
    guard flow.isUDP else { return }
    let frames = pair(flow) { _ in }.map { frame in
      var frame = frame
      frame.replaceSubrange((flow.transportOffset + 6)..<(flow.transportOffset + 8), with: [0, 0])
      return frame
    }
    #expect(writeCount(frames) == 2, "no checksum")
    let wrong = pair(flow) { _ in }.map { frame in
      var frame = frame
      frame[flow.transportOffset + 5] -= 1
      ReferenceSegmentation.setTransportChecksum(&frame, transport: flow.transportOffset, isUDP: true)
      return frame
    }
    #expect(writeCount(wrong) == 2, "UDP length")
  }

  @Test(
    "a corrupt checksum or payload is delivered alone and as it came, and what follows is whole",
    arguments: InnerFlow.kinds)
  func corruption(flow: InnerFlow) {
    let frames = flow.segments(SuperframeBench.payload(700), byteCount: 100)
    for position in [0, 3, 6] {
      var places = [flow.headerByteCount, flow.headerByteCount + 99, flow.transportOffset + (flow.isUDP ? 6 : 16)]
      if !flow.isIPv6 { places.append(flow.networkOffset + 10) }
      for place in places {
        var damaged = frames
        damaged[position][place] ^= 0x40
        // The segments before it, itself, and those behind it, which nothing says to belong to the ones before.
        #expect(writeCount(damaged) == (position == 3 ? 3 : 2), "frame \(position), byte \(place)")
      }
    }
  }

  @Test("a checksum in its other spelling of zero goes alone: the kernel would write the usual one")
  func otherZero() {
    for (offset, isUDP) in [(24, false), (24, true), (50, false)] {
      var flow = InnerFlow(isUDP: isUDP)
      flow.options = []
      var frames: [[UInt8]] = []
      // Some value of a field that nothing else looks at brings the checksum to zero.
      for value in 0...UInt16.max where frames.isEmpty {
        if offset == 24 { flow.identification = value } else { flow.acknowledgement = UInt32(value) }
        let frame = flow.frame([1, 2, 3, 4])
        if frame[offset] == 0, frame[offset + 1] == 0 { frames = [frame] }
      }
      #expect(frames.count == 1)
      flow.advance(byteCount: 4)
      frames.append(flow.frame([1, 2, 3, 4]))
      #expect(writeCount(frames) == 1)
      frames[0].replaceSubrange(offset..<(offset + 2), with: [0xFF, 0xFF])
      #expect(writeCount(frames) == 2)
    }
  }

  @Test("one identification for all, where DF makes it mean nothing, is joined and comes out counting up")
  func constantIdentification() {
    let frames = pair(InnerFlow(isUDP: true)) { $0.identification -= 1 }
    let bench = SuperframeBench.merging()
    let written = bench.fromUnderlay(frames.map { fromPeer(0, $0) })[0]
    #expect(bench.taps[0].writeCount == 1)
    #expect(written == pair(InnerFlow(isUDP: true)) { _ in })
  }
}
