import VXLAN

/// The IP header of a captured packet, of either version, with where it lies. Lengths are what the header says: the
/// capture may hold less.
/// - SeeAlso: RFC 791, section 3.1; RFC 8200, sections 3 and 4.
package struct IPPacket: Equatable, Sendable {
  package let source: IPAddress
  package let destination: IPAddress
  /// Of what follows the header and, in IPv6, its extensions; that of the last header that could be read.
  package let protocolNumber: UInt8
  /// TTL or hop limit.
  package let hopLimit: UInt8
  /// The DF bit of IPv4; true for IPv6, which no router cuts.
  package let isNotToBeCut: Bool
  /// Of a fragment, where it belongs in the whole, in bytes; nil: this is whole.
  package let fragmentOffset: Int?
  /// Where the header begins.
  package let offset: Int
  /// Where what `protocolNumber` names begins.
  package let payloadOffset: Int
  /// Header and payload, as the header says; nil when it says 0, as superframes beyond 64 KB do.
  package let byteCount: Int?

  /// Where the packet ends, by its header and never beyond `bytes`.
  package func end(in bytes: borrowing Span<UInt8>) -> Int {
    guard let byteCount else { return bytes.count }
    return max(min(offset &+ byteCount, bytes.count), min(payloadOffset, bytes.count))
  }

  /// Bytes behind the header, as it says.
  package func payloadByteCount(in bytes: borrowing Span<UInt8>) -> Int {
    max((byteCount.map { offset &+ $0 } ?? bytes.count) &- payloadOffset, 0)
  }

  /// Reads the header at `offset` of `bytes`. Nil when it is cut short or none.
  package init?(_ bytes: borrowing Span<UInt8>, at offset: Int, etherType: UInt16) {
    guard offset >= 0, offset <= bytes.count else { return nil }
    switch etherType {
    case Specification.etherTypeIPv4: self.init(ipv4: bytes, at: offset)
    case Specification.etherTypeIPv6: self.init(ipv6: bytes, at: offset)
    default: return nil
    }
  }

  private init?(ipv4 bytes: borrowing Span<UInt8>, at offset: Int) {
    guard bytes.count &- offset >= Specification.ipv4HeaderByteCount, bytes[offset] >> 4 == 4 else { return nil }
    let headerByteCount = Int(bytes[offset] & 0x0F) &* 4
    guard headerByteCount >= Specification.ipv4HeaderByteCount, bytes.count &- offset >= headerByteCount else {
      return nil
    }
    let total = Int(bytes.bigEndian16(at: offset &+ 2))
    let cut = bytes.bigEndian16(at: offset &+ 6)
    self.offset = offset
    payloadOffset = offset &+ headerByteCount
    byteCount = total == 0 ? nil : total
    isNotToBeCut = cut & 0x4000 != 0
    fragmentOffset = cut & 0x3FFF == 0 ? nil : Int(cut & 0x1FFF) &* 8
    hopLimit = bytes[offset &+ 8]
    protocolNumber = bytes[offset &+ 9]
    source = IPAddress(ipv4At: offset &+ 12, in: bytes)
    destination = IPAddress(ipv4At: offset &+ 16, in: bytes)
  }

  private init?(ipv6 bytes: borrowing Span<UInt8>, at offset: Int) {
    guard bytes.count &- offset >= Specification.ipv6HeaderByteCount, bytes[offset] >> 4 == 6 else { return nil }
    let length = Int(bytes.bigEndian16(at: offset &+ 4))
    self.offset = offset
    byteCount = length == 0 ? nil : Specification.ipv6HeaderByteCount &+ length
    isNotToBeCut = true
    hopLimit = bytes[offset &+ 7]
    source = IPAddress(ipv6At: offset &+ 8, in: bytes)
    destination = IPAddress(ipv6At: offset &+ 24, in: bytes)
    var number = bytes[offset &+ 6]
    var next = offset &+ Specification.ipv6HeaderByteCount
    var fragmentOffset: Int?
    // Every turn takes eight bytes at least, so a packet bounds their number.
    while Specification.isIPv6Extension(number), bytes.count &- next >= 8, (fragmentOffset ?? 0) == 0 {
      let (following, units) = (bytes[next], Int(bytes[next &+ 1]))
      switch number {
      case Specification.protocolFragment:
        fragmentOffset = Int(bytes.bigEndian16(at: next &+ 2) & 0xFFF8)
        next &+= 8
      case Specification.protocolAuthentication: next &+= (units &+ 2) &* 4
      default: next &+= (units &+ 1) &* 8
      }
      number = following
    }
    protocolNumber = number
    payloadOffset = next
    self.fragmentOffset = fragmentOffset
  }
}
