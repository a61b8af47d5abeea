import Replay
import Sealing
import VXLAN

/// Whole frames through the data path, both ways, without a kernel: everything from judging to settling. Superframes
/// are counted in segments: cut on the way out, joined on the way in.
enum EngineBenchmarks {
  private static let stepCount = 4096
  private static let superframeStepCount = 512
  private static let frameByteCount = 1464

  static func all() -> [Benchmark] {
    let segmentCount = ReplayTraffic.segmentsPerSuperframe
    return [
      benchmark("encapsulate a frame to a known address", .encapsulation(frames(to: ReplayTraffic.there))),
      benchmark("encapsulate a frame to 8 peers (broadcast)", .encapsulation(frames(to: .broadcast))),
      benchmark(
        "decapsulate a frame",
        .decapsulation(
          ReplayTraffic.frames(byteCount: frameByteCount, to: ReplayTraffic.here, from: ReplayTraffic.there))),
      benchmark(
        "encapsulate a segment of a superframe of \(segmentCount)", .superframeEncapsulation(),
        stepCount: superframeStepCount),
      benchmark(
        "decapsulate and join a segment of \(segmentCount)", .superframeDecapsulation(),
        stepCount: superframeStepCount),
    ] + Cipher.allCases.filter(\.isAvailable).flatMap(sealed)
  }

  /// The same over sealed segments. What is opened has to be sealed before, and that is measured too.
  private static func sealed(_ cipher: Cipher) -> [Benchmark] {
    let back = ReplayTraffic.frames(byteCount: frameByteCount, to: ReplayTraffic.here, from: ReplayTraffic.there)
    return [
      benchmark("\(cipher): encapsulate a frame", .sealedEncapsulation(frames(to: ReplayTraffic.there), cipher)),
      benchmark("\(cipher): encapsulate a frame to 8 peers", .sealedEncapsulation(frames(to: .broadcast), cipher)),
      benchmark("\(cipher): seal and decapsulate a frame", .sealedDecapsulation(back, cipher)),
      benchmark(
        "\(cipher): encapsulate a segment of a superframe", .sealedSuperframeEncapsulation(cipher),
        stepCount: superframeStepCount),
      benchmark(
        "\(cipher): seal, decapsulate and join a segment", .sealedSuperframeDecapsulation(cipher),
        stepCount: superframeStepCount),
    ]
  }

  private static func benchmark(
    _ name: String, _ load: ReplayLoad, stepCount: Int = EngineBenchmarks.stepCount
  ) -> Benchmark {
    Benchmark(name, operationCount: stepCount * load.framesPerStep) { load.run(stepCount: stepCount) }
  }

  private static func frames(to destination: MACAddress) -> [[UInt8]] {
    ReplayTraffic.frames(byteCount: frameByteCount, to: destination, from: ReplayTraffic.here)
  }
}
