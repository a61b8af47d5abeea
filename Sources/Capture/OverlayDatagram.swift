import Sealing
import VXLAN

/// The UDP ports that carry overlays.
package struct OverlayPorts: Equatable, Sendable {
  package var plain: UInt16
  package var sealed: UInt16

  package init(plain: UInt16 = Specification.vxlanUDPPort, sealed: UInt16 = 4790) {
    self.plain = plain
    self.sealed = sealed
  }

  /// What libpcap is to let pass: what `OverlayDatagram` takes, and hardly more.
  package var expression: String { "(udp dst port \(plain) or udp dst port \(sealed))" }
}

/// A captured datagram to one of the overlays' ports, with what its payload begins with.
package struct OverlayDatagram: Equatable, Sendable {
  package enum Content: Equatable, Sendable {
    /// A VXLAN header, sound or not.
    case plain(VXLANHeader)
    /// A frame or a control message behind its header.
    case sealed(SealedHeader)
    /// A handshake message; nil: of no known kind or length.
    case handshake(SealedHeader, HandshakeMessage.Kind?)
    /// Too short for a header, or on the sealed port and none.
    case unknown
  }

  package let outer: OuterDatagram
  package let content: Content
  /// What follows the header, as far as it was captured.
  package let body: Range<Int>

  /// Nil for a packet that is no UDP datagram to one of `ports`.
  package init?(_ linkType: LinkType, _ bytes: borrowing Span<UInt8>, ports: OverlayPorts) {
    guard let outer = OuterDatagram(linkType, bytes) else { return nil }
    self.init(outer, bytes, ports: ports)
  }

  private init?(_ outer: OuterDatagram, _ bytes: borrowing Span<UInt8>, ports: OverlayPorts) {
    switch outer.destinationPort {
    case ports.plain: content = Self.plain(bytes.extracting(outer.payload))
    case ports.sealed: content = Self.sealed(bytes.extracting(outer.payload))
    default: return nil
    }
    self.outer = outer
    let headerByteCount =
      switch content {
      case .plain: VXLANHeader.byteCount
      case .sealed, .handshake: SealedHeader.byteCount
      case .unknown: 0
      }
    body = outer.payload.lowerBound &+ headerByteCount..<outer.payload.upperBound
  }

  /// Calls `body` with each datagram of the packet, until it answers false: one, or those that the sender's card was to
  /// cut and the receiver's, or the kernel, has joined.
  func forEachPiece(
    _ bytes: Span<UInt8>, ports: OverlayPorts, _ body: (OverlayDatagram) throws -> Bool
  ) rethrows {
    let payload = bytes.extracting(outer.payload)
    guard let each = DatagramRun.byteCount(of: payload, max: payload.count) else {
      _ = try body(self)
      return
    }
    let byteCount = max(outer.payloadByteCount, payload.count)
    for start in stride(from: 0, to: byteCount, by: each) {
      let piece = outer.piece(at: start, byteCount: min(each, byteCount &- start))
      guard let datagram = OverlayDatagram(piece, bytes, ports: ports), try body(datagram) else { return }
    }
  }

  private static func plain(_ payload: borrowing Span<UInt8>) -> Content {
    VXLANHeader(parsing: payload).map(Content.plain) ?? .unknown
  }

  private static func sealed(_ payload: Span<UInt8>) -> Content {
    guard let header = SealedHeader(parsing: payload) else { return .unknown }
    guard header.kind == .handshake else { return .sealed(header) }
    return .handshake(header, HandshakeMessage(parsing: payload)?.kind)
  }

  /// Bytes behind the header, as the UDP header says.
  package var bodyByteCount: Int {
    max(outer.payloadByteCount &- (body.lowerBound &- outer.payload.lowerBound), 0)
  }

  /// The segment that it names; nil for control, handshakes and what has no VNI.
  package var vni: VNI? {
    switch content {
    case .plain(let header): header.hasVNIFlag ? header.vni : nil
    case .sealed(let header): header.kind == .frame ? header.vni : nil
    case .handshake, .unknown: nil
    }
  }
}
