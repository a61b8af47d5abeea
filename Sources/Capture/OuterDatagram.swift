import VXLAN

/// A captured UDP datagram of the underlay: where its headers and its payload lie, and what they say.
/// - SeeAlso: RFC 768.
package struct OuterDatagram: Equatable, Sendable {
  package let link: LinkHeader
  package let ip: IPPacket
  package let sourcePort: UInt16
  package let destinationPort: UInt16
  /// Header and payload, as the UDP header says.
  package let udpByteCount: Int
  /// As it stands in the header; 0: none.
  package let checksum: UInt16
  /// Where the payload lies, as far as it was captured.
  package private(set) var payload: Range<Int>
  /// Of one datagram of a run, its payload; nil: the headers say it.
  private var pieceByteCount: Int?

  package var source: Endpoint { Endpoint(address: ip.source, udpPort: sourcePort) }
  package var destination: Endpoint { Endpoint(address: ip.destination, udpPort: destinationPort) }
  package var udpOffset: Int { ip.payloadOffset }
  /// Payload bytes, as the UDP header says; the captured ones where a superframe's length does not fit the header.
  package var payloadByteCount: Int {
    pieceByteCount ?? statedByteCount
  }
  private var statedByteCount: Int {
    ip.byteCount == nil ? payload.count : max(udpByteCount &- Specification.udpHeaderByteCount, 0)
  }

  /// Reads a packet of a capture. Nil for everything but the beginning of a UDP datagram whose header is there.
  package init?(_ linkType: LinkType, _ bytes: borrowing Span<UInt8>) {
    guard let link = LinkHeader(linkType, bytes),
      let ip = IPPacket(bytes, at: link.byteCount, etherType: link.etherType)
    else { return nil }
    self.init(link, ip, bytes)
  }

  /// The datagram of a run whose payload begins `start` bytes behind the first one's and has `byteCount` bytes.
  func piece(at start: Int, byteCount: Int) -> OuterDatagram {
    var piece = self
    let from = min(payload.lowerBound &+ start, payload.upperBound)
    piece.payload = from..<min(from &+ byteCount, payload.upperBound)
    piece.pieceByteCount = byteCount
    return piece
  }

  /// As above, when what stands before UDP has been read.
  package init?(_ link: LinkHeader, _ ip: IPPacket, _ bytes: borrowing Span<UInt8>) {
    let (start, end) = (ip.payloadOffset, ip.end(in: bytes))
    guard ip.protocolNumber == Specification.protocolUDP, (ip.fragmentOffset ?? 0) == 0,
      end &- start >= Specification.udpHeaderByteCount
    else { return nil }
    self.link = link
    self.ip = ip
    sourcePort = bytes.bigEndian16(at: start)
    destinationPort = bytes.bigEndian16(at: start &+ 2)
    udpByteCount = Int(bytes.bigEndian16(at: start &+ 4))
    checksum = bytes.bigEndian16(at: start &+ 6)
    let payloadStart = start &+ Specification.udpHeaderByteCount
    // A card that cuts, and one that joins, is captured with a length of the whole or with none.
    let isLonger = ip.byteCount == nil || udpByteCount == 0
    payload = payloadStart..<(isLonger ? end : max(min(end, start &+ udpByteCount), payloadStart))
  }
}
