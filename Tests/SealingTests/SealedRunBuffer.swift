import VXLAN

@testable import Sealing

/// Frames in a buffer as the data path gathers them: with headroom and room for a tag each.
final class SealedRunBuffer {
  let cipher: Cipher
  let frameCount: Int
  let frameByteCount: Int
  let lastFrameByteCount: Int
  private(set) var buffer: [UInt8]

  init(cipher: Cipher, frameCount: Int, frameByteCount: Int, lastFrameByteCount: Int) {
    self.cipher = cipher
    self.frameCount = frameCount
    self.frameByteCount = frameByteCount
    self.lastFrameByteCount = lastFrameByteCount
    let overhead = SealedHeader.byteCount + cipher.tagByteCount
    let size = (frameCount - 1) * (frameByteCount + overhead) + lastFrameByteCount + overhead
    buffer = (0..<size).map { UInt8(truncatingIfNeeded: $0) } + [0xA5]
  }

  private init(copying other: SealedRunBuffer) {
    cipher = other.cipher
    frameCount = other.frameCount
    frameByteCount = other.frameByteCount
    lastFrameByteCount = other.lastFrameByteCount
    buffer = other.buffer
  }

  func copy() -> SealedRunBuffer { SealedRunBuffer(copying: self) }

  private var stride: Int { frameByteCount + SealedHeader.byteCount + cipher.tagByteCount }

  /// The datagrams, each with its own bytes.
  var datagrams: [[UInt8]] {
    (0..<frameCount).map { Array(buffer.dropLast()[($0 * stride)..<min(buffer.count - 1, ($0 + 1) * stride)]) }
  }

  /// What is to be sealed, or was opened, behind each header.
  var frames: [[UInt8]] { datagrams.map { Array($0[SealedHeader.byteCount..<$0.count - cipher.tagByteCount]) } }
  var headers: [SealedHeader] { datagrams.compactMap { SealedHeader($0) } }

  func seal(with sealer: Sealer) -> Bool {
    let (count, size, last) = (frameCount, frameByteCount, lastFrameByteCount)
    return buffer.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return false }
      let run = Sealer.Run(start: start, count: count, frameByteCount: size, lastFrameByteCount: last)
      return sealer.seal(run, prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42)))
    }
  }

  /// Opens datagrams in place, in the order of `indexes`, as one received run.
  func open(with opener: Opener, order indexes: [Int]) -> [Opener.Verdict] {
    let sizes = datagrams.map(\.count)
    let stride = stride
    return buffer.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return [] }
      var slots = indexes.map { Opener.Slot(datagram: start + $0 * stride, byteCount: sizes[$0]) }
      slots.withUnsafeMutableBufferPointer { opener.open($0) }
      return slots.map(\.verdict)
    }
  }
}
