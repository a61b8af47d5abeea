/// The answer to the sender of an inner packet that its path cannot carry: ICMP "fragmentation needed" or ICMPv6
/// "packet too big", as a frame for the TAP.
///
/// It comes from the packet's own destination, since a tunnel of layer 2 has no address in the inner network; a sender
/// accepts that, as it compares the quoted packet with its sockets.
/// - SeeAlso: RFC 1191, section 4; RFC 4443, sections 2.4 and 3.2; RFC 1812, section 4.3.2.
package enum TooBigAnswer {
  /// The smallest MTU that is worth telling: what every host must be able to receive.
  package static let ipv4MTUMin = 576
  package static let ipv6MTUMin = 1280

  private static let timeToLive: UInt8 = 64
  /// Precedence 6, "internetwork control", in the TOS byte of an ICMP error (RFC 1812, section 4.3.2.5).
  private static let errorTOS: UInt8 = 0xC0
  private static let dontFragment: UInt16 = 0x4000

  /// Who sent a packet that may be answered, and to whom.
  package struct Ends: Equatable, Sendable {
    package let source: IPAddress
    package let destination: IPAddress

    /// Nil when there must be no answer to `frame`, whose packet is `packet`: it is an ICMP error or a later fragment,
    /// or one of its addresses is a group's or nobody's.
    package init?(of frame: borrowing Span<UInt8>, packet: InnerPacket) {
      guard let ethernet = EthernetHeader(parsing: frame), ethernet.source.isValidSource,
        !ethernet.destination.isMulticast, let transport = InnerTransport(of: packet, inFrame: frame),
        !transport.isLaterFragment, !TooBigAnswer.isError(transport, inFrame: frame)
      else { return nil }
      source = packet.source(inFrame: frame)
      destination = packet.destination(inFrame: frame)
      guard source.isAssignable, destination.isAssignable else { return nil }
    }
  }

  /// The answer to `frame`, whose packet is `packet` between `ends`; nil when `overlayMTU` is less than is worth
  /// telling.
  ///
  /// - Parameter overlayMTU: the largest inner IP packet that the path takes.
  package static func frame(
    answering frame: borrowing Span<UInt8>, packet: InnerPacket, ends: Ends, overlayMTU: Int
  ) -> [UInt8]? {
    let mtuMin = packet.family == .ipv4 ? ipv4MTUMin : ipv6MTUMin
    guard overlayMTU >= mtuMin, let ethernet = EthernetHeader(parsing: frame) else { return nil }
    let (source, destination) = (ends.source, ends.destination)
    var answer = ethernet.source.octets + ethernet.destination.octets
    // Tags and EtherType stay as they are.
    append(frame, 12..<packet.offset, to: &answer)
    let quoted = packet.offset..<frame.count
    switch packet.family {
    case .ipv4: appendIPv4(from: destination, to: source, overlayMTU: overlayMTU, frame, quoted, to: &answer)
    case .ipv6: appendIPv6(from: destination, to: source, overlayMTU: overlayMTU, frame, quoted, to: &answer)
    }
    return answer
  }

  /// Nobody answers errors: two hosts could go on for ever. What cannot be read may be one.
  fileprivate static func isError(_ transport: InnerTransport, inFrame frame: borrowing Span<UInt8>) -> Bool {
    switch transport.ipProtocol {
    case Specification.protocolICMP:
      guard frame.count > transport.offset else { return true }
      // Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 1122, section 3.2.2).
      return [3, 4, 5, 11, 12].contains(frame[transport.offset])
    case Specification.protocolICMPv6:
      guard frame.count > transport.offset else { return true }
      // Errors have the highest bit clear; redirect is forbidden by name (RFC 4443, section 2.4 (e)).
      return frame[transport.offset] < 128 || frame[transport.offset] == 137
    default: return false
    }
  }

  private static func appendIPv4(
    from source: IPAddress, to destination: IPAddress, overlayMTU: Int, _ frame: borrowing Span<UInt8>,
    _ quoted: Range<Int>, to answer: inout [UInt8]
  ) {
    let headersByteCount = Specification.ipv4HeaderByteCount + 8
    let quotedByteCount = min(quoted.count, ipv4MTUMin - headersByteCount)
    var header: [UInt8] = [0x45, errorTOS]
    header.appendBigEndian(UInt16(headersByteCount + quotedByteCount))
    header += [0, 0]
    header.appendBigEndian(dontFragment)
    header += [timeToLive, Specification.protocolICMP, 0, 0] + source.octets + destination.octets
    header.setBigEndian16(Checksum.finish(Checksum.sum(header.span)), at: 10)
    var message: [UInt8] = [3, 4, 0, 0, 0, 0]
    message.appendBigEndian(UInt16(clamping: overlayMTU))
    append(frame, quoted.prefix(quotedByteCount), to: &message)
    message.setBigEndian16(Checksum.finish(Checksum.sum(message.span)), at: 2)
    answer += header + message
  }

  private static func appendIPv6(
    from source: IPAddress, to destination: IPAddress, overlayMTU: Int, _ frame: borrowing Span<UInt8>,
    _ quoted: Range<Int>, to answer: inout [UInt8]
  ) {
    let quotedByteCount = min(quoted.count, ipv6MTUMin - Specification.ipv6HeaderByteCount - 8)
    var header: [UInt8] = [0x60, 0, 0, 0]
    header.appendBigEndian(UInt16(8 + quotedByteCount))
    header += [Specification.protocolICMPv6, timeToLive] + source.octets + destination.octets
    var message: [UInt8] = [2, 0, 0, 0, 0, 0]
    message.appendBigEndian(UInt16(clamping: overlayMTU))
    append(frame, quoted.prefix(quotedByteCount), to: &message)
    let pseudo = Checksum.ipv6PseudoHeader(from: source, to: destination, byteCount: message.count)
    message.setBigEndian16(Checksum.finish(Checksum.sum(message.span, initial: pseudo)), at: 2)
    answer += header + message
  }

  private static func append(_ frame: borrowing Span<UInt8>, _ range: Range<Int>, to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + range.count)
    for index in range { bytes.append(frame[index]) }
  }
}

extension [UInt8] {
  fileprivate mutating func appendBigEndian(_ value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  fileprivate mutating func setBigEndian16(_ value: UInt16, at offset: Int) {
    self[offset] = UInt8(truncatingIfNeeded: value >> 8)
    self[offset + 1] = UInt8(truncatingIfNeeded: value)
  }
}
