/// The VXLAN header: 8 bytes between the outer UDP header and the inner Ethernet frame.
///
///     byte 0     flags, 0x08 = I (VNI valid)   bytes 1...3   reserved
///     byte 4...6 VNI, 24 bits, big-endian      byte  7       reserved
///
/// Reserved bits are written as zero; those that were read are judged by the caller.
/// - SeeAlso: RFC 7348, section 5.
package struct VXLANHeader: Equatable, Sendable {
  package static let byteCount = 8
  /// Bytes 0...3 of a header that has the I flag and nothing else, as a big-endian number.
  package static let firstWord: UInt32 = 0x0800_0000

  /// Bytes 0...3.
  @usableFromInline let flagsWord: UInt32
  /// Bytes 4...7.
  @usableFromInline let vniWord: UInt32

  /// A header as we send it.
  @inlinable
  package init(vni: VNI) {
    self.flagsWord = Self.firstWord
    self.vniWord = vni.rawValue << 8
  }

  /// Reads the first 8 bytes. Nil below 8 bytes. Judges nothing else: see `hasVNIFlag` and `hasReservedBits`.
  @inlinable
  package init?(parsing bytes: borrowing Span<UInt8>) {
    guard bytes.count >= Self.byteCount else { return nil }
    self.flagsWord = bytes.bigEndian32(at: 0)
    self.vniWord = bytes.bigEndian32(at: 4)
  }

  @inlinable
  package var vni: VNI { VNI(unchecked: vniWord >> 8) }
  /// The I flag, without which the VNI means nothing.
  @inlinable
  package var hasVNIFlag: Bool { flagsWord & Self.firstWord != 0 }
  /// Any of the 39 bits that RFC 7348 reserves, the flags of VXLAN-GPE and of group policy among them.
  @inlinable
  package var hasReservedBits: Bool { flagsWord & ~Self.firstWord | vniWord & 0xFF != 0 }

  /// Writes 8 bytes to the start of `bytes`, which must have as many.
  @inlinable
  package func write(to bytes: inout MutableSpan<UInt8>) {
    bytes.setBigEndian32(flagsWord, at: 0)
    bytes.setBigEndian32(vniWord, at: 4)
  }
}
