import Dataplane
import Foundation
import LinuxIO
import TestKit
import Testing
import VXLAN

/// A million inputs through each way of the data path. The seed is printed; `VTEP_SEED` gives another.
@Suite("seeded hostile input")
struct SeededInputTests {
  private static let inputCount = 1_000_000
  private static let chunkCount = 2_000
  /// Tags dropped or passed, reserved bits judged or ignored: four segments, one of each.
  private static let vnis: [UInt32] = [0, 0xFF, 0x12_3456, 0xFF_FFFF]
  private static let fdbLimit = 1_000

  private static func bench() -> EngineBench {
    let segments = vnis.enumerated().map { slot, vni in
      var segment = HostileBench.segment(vni, overlayMTU: [1450, 1450, 9000, 68][slot], peers: 0..<2)
      segment.passesVLANTags = slot & 1 != 0
      segment.ignoresReservedBits = slot & 2 != 0
      segment.fdbLimit = fdbLimit
      segment.staticEntries = [(mac: .station(3), peer: 1)]
      return segment
    }
    let peers = [HostileBench.peer(1), IPAddress(ipv6High: 0xFD01 << 48, low: 9)]
    return EngineBench(
      segments: segments, peers: peers.map { PeerPlan(endpoint: Endpoint(address: $0, udpPort: 4789)) })
  }

  private static func hostile(seed: UInt64) -> HostileDatagrams {
    HostileDatagrams(
      seed: seed, vnis: vnis + [77],
      sources: [
        HostileBench.peer(1), IPAddress(ipv6High: 0xFD01 << 48, low: 9), HostileBench.peer(1), HostileBench.peer(200),
      ])
  }

