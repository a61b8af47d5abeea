/// The Ethernet header in front of every frame.
///
///     bytes 0...5   destination     bytes 6...11  source     bytes 12...13  EtherType
///
/// - SeeAlso: IEEE 802.3, clause 3.
package struct EthernetHeader: Equatable, Sendable {
  package static let byteCount = 14

  package let destination: MACAddress
  package let source: MACAddress
  package let etherType: UInt16

  /// Reads the first 14 bytes. Nil below that.
  @inlinable
  package init?(parsing bytes: borrowing Span<UInt8>) {
    guard bytes.count >= Self.byteCount else { return nil }
    self.destination = MACAddress(
      rawValue: UInt64(bytes.bigEndian16(at: 0)) << 32 | UInt64(bytes.bigEndian32(at: 2)))
    self.source = MACAddress(
      rawValue: UInt64(bytes.bigEndian16(at: 6)) << 32 | UInt64(bytes.bigEndian32(at: 8)))
    self.etherType = bytes.bigEndian16(at: 12)
  }

  /// An 802.1Q or 802.1ad tag follows the addresses.
  @inlinable
  package var isTagged: Bool { Self.isTag(etherType) }

  @inlinable
  package static func isTag(_ etherType: UInt16) -> Bool {
    etherType == Specification.etherTypeCustomerTag || etherType == Specification.etherTypeServiceTag
  }
}
