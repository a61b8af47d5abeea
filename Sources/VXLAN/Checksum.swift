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

  /// Whether `bytes`, their checksum among them, sum up to nothing.
  package static func isRight(_ bytes: borrowing Span<UInt8>, initial sum: UInt64 = 0) -> Bool {
    finish(Self.sum(bytes, initial: sum)) == 0
  }

  /// The sum of the pseudo-header of a message of `byteCount` bytes over IPv6. Not yet folded.
  /// - SeeAlso: RFC 8200, section 8.1.
  package static func ipv6PseudoHeader(
    from source: IPAddress, to destination: IPAddress, byteCount: Int,
    ipProtocol: UInt8 = Specification.protocolICMPv6
  ) -> UInt64 {
    // Words of 32 bits are congruent to the sum of their halves.
    func words(_ value: UInt64) -> UInt64 { value >> 32 &+ value & 0xFFFF_FFFF }
    let addresses = words(source.high) &+ words(source.low) &+ words(destination.high) &+ words(destination.low)
    return addresses &+ UInt64(byteCount) &+ UInt64(ipProtocol)
  }

  /// The checksum after one of the words that it covers has changed.
  package static func adjusted(_ checksum: UInt16, replacing old: UInt16, with new: UInt16) -> UInt16 {
    finish(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
  }
}
