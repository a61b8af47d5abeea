import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

/// A superframe is cut, its datagrams are lost, doubled, reordered and joined to buffers, and their frames are joined
/// to superframes again: what the far kernel makes of those is what arrived, byte for byte.
@Suite("superframes from end to end")
struct SuperframePropertyTests {
  /// Datagrams on the underlay; `VTEP_SUPERFRAME_DATAGRAMS` gives another number.
  private static let datagramCount = 1_000_000
  private static let superframesPerRound = 40

  @Test("a million datagrams: every frame that arrives is delivered as it was, in the order of its flow")
  func everything() {
    let seed = TestSeed.next("superframes")
    let wanted = TestSeed.count("VTEP_SUPERFRAME_DATAGRAMS", standard: Self.datagramCount)
    var traffic = SuperframeTraffic(seed: seed)
    let near = SuperframeBench.encapsulating()
    let far = SuperframeBench.merging()
    var arrivedCount = 0
    var sentCount = 0
    var round = 0
    while sentCount < wanted {
      round += 1
      let (sent, cut) = send(&traffic, through: near)
      sentCount += sent.count
      #expect(cut, "seed \(seed), round \(round): a superframe was not cut as the kernel would")
      let arrived = traffic.underlay(sent)
      arrivedCount += arrived.count
      let written = far.fromUnderlay(traffic.buffers(arrived, from: peerAddress(0)))[0]
      far.taps[0].written.removeAll(keepingCapacity: true)
      // One worker joins in one place, so frames of different flows keep their order too.
      let isSame = written.count == arrived.count && zip(written, arrived).allSatisfy { Self.isSame($0, $1) }
      #expect(isSame, "seed \(seed), round \(round): what was delivered is not what arrived")
      if !cut || !isSame { break }
    }
    for (bench, direction) in [(near, Direction.overlay), (far, .underlay)] {
      let counters = bench.snapshot()
      #expect(counters.imbalance(direction) == 0 && counters.drops(direction) == 0, "seed \(seed)")
    }
    #expect(far.snapshot().total(.framesOut, .underlay) == UInt64(arrivedCount), "seed \(seed)")
    let writeCount = far.taps[0].writeCount
    print("superframes: \(sentCount) datagrams, \(arrivedCount) arrived, \(writeCount) writes, \(round) rounds")
    #expect(writeCount < arrivedCount / 2, "seed \(seed): hardly anything was joined")
  }

  /// Whether a frame is that of a datagram. With DF the IPv4 identification means nothing (RFC 6864), and one that
  /// stays the same, as a doubled UDP datagram's does, comes out counting up: there, it and the checksum are not
  /// compared.
  private static func isSame(_ frame: [UInt8], _ datagram: [UInt8]) -> Bool {
    let original = datagram[8...]
    if frame[...] == original { return true }
    let isAtomicUDP = frame.count > 42 && frame[12] == 8 && frame[20] & 0x40 != 0 && frame[23] == 17
    guard isAtomicUDP, frame.count == original.count else { return false }
    return frame.indices.allSatisfy { [18, 19, 24, 25].contains($0) || frame[$0] == datagram[$0 + 8] }
  }

  /// Hands a few superframes to the near engine; answers its datagrams, and whether they are what the kernel would
  /// make.
  private func send(
    _ traffic: inout SuperframeTraffic, through bench: EngineBench
  ) -> (datagrams: [[UInt8]], isExact: Bool) {
    var isExact = true
    var datagrams: [[UInt8]] = []
    for _ in 0..<Self.superframesPerRound {
      let (frame, header) = traffic.frame()
      bench.taps[0].offload = header
      let sent = bench.fromTAP([frame]).map(\.payload)
      bench.sockets.sent.removeAll(keepingCapacity: true)
      let expected = ReferenceSegmentation.frames(of: frame, header)
      isExact = isExact && sent.count == expected.count && zip(sent, expected).allSatisfy { $0[8...] == $1[...] }
      datagrams += sent
    }
    return (datagrams, isExact)
  }
}
