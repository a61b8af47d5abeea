/// A neighbour solicitation or advertisement of IPv6, with the frame that carries it: no tag, no extension headers.
///
///     Ethernet, 14 bytes; IPv6, 40 bytes, hop limit 255; then
///     byte 0        135 solicitation, 136 advertisement      byte 1        code, 0
///     bytes 2...3   checksum with the pseudo-header           bytes 4...7   R, S, O in the highest bits; reserved
///     bytes 8...23  target                                    from 24       options of 8 bytes and multiples
///
/// - SeeAlso: RFC 4861, sections 4.3, 4.4, 4.6.1 and 7.1.
package struct NeighborDiscoveryMessage: Equatable, Sendable {
  package enum Kind: UInt8, Sendable {
    case solicitation = 135
    case advertisement = 136
  }

  /// Where the ICMPv6 message begins in the frame.
  private static let start = EthernetHeader.byteCount + Specification.ipv6HeaderByteCount
  private static let leastByteCount = 24
  private static let optionByteCount = 8
  /// Of the frame of a message with one link-layer address.
  package static let frameByteCount = start + leastByteCount + optionByteCount
  private static let hopLimit: UInt8 = 255

  package var kind: Kind
  package var source: IPAddress
  package var destination: IPAddress
  package var target: IPAddress
  /// That of the source in a solicitation, of the target in an advertisement; nil: the message does not say.
  package var linkLayerAddress: MACAddress?
  /// Of an advertisement: the target is a router.
  package var isRouter = false
  /// Of an advertisement: it answers a solicitation.
  package var isSolicited = false
  /// Of an advertisement: it replaces what was known.
  package var overrides = false
  /// It has options of SEND (RFC 3971), which nobody but its sender can make.
  package var isSecured = false

  package init(
    _ kind: Kind, from source: IPAddress, to destination: IPAddress, target: IPAddress, linkLayerAddress: MACAddress?
  ) {
    self.kind = kind
    self.source = source
    self.destination = destination
    self.target = target
    self.linkLayerAddress = linkLayerAddress
  }

  /// The group that hears solicitations for an address. RFC 4291, section 2.7.1.
  package static func solicitedNodeGroup(of target: IPAddress) -> IPAddress {
    IPAddress(ipv6High: 0xFF02 << 48, low: 0x0000_0001_FF00_0000 | target.low & 0xFF_FFFF)
  }

  // HOT
  /// Whether a frame with this EtherType may carry one. False is certain.
  @inlinable @inline(__always)
  package static func mayBe(in frame: borrowing Span<UInt8>, etherType: UInt16) -> Bool {
    guard etherType == Specification.etherTypeIPv6, frame.count >= 78 else { return false }
    return frame[20] == Specification.protocolICMPv6 && (frame[54] == 135 || frame[54] == 136)
  }

  /// Reads the message in `frame`. Nil when it is none, or not a valid one: a receiver would not heed it either.
  package init?(inFrame frame: borrowing Span<UInt8>) {
    let ip = EthernetHeader.byteCount
    guard frame.count >= Self.start + Self.leastByteCount, frame.bigEndian16(at: 12) == Specification.etherTypeIPv6,
      frame[ip] >> 4 == 6, frame[ip + 6] == Specification.protocolICMPv6, frame[ip + 7] == Self.hopLimit,
      let kind = Kind(rawValue: frame[Self.start]), frame[Self.start + 1] == 0
    else { return nil }
    let byteCount = Int(frame.bigEndian16(at: ip + 4))
    // What stands behind the message is padding.
    guard byteCount >= Self.leastByteCount, Self.start + byteCount <= frame.count,
      Self.checksum(of: frame.extracting(Self.start..<Self.start + byteCount), in: frame) == 0
    else { return nil }
    self.init(
      kind, from: IPAddress(ipv6At: ip + 8, in: frame), to: IPAddress(ipv6At: ip + 24, in: frame),
      target: IPAddress(ipv6At: Self.start + 8, in: frame), linkLayerAddress: nil)
    if kind == .advertisement {
      let flags = frame[Self.start + 4]
      (isRouter, isSolicited, overrides) = (flags & 0x80 != 0, flags & 0x40 != 0, flags & 0x20 != 0)
    }
    guard readOptions(frame, Self.start + Self.leastByteCount..<Self.start + byteCount), isValid else { return nil }
  }

  /// False when an option is cut short or contradicts another.
  private mutating func readOptions(_ frame: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
    let own: UInt8 = kind == .solicitation ? 1 : 2
    var offset = range.lowerBound
    while offset < range.upperBound {
      guard range.upperBound - offset >= Self.optionByteCount else { return false }
      let byteCount = Int(frame[offset + 1]) * Self.optionByteCount
      guard byteCount > 0, byteCount <= range.upperBound - offset else { return false }
      switch frame[offset] {
      case own:
        let address = frame.macAddress(at: offset + 2)
        guard byteCount == Self.optionByteCount, linkLayerAddress == nil || linkLayerAddress == address else {
          return false
        }
        linkLayerAddress = address
      // CGA, RSA signature, timestamp, nonce: RFC 3971, section 5.
      case 11...14: isSecured = true
      default: break
      }
      offset += byteCount
    }
    return true
  }

  /// RFC 4861, sections 7.1.1 and 7.1.2.
  private var isValid: Bool {
    if target.isMulticast { return false }
    switch kind {
    case .solicitation:
      guard source.isUnspecified else { return true }
      return linkLayerAddress == nil && destination == Self.solicitedNodeGroup(of: target)
    case .advertisement: return !(destination.isMulticast && isSolicited)
    }
  }

  /// Writes the message in a frame between two stations. Its link-layer address must be there.
  /// - Parameter frame: at least `frameByteCount` bytes.
  package func write(to receiver: MACAddress, from sender: MACAddress, in frame: inout MutableSpan<UInt8>) {
    let ip = EthernetHeader.byteCount
    let byteCount = Self.leastByteCount + Self.optionByteCount
    frame.setEthernetHeader(to: receiver, from: sender, etherType: Specification.etherTypeIPv6)
    frame.setBigEndian32(0x6000_0000, at: ip)
    frame.setBigEndian16(UInt16(byteCount), at: ip + 4)
    frame[ip + 6] = Specification.protocolICMPv6
    frame[ip + 7] = Self.hopLimit
    frame.setIPv6Address(source, at: ip + 8)
    frame.setIPv6Address(destination, at: ip + 24)
    frame.setBigEndian32(UInt32(kind.rawValue) << 24, at: Self.start)
    let flags: UInt32 = (isRouter ? 0x80 : 0) | (isSolicited ? 0x40 : 0) | (overrides ? 0x20 : 0)
    frame.setBigEndian32(flags << 24, at: Self.start + 4)
    frame.setIPv6Address(target, at: Self.start + 8)
    frame[Self.start + Self.leastByteCount] = kind == .solicitation ? 1 : 2
    frame[Self.start + Self.leastByteCount + 1] = 1
    frame.setMACAddress(linkLayerAddress ?? sender, at: Self.start + Self.leastByteCount + 2)
    let checksum = Self.checksum(byteCount: byteCount, in: frame)
    frame.setBigEndian16(checksum, at: Self.start + 2)
  }

  private static func checksum(byteCount: Int, in frame: borrowing MutableSpan<UInt8>) -> UInt16 {
    let whole = frame.span
    return checksum(of: whole.extracting(start..<start + byteCount), in: whole)
  }

  /// The checksum of a message between the addresses of `frame`: 0 when the one in it is right.
  private static func checksum(of message: borrowing Span<UInt8>, in frame: borrowing Span<UInt8>) -> UInt16 {
    let ip = EthernetHeader.byteCount
    let pseudo = Checksum.ipv6PseudoHeader(
      from: IPAddress(ipv6At: ip + 8, in: frame), to: IPAddress(ipv6At: ip + 24, in: frame), byteCount: message.count)
    return Checksum.finish(Checksum.sum(message, initial: pseudo))
  }
}
