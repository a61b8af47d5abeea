import Dataplane
import LinuxIO
import Sealing
import TestKit
import Testing
import VXLAN

/// The property of SuperframePropertyTests over a sealed segment: cut, sealed, lost, doubled, reordered, joined to
/// buffers, opened and joined to superframes again, every frame that comes out is the one that went in, once.
@Suite("sealed superframes from end to end")
struct SealedSuperframeTests {
  @Test(
    "a hundred thousand datagrams for each cipher: every frame is delivered as it was and none twice",
    arguments: SealedBench.ciphers)
  func everything(cipher: Cipher) {
    let seed = TestSeed.next("sealed superframes")
    let wanted = TestSeed.count("VTEP_SUPERFRAME_DATAGRAMS", standard: 100_000)
    var traffic = SuperframeTraffic(seed: seed)
    let bench = SealedBench(
      cipher: cipher, mergeable: MergeableTraffic(mergesTCP: true, mergesUDP: true)
    ) {
      guard $0.isSealed else { return }
      $0.passesVLANTags = true
      $0.overhead = Overhead(family: .ipv4, sealingTag: $0.overhead.sealingTag, passesVLANTag: true)
      $0.clampsMSS = false
    }
    var sentCount = 0
    var arrivedCount = 0
    while sentCount < wanted {
      var frames: [[UInt8]: [UInt8]] = [:]
      var datagrams: [[UInt8]] = []
      for _ in 0..<40 {
        let (frame, header) = traffic.frame()
        let sent = bench.seal([frame], offload: header).map(\.payload)
        let expected = ReferenceSegmentation.frames(of: frame, header)
        #expect(sent.count == expected.count, "seed \(seed)")
        for (datagram, frame) in zip(sent, expected) { frames[datagram] = frame }
        datagrams += sent
      }
      sentCount += datagrams.count
      let arrived = traffic.underlay(datagrams)
      var seen: Set<[UInt8]> = []
      let expected = arrived.filter { seen.insert($0).inserted }.compactMap { frames[$0] }
      arrivedCount += arrived.count
      let written = bench.far.engine.fromSealedPort(traffic.buffers(arrived, from: SealedBench.address(0)))[0]
      bench.far.engine.taps[0].written.removeAll(keepingCapacity: true)
      #expect(written == expected, "seed \(seed): what was delivered is not what arrived")
      if written != expected { break }
    }
    let counters = bench.far.engine.snapshot()
    #expect(counters.total(.framesOut, .underlay) + counters.total(.replay, .underlay) == UInt64(arrivedCount))
    #expect(bench.far.engine.taps[0].writeCount < arrivedCount / 2, "seed \(seed): hardly anything was joined")
    bench.expectBalance()
  }

  @Test("buffers of 64 joined datagrams fit the replay window when the last of 128 comes first, and not one more")
  func window() {
    let (bench, length, count) = (SealedBench(), 64, 129)
    bench.learnThere()
    let frames = SealedBench.frames(count * length)
    let datagrams = bench.seal(frames).map(\.payload)
    let buffers = (0..<count).map { number in
      let joined = Array(datagrams[number * length..<(number + 1) * length].joined())
      var buffer = FakeDatagramPort.Received(joined, from: SealedBench.address(0))
      buffer.datagramByteCount = datagrams[0].count
      return buffer
    }
    let written = bench.far.engine.fromSealedPort(buffers.reversed())[0]
    // The newest 8,192, each buffer's in their order; the first buffer is older.
    let expected = (1..<count).reversed().flatMap { frames[$0 * length..<($0 + 1) * length] }
    #expect(written == expected && bench.farDrops(.replay) == UInt64(length))
    bench.expectBalance()
  }
}