  @Test("a million datagrams: each ends once, and what is delivered came, byte for byte but for ECN")
  func datagrams() {
    let seed = TestSeed.next("datagrams")
    let bench = Self.bench()
    var hostile = Self.hostile(seed: seed)
    var deliveredCount = 0
    for chunk in 0..<(Self.inputCount / Self.chunkCount) {
      var input: [FakeDatagramPort.Received] = []
      input.reserveCapacity(Self.chunkCount)
      for _ in 0..<Self.chunkCount { input.append(hostile.datagram()) }
      let delivered = bench.fromUnderlay(input)
      for (slot, frames) in delivered.enumerated() {
        deliveredCount += frames.count
        let origin = Self.firstWithoutOrigin(frames, in: input, vni: Self.vnis[slot])
        #expect(origin == nil, "seed \(seed), chunk \(chunk), segment \(slot): delivered what never came")
        bench.taps[slot].written.removeAll(keepingCapacity: true)
      }
      #expect(bench.isBalanced, "seed \(seed), chunk \(chunk)")
      #expect(bench.datagramCount == UInt64((chunk + 1) * Self.chunkCount), "seed \(seed), chunk \(chunk)")
    }
    // Both fates are common, or the inputs test nothing.
    #expect(deliveredCount > Self.inputCount / 10 && deliveredCount < Self.inputCount * 9 / 10, "seed \(seed)")
    for reason in DropReason.allCases where Self.met.contains(reason) {
      #expect(bench.drops(reason) > 0, "seed \(seed): no input ended as \(reason)")
    }
    for slot in Self.vnis.indices { #expect(bench.entries(segment: slot).count <= Self.fdbLimit + 1) }
    #expect(bench.sockets.sent.isEmpty, "seed \(seed): a datagram made one")
  }

  /// What a million datagrams must have met.
  private static let met: Set<DropReason> = [
    .fragment, .truncated, .shortHeader, .noVNIFlag, .reservedBits, .unknownPeer, .unknownVNI, .shortFrame, .oversize,
    .vlanTag, .invalidSourceMAC, .ownSourceMAC, .staticMove, .ecn,
  ]

  /// The position of the first frame that is not, in its turn, what follows the header of a datagram of the segment.
  private static func firstWithoutOrigin(
    _ frames: [[UInt8]], in input: [FakeDatagramPort.Received], vni: UInt32
  ) -> Int? {
    var next = 0
    for (position, frame) in frames.enumerated() {
      while next < input.count, !isOrigin(input[next], of: frame, vni: vni) { next += 1 }
      if next == input.count { return position }
      next += 1
    }
    return nil
  }

  private static func isOrigin(_ datagram: FakeDatagramPort.Received, of frame: [UInt8], vni: UInt32) -> Bool {
    let payload = datagram.payload
    guard payload.count == frame.count + 8, payload[0] & 0x08 != 0, payload[4] == UInt8(vni >> 16),
      payload[5] == UInt8(vni >> 8 & 0xFF), payload[6] == UInt8(vni & 0xFF)
    else { return false }
    if holds(payload, frame) { return true }
    return datagram.trafficClass & 3 != 0 && isEqualButForECN(Array(payload.dropFirst(8)), frame)
  }

  /// Only the two bits of ECN differ, and with IPv4 the header checksum.
  private static func isEqualButForECN(_ before: [UInt8], _ after: [UInt8]) -> Bool {
    var offset = 14
    while offset + 4 <= before.count, [[0x81, 0x00], [0x88, 0xA8]].contains(Array(before[(offset - 2)..<offset])) {
      offset += 4
    }
    guard offset + 20 <= before.count else { return false }
    var restored = after
    if before[offset - 2] == 0x08 {
      restored[offset + 1] = after[offset + 1] & 0xFC | before[offset + 1] & 3
      restored.replaceSubrange((offset + 10)..<(offset + 12), with: before[(offset + 10)..<(offset + 12)])
    } else {
      restored[offset + 1] = after[offset + 1] & 0xCF | before[offset + 1] & 0x30
    }
    return restored == before
  }

  @Test("a million frames from TAPs: each ends once, and what is sent is our header and a frame that came")
  func frames() {
    let seed = TestSeed.next("frames")
    let bench = Self.bench()
    var hostile = Self.hostile(seed: seed)
    var sentCount = 0
    for chunk in 0..<(Self.inputCount / Self.chunkCount) {
      let slot = chunk % Self.vnis.count
      var input: [[UInt8]] = []
      input.reserveCapacity(Self.chunkCount)
      for _ in 0..<Self.chunkCount { input.append(hostile.frame()) }
      let sent = bench.fromTAP(input, segment: slot)
      sentCount += sent.count
      let origin = Self.firstWithoutFrame(sent, in: input, vni: Self.vnis[slot])
      // Pieces of IPv4 packets without DF that were too big are the agent's own.
      let hasCut = bench.snapshot().total(.generated, .overlay) > 0
      #expect(origin == nil || hasCut, "seed \(seed), chunk \(chunk): sent what never came")
      bench.sockets.sent.removeAll(keepingCapacity: true)
      #expect(bench.isBalanced, "seed \(seed), chunk \(chunk)")
    }
    #expect(bench.snapshot().total(.framesIn, .overlay) == UInt64(Self.inputCount))
    #expect(sentCount > Self.inputCount / 10, "seed \(seed)")
    for reason: DropReason in [.shortFrame, .vlanTag, .invalidSourceMAC, .staticMove, .tooBig] {
      #expect(bench.drops(reason) > 0, "seed \(seed): no input ended as \(reason)")
    }
    // Answers to senders of what was too big, and nothing else.
    let answers = bench.taps.flatMap(\.written)
    #expect(bench.snapshot().total(.generated, .underlay) == UInt64(answers.count))
    #expect(answers.allSatisfy { Self.isTooBigAnswer($0) }, "seed \(seed): a frame came back to a TAP")
  }

  private static func isTooBigAnswer(_ frame: [UInt8]) -> Bool {
    guard let packet = InnerPacket(inFrame: frame.span),
      let transport = InnerTransport(of: packet, inFrame: frame.span)
    else { return false }
    let (type, code): (UInt8, UInt8) = packet.family == .ipv4 ? (3, 4) : (2, 0)
    return frame[transport.offset] == type && frame[transport.offset + 1] == code
  }

  /// The position of the first datagram that is not, in its turn, the header and a frame. Each peer has its own turn:
  /// of several flooded frames one peer gets all before the next gets the first.
  private static func firstWithoutFrame(_ sent: [FakeDatagramPort.Sent], in input: [[UInt8]], vni: UInt32) -> Int? {
    let header = Frames.vxlan(vni: vni, [])
    var nextByPeer: [Int: Int] = [:]
    for (position, datagram) in sent.enumerated() {
      let payload = datagram.payload
      guard payload.count >= 22, payload[0..<8].elementsEqual(header) else { return position }
      var next = nextByPeer[datagram.peer] ?? 0
      while next < input.count, !isFrame(input[next], of: payload) { next += 1 }
      if next == input.count { return position }
      nextByPeer[datagram.peer] = next + 1
    }
    return nil
  }

  private static func isFrame(_ frame: [UInt8], of payload: [UInt8]) -> Bool {
    payload.count == frame.count + 8 && holds(payload, frame)
  }

  /// Whether `frame` is what follows the 8 bytes of a header; the lengths are known to fit. Compared by memcmp, since
  /// two million comparisons byte by byte take a minute without optimisation.
  private static func holds(_ payload: [UInt8], _ frame: [UInt8]) -> Bool {
    payload.withUnsafeBytes { whole in
      frame.withUnsafeBytes { part in
        // SAFETY: `whole` has 8 bytes more than `part`, and both are valid inside the closures.
        guard let start = whole.baseAddress, let other = part.baseAddress else { return part.isEmpty }
        return memcmp(start + 8, other, part.count) == 0
      }
    }
  }
}
