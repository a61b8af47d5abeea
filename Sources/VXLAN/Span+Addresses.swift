/// Addresses at fixed offsets. As `bigEndian16(at:)`, every access traps outside the span: callers compare lengths
/// first.
extension Span where Element == UInt8 {
  /// The six bytes at `offset`.
  package func macAddress(at offset: Int) -> MACAddress {
    MACAddress(rawValue: UInt64(bigEndian16(at: offset)) << 32 | UInt64(bigEndian32(at: offset + 2)))
  }
}

extension IPAddress {
  /// The four bytes of IPv4 at `offset`.
  @inlinable
  package init(ipv4At offset: Int, in bytes: borrowing Span<UInt8>) {
    self.init(ipv4: bytes.bigEndian32(at: offset))
  }

  /// The sixteen bytes of IPv6 at `offset`.
  @inlinable
  package init(ipv6At offset: Int, in bytes: borrowing Span<UInt8>) {
    self.init(ipv6High: bytes.bigEndian64(at: offset), low: bytes.bigEndian64(at: offset &+ 8))
  }
}

extension MutableSpan where Element == UInt8 {
  /// Writes an Ethernet header at the start.
  package mutating func setEthernetHeader(to destination: MACAddress, from source: MACAddress, etherType: UInt16) {
    setMACAddress(destination, at: 0)
    setMACAddress(source, at: MACAddress.byteCount)
    setBigEndian16(etherType, at: 2 * MACAddress.byteCount)
  }

  /// Writes six bytes at `offset`.
  package mutating func setMACAddress(_ address: MACAddress, at offset: Int) {
    setBigEndian16(UInt16(truncatingIfNeeded: address.rawValue >> 32), at: offset)
    setBigEndian32(UInt32(truncatingIfNeeded: address.rawValue), at: offset + 2)
  }

  /// Writes sixteen bytes at `offset`.
  package mutating func setIPv6Address(_ address: IPAddress, at offset: Int) {
    setBigEndian32(UInt32(truncatingIfNeeded: address.high >> 32), at: offset)
    setBigEndian32(UInt32(truncatingIfNeeded: address.high), at: offset + 4)
    setBigEndian32(UInt32(truncatingIfNeeded: address.low >> 32), at: offset + 8)
    setBigEndian32(UInt32(truncatingIfNeeded: address.low), at: offset + 12)
  }
}
