/// Where the transport header of a packet begins: behind the options of IPv4, or the extension headers of IPv6.
package struct InnerTransport: Equatable, Sendable {
  /// Extension headers looked through before giving up. Longer chains exist in attacks only.
  private static let extensionCountMax = 8

  /// The protocol number: TCP, UDP, ICMP, ...
  package let ipProtocol: UInt8
  /// Of the transport header, from the start of the frame, in bytes; not more than the frame has.
  package let offset: Int
  /// A fragment that is not the first: at `offset` is no header but data.
  package let isLaterFragment: Bool

  /// Nil when the frame ends before the transport header begins, or when the packet has none.
  /// - SeeAlso: RFC 791, section 3.1; RFC 8200, section 4.
  package init?(of packet: InnerPacket, inFrame frame: borrowing Span<UInt8>) {
    switch packet.family {
    case .ipv4: self.init(ofIPv4At: packet.offset, inFrame: frame)
    case .ipv6: self.init(ofIPv6At: packet.offset, inFrame: frame)
    }
  }

  private init?(ofIPv4At offset: Int, inFrame frame: borrowing Span<UInt8>) {
    guard frame.count >= offset + Specification.ipv4HeaderByteCount else { return nil }
    let headerByteCount = Int(frame[offset] & 0x0F) * 4
    guard headerByteCount >= Specification.ipv4HeaderByteCount, frame.count >= offset + headerByteCount else {
      return nil
    }
    ipProtocol = frame[offset + 9]
    self.offset = offset + headerByteCount
    isLaterFragment = frame.bigEndian16(at: offset + 6) & 0x1FFF != 0
  }

  private init?(ofIPv6At start: Int, inFrame frame: borrowing Span<UInt8>) {
    guard frame.count >= start + Specification.ipv6HeaderByteCount else { return nil }
    var next = frame[start + 6]
    var offset = start + Specification.ipv6HeaderByteCount
    var isLater = false
    var extensionCount = 0
    while Specification.isIPv6Extension(next) {
      guard extensionCount < Self.extensionCountMax, !isLater, frame.count >= offset + 8 else { return nil }
      let byteCount: Int
      switch next {
      case Specification.protocolFragment:
        byteCount = 8
        isLater = frame.bigEndian16(at: offset + 2) & 0xFFF8 != 0
      case Specification.protocolAuthentication: byteCount = (Int(frame[offset + 1]) + 2) * 4
      default: byteCount = (Int(frame[offset + 1]) + 1) * 8
      }
      next = frame[offset]
      offset += byteCount
      extensionCount += 1
    }
    guard frame.count >= offset, next != Specification.protocolNone else { return nil }
    ipProtocol = next
    self.offset = offset
    isLaterFragment = isLater
  }
}
