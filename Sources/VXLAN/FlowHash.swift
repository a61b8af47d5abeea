/// A number that is the same for all frames of one inner flow and spreads over flows: the entropy of the outer source
/// port.
///
/// An IP packet's flow is its addresses, its protocol and, for TCP, UDP and SCTP, its ports; every fragment of a
/// datagram, and every packet behind IPv6 extension headers, counts without ports, so that no datagram is spread over
/// two paths. Any other frame's flow is its two MAC addresses and its EtherType.
/// - SeeAlso: RFC 7348, section 5 (outer UDP header); RFC 6438.
package enum FlowHash {
  /// The hash of `frame`, whose Ethernet header is `ethernet` and whose packet, if any, is `packet`.
  package static func hash(
    of frame: borrowing Span<UInt8>, ethernet: EthernetHeader, packet: InnerPacket?, with key: KeyedHash
  ) -> UInt64 {
    var state = KeyedHash.State(key)
    switch packet?.family {
    case .ipv4?: combineIPv4(frame, at: packet?.offset ?? 0, into: &state)
    case .ipv6?: combineIPv6(frame, at: packet?.offset ?? 0, into: &state)
    case nil:
      state.combine(ethernet.source.rawValue << 16 | UInt64(ethernet.etherType))
      state.combine(ethernet.destination.rawValue)
    }
    return state.finish()
  }

  private static func combineIPv4(
    _ frame: borrowing Span<UInt8>, at offset: Int, into state: inout KeyedHash.State
  ) {
    let headerByteCount = Int(frame[offset] & 0x0F) * 4
    let isFragment = frame.bigEndian16(at: offset + 6) & 0x3FFF != 0
    let ipProtocol = frame[offset + 9]
    state.combine(frame.bigEndian64(at: offset + 12))
    let isReadable = !isFragment && headerByteCount >= Specification.ipv4HeaderByteCount
    let ports = isReadable ? self.ports(frame, at: offset + headerByteCount, of: ipProtocol) : 0
    state.combine(UInt64(ipProtocol) << 32 | UInt64(ports))
  }

  private static func combineIPv6(
    _ frame: borrowing Span<UInt8>, at offset: Int, into state: inout KeyedHash.State
  ) {
    let nextHeader = frame[offset + 6]
    for word in 0..<4 { state.combine(frame.bigEndian64(at: offset + 8 + 8 * word)) }
    let ports = self.ports(frame, at: offset + Specification.ipv6HeaderByteCount, of: nextHeader)
    state.combine(UInt64(nextHeader) << 32 | UInt64(ports))
  }

  /// Source and destination port as one word; 0 where the protocol has none or the frame ends before them.
  private static func ports(_ frame: borrowing Span<UInt8>, at offset: Int, of ipProtocol: UInt8) -> UInt32 {
    switch ipProtocol {
    case Specification.protocolTCP, Specification.protocolUDP, Specification.protocolSCTP:
      offset + 4 <= frame.count ? frame.bigEndian32(at: offset) : 0
    default: 0
    }
  }
}
