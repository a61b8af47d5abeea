/// Network byte order at fixed offsets. Every access is checked against the span's length and traps outside it, so
/// callers compare lengths first.
extension Span where Element == UInt8 {
  /// Two bytes at `offset`.
  @inlinable
  package func bigEndian16(at offset: Int) -> UInt16 {
    check(offset, byteCount: 2)
    // SAFETY: compared with the length once, so that the bytes are read as one word; here and below.
    return UInt16(self[unchecked: offset]) << 8 | UInt16(self[unchecked: offset &+ 1])
  }

  /// Four bytes at `offset`.
  @inlinable
  package func bigEndian32(at offset: Int) -> UInt32 {
    check(offset, byteCount: 4)
    return UInt32(self[unchecked: offset]) << 24 | UInt32(self[unchecked: offset &+ 1]) << 16
      | UInt32(self[unchecked: offset &+ 2]) << 8 | UInt32(self[unchecked: offset &+ 3])
  }

  /// Eight bytes at `offset`.
  @inlinable
  package func bigEndian64(at offset: Int) -> UInt64 {
    check(offset, byteCount: 8)
    let high =
      UInt64(self[unchecked: offset]) << 56 | UInt64(self[unchecked: offset &+ 1]) << 48
      | UInt64(self[unchecked: offset &+ 2]) << 40 | UInt64(self[unchecked: offset &+ 3]) << 32
    let low =
      UInt64(self[unchecked: offset &+ 4]) << 24 | UInt64(self[unchecked: offset &+ 5]) << 16
      | UInt64(self[unchecked: offset &+ 6]) << 8 | UInt64(self[unchecked: offset &+ 7])
    return high | low
  }

  @inlinable
  func check(_ offset: Int, byteCount: Int) {
    precondition(offset >= 0 && count >= byteCount && offset <= count &- byteCount)
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
