import LinuxIO
import TestKit
import Testing
import VXLAN

/// The sealed data path allocates nothing once it runs: a million frames each way. An optimised build only, as
/// `EngineAllocationTests`.
@Suite("The engine in steady state, sealed")
struct SealedAllocationTests {
  private static let frameCount = 1_000_000
  private static let gsoByteCount = 60
  private static let segmentCount = 40

  private let bench = CountingBench(isSealed: true)

  private func flow(to destination: MACAddress, from source: MACAddress) -> InnerFlow {
    var flow = InnerFlow()
    flow.destination = destination
    flow.source = source
    return flow
  }

  private func singles(to destination: MACAddress, from source: MACAddress) -> [[UInt8]] {
    (0..<64).map { number in
      var flow = flow(to: destination, from: source)
      flow.sourcePort += UInt16(number)
      return flow.frame([UInt8](repeating: UInt8(number), count: Self.gsoByteCount))
    }
  }

  private func superframe(to destination: MACAddress, from source: MACAddress) -> ([UInt8], VirtioNetHeader) {
    flow(to: destination, from: source).superframe(
      [UInt8](repeating: 7, count: Self.segmentCount * Self.gsoByteCount), gsoByteCount: Self.gsoByteCount)
  }

  /// Both stations are in the table from here on.
  private func learn() {
    let (here, there) = (CountingBench.here, CountingBench.there)
    #expect(bench.seal([flow(to: there, from: here).frame([1])]) == CountingBench.peerCount)
    #expect(bench.open([flow(to: here, from: there).frame([1])]) == 1)
  }

  @Test("seals a million frames without one allocation: small ones, floods, superframes")
  func outgoingFrames() {
    learn()
    let (here, there) = (CountingBench.here, CountingBench.there)
    let alone = singles(to: there, from: here)
    let flooded = Array(singles(to: .broadcast, from: here).prefix(8))
    let (frame, header) = superframe(to: there, from: here)
    func round() -> Int {
      #expect(bench.seal(alone) == alone.count)
      #expect(bench.seal(flooded) == flooded.count * CountingBench.peerCount)
      #expect(bench.seal([frame], header) == Self.segmentCount)
      return alone.count + flooded.count + Self.segmentCount
    }
    // What is reserved once is reserved now.
    _ = round()
    let before = (bench.allocationCount, bench.snapshot().total(.framesOut, .overlay))
    var count = 0
    while count < Self.frameCount {
      bench.advance(by: .milliseconds(10))
      count += round()
    }
    #expect(bench.allocationCount - before.0 == 0)
    #expect(bench.snapshot().total(.framesOut, .overlay) - before.1 == UInt64(count), "a frame was dropped")
  }

  @Test("opens a million frames without one allocation: of many flows, and of one flow joined to superframes")
  func incomingFrames() {
    learn()
    let (here, there) = (CountingBench.here, CountingBench.there)
    let alone = singles(to: here, from: there)
    let (frame, header) = superframe(to: here, from: there)
    let segments = ReferenceSegmentation.frames(of: frame, header)
    func round() -> Int {
      #expect(bench.open(alone) == alone.count)
      let writesBefore = bench.tap.port.writeCount
      #expect(bench.open(segments) == segments.count)
      #expect(bench.tap.port.writeCount - writesBefore == 1, "a buffer is one superframe")
      return alone.count + segments.count
    }
    _ = round()
    let before = (bench.allocationCount, bench.snapshot().total(.framesOut, .underlay))
    var count = 0
    while count < Self.frameCount {
      bench.advance(by: .milliseconds(10))
      count += round()
    }
    #expect(bench.allocationCount - before.0 == 0)
    #expect(bench.snapshot().total(.framesOut, .underlay) - before.1 == UInt64(count), "a frame was dropped")
  }
}
