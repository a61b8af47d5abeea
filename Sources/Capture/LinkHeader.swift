import VXLAN

/// What stands before the network layer in a captured packet.
///
///     1    Ethernet: destination 6, source 6, EtherType 2
///     101  nothing: IPv4 or IPv6 begins at once
///     113  cooked: kind 2, hardware 2, address length 2, address 8, protocol 2
///     276  cooked: protocol 2, reserved 2, interface 4, hardware 2, kind 1, address length 1, address 8
///
/// Tags (802.1Q, 802.1ad) are stepped over, `tagCountMax` of them.
/// - SeeAlso: pcap-linktype(7).
package struct LinkHeader: Equatable, Sendable {
  /// As many as Linux itself looks behind: VLAN_MAX_DEPTH in include/linux/if_vlan.h.
  package static let tagCountMax = 8
  private static let etherTypeOffset = 12
  private static let cookedByteCount = 16
  private static let cooked2ByteCount = 20

  /// Of what begins at `byteCount`.
  package let etherType: UInt16
  /// Tags included.
  package let byteCount: Int
  /// The outermost tag's control information; nil: there is no tag.
  package let tag: UInt16?

  /// Reads the beginning of `bytes`. Nil when it is cut short, or for a link type that is not known.
  package init?(_ linkType: LinkType, _ bytes: borrowing Span<UInt8>) {
    var etherType: UInt16
    var offset: Int
    switch linkType {
    case .ethernet:
      guard bytes.count >= EthernetHeader.byteCount else { return nil }
      (etherType, offset) = (bytes.bigEndian16(at: Self.etherTypeOffset), EthernetHeader.byteCount)
    case .linuxCooked:
      guard bytes.count >= Self.cookedByteCount else { return nil }
      (etherType, offset) = (bytes.bigEndian16(at: Self.cookedByteCount - 2), Self.cookedByteCount)
    case .linuxCooked2:
      guard bytes.count >= Self.cooked2ByteCount else { return nil }
      (etherType, offset) = (bytes.bigEndian16(at: 0), Self.cooked2ByteCount)
    case .rawIP:
      guard bytes.count >= 1 else { return nil }
      (etherType, offset) = (bytes[0] >> 4 == 6 ? Specification.etherTypeIPv6 : Specification.etherTypeIPv4, 0)
    default: return nil
    }
    var tag: UInt16?
    var tagCount = 0
    while EthernetHeader.isTag(etherType), tagCount < Self.tagCountMax {
      guard bytes.count &- offset >= Specification.vlanTagByteCount else { return nil }
      if tag == nil { tag = bytes.bigEndian16(at: offset) }
      etherType = bytes.bigEndian16(at: offset &+ 2)
      offset &+= Specification.vlanTagByteCount
      tagCount &+= 1
    }
    (self.etherType, byteCount, self.tag) = (etherType, offset, tag)
  }
}
