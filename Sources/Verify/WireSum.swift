import CVXLAN

/// Sums of the Internet checksum over bytes of a packet.
enum WireSum {
  /// Not folded, words in the machine's order.
  @inline(__always)
  static func native(_ bytes: borrowing Span<UInt8>) -> UInt64 {
    // SAFETY: only read, and only during the call.
    unsafe bytes.withUnsafeBufferPointer { unsafe $0.baseAddress.map { unsafe cvxlan_sum($0, bytes.count) } ?? 0 }
  }

  /// A native sum as big-endian words, folded to 16 bits. The order of bytes turns with them: RFC 1071, section 2.
  @inline(__always)
  static func bigEndian(_ native: UInt64) -> UInt64 { UInt64(UInt16(bigEndian: fold(native))) }

  @inline(__always)
  static func fold(_ sum: UInt64) -> UInt16 {
    var sum = sum & 0xFFFF_FFFF &+ sum >> 32
    sum = sum & 0xFFFF &+ sum >> 16
    sum = sum & 0xFFFF &+ sum >> 16
    return UInt16(truncatingIfNeeded: sum & 0xFFFF &+ sum >> 16)
  }
}
