import Replay
import Sealing

/// A workload of the codec, plain or sealed, and what replays it.
struct CodecLoad {
  let workload: Workload
  let cipher: Cipher?
  let replay: ReplayLoad
  let frameByteCount: Int

  init(_ workload: Workload, _ cipher: Cipher?) {
    self.workload = workload
    self.cipher = cipher
    let byteCount = Self.frameByteCount(of: workload)
    frameByteCount = byteCount
    replay = cipher.map { Self.sealed(workload, $0, byteCount) } ?? Self.plain(workload, byteCount)
  }

  private static func frameByteCount(of workload: Workload) -> Int {
    switch workload {
    case .encapsulate512, .decapsulate512: 512
    case .encapsulate1400, .decapsulate1400: 1400
    case .encapsulateSuperframe, .decapsulateSuperframe: ReplayTraffic.segmentByteCount
    default: 64
    }
  }

  /// What came of it, a sample for each round.
  func result(_ samples: [Double]) -> Measurement {
    var result = Measurement(
      candidate: cipher == nil ? .codec : .codecSealed, workload: workload, underlay: .none, unit: .framesPerSecond,
      samples: samples)
    result.frameBytes = frameByteCount
    result.cipher = cipher?.name
    return result
  }

  private static func plain(_ workload: Workload, _ frameByteCount: Int) -> ReplayLoad {
    switch workload {
    case .encapsulateSuperframe: .superframeEncapsulation()
    case .decapsulateSuperframe: .superframeDecapsulation()
    case .encapsulate64, .encapsulate512, .encapsulate1400: .encapsulation(out(frameByteCount))
    default: .decapsulation(back(frameByteCount))
    }
  }

  private static func sealed(_ workload: Workload, _ cipher: Cipher, _ frameByteCount: Int) -> ReplayLoad {
    switch workload {
    case .encapsulateSuperframe: .sealedSuperframeEncapsulation(cipher)
    case .decapsulateSuperframe: .sealedSuperframeDecapsulation(cipher)
    case .encapsulate64, .encapsulate512, .encapsulate1400: .sealedEncapsulation(out(frameByteCount), cipher)
    default: .sealedDecapsulation(back(frameByteCount), cipher)
    }
  }

  private static func out(_ byteCount: Int) -> [[UInt8]] {
    ReplayTraffic.frames(byteCount: byteCount, to: ReplayTraffic.there, from: ReplayTraffic.here)
  }

  private static func back(_ byteCount: Int) -> [[UInt8]] {
    ReplayTraffic.frames(byteCount: byteCount, to: ReplayTraffic.here, from: ReplayTraffic.there)
  }
}
