/// An Ethernet address: 48 bits, the first octet on the wire in the highest place.
///
///     02:00:00:00:00:2a  is  0x0200_0000_002a
package struct MACAddress: Hashable, Sendable {
  package static let byteCount = 6
  package static let broadcast = MACAddress(rawValue: 0xFFFF_FFFF_FFFF)
  package static let zero = MACAddress(rawValue: 0)

  /// Bits 47...0; the two highest octets are zero.
  package let rawValue: UInt64

  /// Keeps the low 48 bits of `rawValue`.
  @inlinable
  package init(rawValue: UInt64) {
    self.rawValue = rawValue & 0xFFFF_FFFF_FFFF
  }

  /// Reads `aa:bb:cc:dd:ee:ff` or `aa-bb-cc-dd-ee-ff`, in either case of letters. Nil for anything else.
  package init?(_ text: some StringProtocol) {
    let separator: Character = text.contains("-") ? "-" : ":"
    let octets = text.split(separator: separator, omittingEmptySubsequences: false)
    guard octets.count == Self.byteCount else { return nil }
    var value: UInt64 = 0
    for octet in octets {
      guard octet.count == 2, octet.allSatisfy({ $0.isASCII && $0.isHexDigit }),
        let byte = UInt64(octet, radix: 16)
      else { return nil }
      value = value << 8 | byte
    }
    self.rawValue = value
  }

  /// The group bit: multicast, broadcast among it.
  @inlinable
  package var isMulticast: Bool { rawValue & 0x0100_0000_0000 != 0 }
  @inlinable
  package var isBroadcast: Bool { rawValue == 0xFFFF_FFFF_FFFF }
  @inlinable
  package var isZero: Bool { rawValue == 0 }
  /// What may stand as a source: neither a group nor all zero.
  @inlinable
  package var isValidSource: Bool { !isMulticast && !isZero }

  /// The six octets in wire order.
  package var octets: [UInt8] {
    (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: rawValue >> UInt64(40 - 8 * $0)) }
  }
}

extension MACAddress: CustomStringConvertible {
  package var description: String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
