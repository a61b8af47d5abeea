import VXLAN

@testable import Sealing

/// A datagram in a buffer of its own, full of 0xA5 where nothing was written.
final class SealedDatagram {
  static let frameOffset = SealedHeader.byteCount
  private static let slack = 8

  private(set) var buffer: [UInt8]
  private(set) var byteCount = 0
  private let frameByteCount: Int

  init(frame: [UInt8]) {
    frameByteCount = frame.count
    buffer =
      [UInt8](repeating: 0xA5, count: Self.frameOffset) + frame
      + [UInt8](repeating: 0xA5, count: 32 + Self.slack)
  }

  /// A datagram as it was received.
  init(bytes: [UInt8]) {
    buffer = bytes + [UInt8](repeating: 0xA5, count: Self.slack)
    byteCount = bytes.count
    frameByteCount = 0
  }

  private init(copying other: SealedDatagram) {
    buffer = other.buffer
    byteCount = other.byteCount
    frameByteCount = other.frameByteCount
  }

  func copy() -> SealedDatagram { SealedDatagram(copying: self) }

  var bytes: [UInt8] { Array(buffer.prefix(byteCount)) }
  var header: SealedHeader? { SealedHeader(bytes) }
  /// Whether nothing was written behind the end.
  var isEndIntact: Bool { buffer[byteCount...].allSatisfy { $0 == 0xA5 } }

  /// The opened frame.
  private(set) var frame: [UInt8] = []

  func seal(with sealer: Sealer, kind: SealedHeader.Kind = .frame, vni: UInt32 = 42) -> Bool {
    let prefix = SealedHeader.prefix(kind: kind, vni: VNI(unchecked: vni))
    let count = frameByteCount
    byteCount = buffer.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      return sealer.seal(start + Self.frameOffset, byteCount: count, prefix: prefix, into: start)
    }
    return byteCount > 0
  }

  /// Opens a copy, as a receiver has one.
  func open(with opener: Opener) -> Opener.Verdict {
    var copy = buffer
    let count = byteCount
    let verdict = copy.withUnsafeMutableBytes { copy -> Opener.Verdict in
      guard let start = copy.baseAddress else { return .framing }
      return opener.open(start, byteCount: count)
    }
    frame = verdict == .opened ? Array(copy[Self.frameOffset..<count - opener.cipher.tagByteCount]) : []
    return verdict
  }

  func flip(bit: Int) { buffer[bit / 8] ^= 0x80 >> UInt8(bit % 8) }
}
