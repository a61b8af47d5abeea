import LinuxIO
import TestKit
import Testing
import VXLAN

/// The data path allocates nothing once it runs: a million frames each way through the ports of the simulation, of each
/// kind that has a path of its own. An optimised build only: without optimisation Swift allocates where it need not.
@Suite("The engine in steady state")
struct EngineAllocationTests {
  private static let frameCount = 1_000_000
  private static let segmentCount = 40
  private static let gsoByteCount = 60

  private let bench = CountingBench()

  /// The flows of `InnerFlow.kinds`, from one station to the other.
  private func flows(to destination: MACAddress, from source: MACAddress) -> [InnerFlow] {
    InnerFlow.kinds.map { kind in
      var flow = kind
      flow.destination = destination
      flow.source = source
      return flow
    }
  }

  /// Small frames of many flows, TCP and UDP over both families.
  private func singles(to destination: MACAddress, from source: MACAddress) -> [[UInt8]] {
    (0..<64).map { number in
      var flow = flows(to: destination, from: source)[number % 4]
      flow.sourcePort += UInt16(number)
      return flow.frame([UInt8](repeating: UInt8(number), count: 1 + number))
    }
  }

  private func superframes(
    to destination: MACAddress, from source: MACAddress
  ) -> [(frame: [UInt8], header: VirtioNetHeader)] {
    flows(to: destination, from: source).map {
      $0.superframe(
        [UInt8](repeating: 7, count: Self.segmentCount * Self.gsoByteCount), gsoByteCount: Self.gsoByteCount)
    }
  }

  /// A UDP payload from the first peer.
  private func fromPeer(_ payload: [UInt8], datagramByteCount: Int = 0) -> FakeDatagramPort.Received {
    var datagram = FakeDatagramPort.Received(payload, from: CountingBench.address(0))
    datagram.datagramByteCount = datagramByteCount
    return datagram
  }

  private func vxlan(_ frame: [UInt8]) -> [UInt8] { Frames.vxlan(vni: 42, frame) }

  /// Both stations are in the table from here on.
  private func learn() {
    #expect(bench.encapsulate([InnerFlow.kinds[0].frame([1])]) == CountingBench.peerCount)
    var answer = InnerFlow()
    answer.source = CountingBench.there
    answer.destination = CountingBench.here
    #expect(bench.decapsulate([fromPeer(vxlan(answer.frame([1])))]) == 1)
  }

  /// One round of what comes out of a TAP.
  private struct OutgoingRound {
    var singles: [[UInt8]]
    var flooded: [[UInt8]]
    var superframes: [(frame: [UInt8], header: VirtioNetHeader)]

    /// Answers how many frames went in.
    func run(_ bench: CountingBench) -> Int {
      #expect(bench.encapsulate(singles) == singles.count)
      #expect(bench.encapsulate(flooded) == flooded.count * CountingBench.peerCount)
      for superframe in superframes {
        #expect(bench.encapsulate([superframe.frame], superframe.header) == EngineAllocationTests.segmentCount)
      }
      return singles.count + flooded.count + superframes.count * EngineAllocationTests.segmentCount
    }
  }

  private func outgoing() -> OutgoingRound {
    OutgoingRound(
      singles: singles(to: CountingBench.there, from: CountingBench.here),
      flooded: Array(singles(to: .broadcast, from: CountingBench.here).prefix(8)),
      superframes: superframes(to: CountingBench.there, from: CountingBench.here))
  }

  @Test("takes a million frames from a TAP without one allocation: small ones, floods, superframes of TCP and UDP")
  func outgoingFrames() {
    learn()
    let round = outgoing()
    let writesBefore = bench.sockets.port.sendCount
    // What is reserved once is reserved now.
    _ = round.run(bench)
    #expect(bench.sockets.port.sendCount - writesBefore < 72 + 8 * 8, "superframes leave in few calls")
    let before = (bench.allocationCount, bench.snapshot().total(.framesOut, .overlay))
    var count = 0
    while count < Self.frameCount {
      bench.advance(by: .milliseconds(10))
      count += round.run(bench)
    }
    #expect(bench.allocationCount - before.0 == 0)
    #expect(bench.snapshot().total(.framesOut, .overlay) - before.1 == UInt64(count), "a frame was dropped")
  }

  @Test("takes a million frames from peers without one allocation: alone, in buffers of TCP and UDP, and refused ones")
  func incomingFrames() {
    learn()
    let alone = singles(to: CountingBench.here, from: CountingBench.there).map { fromPeer(vxlan($0)) }
    let buffers = superframes(to: CountingBench.here, from: CountingBench.there).map { superframe in
      let segments = ReferenceSegmentation.frames(of: superframe.frame, superframe.header).map(vxlan)
      return fromPeer(segments.flatMap { $0 }, datagramByteCount: segments[0].count)
    }
    let refused = (0..<8).map { fromPeer([UInt8](repeating: 0, count: $0)) }
    let delivered = alone.count + buffers.count * Self.segmentCount
    var count = 0
    func round() {
      #expect(bench.decapsulate(alone) == alone.count)
      let writesBefore = bench.tap.port.writeCount
      #expect(bench.decapsulate(buffers) == buffers.count * Self.segmentCount)
      #expect(bench.tap.port.writeCount - writesBefore == buffers.count, "each buffer is one superframe")
      #expect(bench.decapsulate(refused) == 0)
      count += delivered + refused.count
    }
    // What is reserved once is reserved now.
    round()
    let before = (bench.allocationCount, bench.snapshot())
    count = 0
    while count < Self.frameCount {
      bench.advance(by: .milliseconds(10))
      round()
    }
    #expect(bench.allocationCount - before.0 == 0)
    let counters = bench.snapshot()
    let framesOut = counters.total(.framesOut, .underlay) - before.1.total(.framesOut, .underlay)
    let refusedCount = counters.total(.shortHeader, .underlay) - before.1.total(.shortHeader, .underlay)
    #expect(refusedCount > 0 && framesOut + refusedCount == UInt64(count), "a frame was dropped")
  }

  @Test("would be seen to allocate: one allocation behind each batch that is sent is counted, and no other")
  func seesAllocations() {
    learn()
    let round = outgoing()
    _ = round.run(bench)
    let before = bench.allocationCount
    _ = round.run(bench)
    #expect(bench.allocationCount == before)
    bench.sockets.hiddenAllocationCount = 1
    let batchesBefore = bench.sockets.batchCount
    _ = round.run(bench)
    #expect(bench.sockets.batchCount > batchesBefore)
    #expect(bench.allocationCount - before == bench.sockets.batchCount - batchesBefore)
  }
}
