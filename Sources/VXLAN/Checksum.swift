/// The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words.
///
/// - SeeAlso: RFC 1071; RFC 1624 for the change of one word.
package enum Checksum {
  /// The sum of `bytes` as big-endian words, an odd last byte padded with zero, added to `sum`. Not yet folded.
  package static func sum(_ bytes: borrowing Span<UInt8>, initial sum: UInt64 = 0) -> UInt64 {
    var total = sum
    var offset = 0
    while offset + 2 <= bytes.count {
      total &+= UInt64(bytes.bigEndian16(at: offset))
      offset += 2
    }
    if offset < bytes.count { total &+= UInt64(bytes[offset]) << 8 }
    return total
  }

  /// Folds a sum to 16 bits and complements it: what belongs into a header's field.
  package static func finish(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum >> 16 != 0 { sum = sum & 0xFFFF &+ sum >> 16 }
    return ~UInt16(truncatingIfNeeded: sum)
  }

  /// The checksum after one of the words that it covers has changed.
  package static func adjusted(_ checksum: UInt16, replacing old: UInt16, with new: UInt16) -> UInt16 {
    finish(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
  }
}
