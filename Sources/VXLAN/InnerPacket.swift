/// Where the IP packet of a frame begins, and the few fields of it that a tunnel needs: the traffic class and the
/// flow. A frame that carries no readable IP header has none; a tunnel of layer 2 does not judge it for that.
package struct InnerPacket: Equatable, Sendable {
  /// Tags looked through before giving up: the outer service tag, the customer tag, and one to spare.
  @usableFromInline static let tagCountMax = 3

  package let family: AddressFamily
  /// Of the IP header, from the start of the frame, in bytes.
  package let offset: Int
  /// DSCP and ECN: the second byte of IPv4, the traffic class of IPv6.
  package let trafficClass: UInt8

  /// Finds the packet behind the Ethernet header and its tags. Nil when there is none, or when its header is cut short.
  @inlinable
  package init?(inFrame frame: borrowing Span<UInt8>) {
    guard frame.count >= EthernetHeader.byteCount else { return nil }
    var offset = EthernetHeader.byteCount
    var etherType = frame.bigEndian16(at: 12)
    var tagCount = 0
    while EthernetHeader.isTag(etherType), tagCount < Self.tagCountMax {
      guard frame.count >= offset + Specification.vlanTagByteCount else { return nil }
      etherType = frame.bigEndian16(at: offset + 2)
      offset += Specification.vlanTagByteCount
      tagCount += 1
    }
    if etherType == Specification.etherTypeIPv4 {
      guard frame.count >= offset + Specification.ipv4HeaderByteCount, frame[offset] >> 4 == 4 else { return nil }
      self.init(family: .ipv4, offset: offset, trafficClass: frame[offset + 1])
    } else if etherType == Specification.etherTypeIPv6 {
      guard frame.count >= offset + Specification.ipv6HeaderByteCount, frame[offset] >> 4 == 6 else { return nil }
      let trafficClass = frame[offset] << 4 | frame[offset + 1] >> 4
      self.init(family: .ipv6, offset: offset, trafficClass: trafficClass)
    } else {
      return nil
    }
  }

  @usableFromInline
  init(family: AddressFamily, offset: Int, trafficClass: UInt8) {
    self.family = family
    self.offset = offset
    self.trafficClass = trafficClass
  }

  /// The packet's source address. The frame is the one that it was found in.
  @inlinable
  package func source(inFrame frame: borrowing Span<UInt8>) -> IPAddress {
    family == .ipv4 ? IPAddress(ipv4At: offset + 12, in: frame) : IPAddress(ipv6At: offset + 8, in: frame)
  }

  /// The packet's destination address. The frame is the one that it was found in.
  @inlinable
  package func destination(inFrame frame: borrowing Span<UInt8>) -> IPAddress {
    family == .ipv4 ? IPAddress(ipv4At: offset + 16, in: frame) : IPAddress(ipv6At: offset + 24, in: frame)
  }

  /// Replaces the two ECN bits in the frame, with the IPv4 header's checksum kept right (RFC 1624, equation 3).
  package func setECN(_ codepoint: ECN, inFrame frame: inout MutableSpan<UInt8>) {
    let updated = trafficClass & ~3 | codepoint.rawValue
    switch family {
    case .ipv4:
      let old = UInt16(frame[offset]) << 8 | UInt16(trafficClass)
      let new = UInt16(frame[offset]) << 8 | UInt16(updated)
      let checksum = UInt16(frame[offset + 10]) << 8 | UInt16(frame[offset + 11])
      frame[offset + 1] = updated
      frame.setBigEndian16(Checksum.adjusted(checksum, replacing: old, with: new), at: offset + 10)
    case .ipv6:
      frame[offset] = frame[offset] & 0xF0 | updated >> 4
      frame[offset + 1] = updated << 4 | frame[offset + 1] & 0x0F
    }
  }
}
