import VXLAN

/// One datagram's payload of 8 bytes or more, by its numbers; the bytes travel beside it.
struct Piece {
  /// The first eight bytes.
  let header: UInt64
  /// Of the captured bytes, as `WireSum.native`.
  let sum: UInt64
  /// As the headers say; the capture may have kept less.
  let statedByteCount: Int

  /// - Parameter bytes: eight at least.
  init(_ bytes: borrowing Span<UInt8>, sum: UInt64, statedByteCount: Int) {
    header = bytes.bigEndian64(at: 0)
    self.sum = sum
    self.statedByteCount = statedByteCount
  }

  private var flags: UInt8 { UInt8(truncatingIfNeeded: header >> 56) }
  private var nextProtocol: UInt8 { UInt8(truncatingIfNeeded: header >> 32) }

  /// The I flag without the P flag, which a sealed one has.
  var isPlainForSure: Bool { flags & 0x0C == 0x08 }
  /// Flags and next protocol of the sealed format, whatever the rest is.
  var isSealedForSure: Bool { flags & 0xFE == 0x0C && nextProtocol >= 0xFE }

  /// Names the bytes, as far as they were captured.
  @inline(__always)
  func digest(_ bytes: borrowing Span<UInt8>, seed: UInt64) -> UInt64 {
    var digest = Digest(seed: seed)
    digest.combineEdges(of: bytes)
    digest.combine(sum)
    return digest.value
  }
}
