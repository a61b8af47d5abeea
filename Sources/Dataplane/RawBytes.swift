/// Network byte order at fixed offsets, unchecked, for loops whose lengths were checked before they began.
///
/// SAFETY: every caller has compared the length of the frame with the offsets it uses; the types that hold offsets
/// (`Superframe`, `MergeCandidate`) exist only after that.
extension UnsafeMutablePointer where Pointee == UInt8 {
  @inline(__always)
  func bigEndian16(at offset: Int) -> UInt16 {
    UInt16(bigEndian: UnsafeRawPointer(self).loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: UnsafeRawPointer(self).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func setBigEndian16(_ value: Int, at offset: Int) {
    UnsafeMutableRawPointer(self).storeBytes(
      of: UInt16(truncatingIfNeeded: value).bigEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inline(__always)
  func setBigEndian32(_ value: UInt32, at offset: Int) {
    UnsafeMutableRawPointer(self).storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Writes two bytes that are in wire order already, such as a folded sum.
  @inline(__always)
  func setNative16(_ value: UInt16, at offset: Int) {
    UnsafeMutableRawPointer(self).storeBytes(of: value, toByteOffset: offset, as: UInt16.self)
  }

  /// Eight bytes as they lie, for comparisons.
  @inline(__always)
  func native64(at offset: Int) -> UInt64 {
    UnsafeRawPointer(self).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  func native32(at offset: Int) -> UInt32 {
    UnsafeRawPointer(self).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  @inline(__always)
  func native16(at offset: Int) -> UInt16 {
    UnsafeRawPointer(self).loadUnaligned(fromByteOffset: offset, as: UInt16.self)
  }
}
