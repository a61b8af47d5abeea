/// Network byte order at fixed offsets. Every access is checked against the span's length and traps outside it, so
/// callers compare lengths first.
extension Span where Element == UInt8 {
  /// Two bytes at `offset`.
  @inlinable
  package func bigEndian16(at offset: Int) -> UInt16 {
    UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
  }

  /// Four bytes at `offset`.
  @inlinable
  package func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian16(at: offset)) << 16 | UInt32(bigEndian16(at: offset + 2))
  }

  /// Eight bytes at `offset`.
  @inlinable
  package func bigEndian64(at offset: Int) -> UInt64 {
    UInt64(bigEndian32(at: offset)) << 32 | UInt64(bigEndian32(at: offset + 4))
  }
}

extension MutableSpan where Element == UInt8 {
  /// Writes two bytes at `offset`.
  @inlinable
  package mutating func setBigEndian16(_ value: UInt16, at offset: Int) {
    self[offset] = UInt8(truncatingIfNeeded: value >> 8)
    self[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Writes four bytes at `offset`.
  @inlinable
  package mutating func setBigEndian32(_ value: UInt32, at offset: Int) {
    setBigEndian16(UInt16(truncatingIfNeeded: value >> 16), at: offset)
    setBigEndian16(UInt16(truncatingIfNeeded: value), at: offset + 2)
  }
}
