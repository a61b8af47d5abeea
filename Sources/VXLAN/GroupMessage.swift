/// What a frame says of the membership in multicast groups: a message of IGMP or MLD, or the hello of a router.
///
/// Read strictly: lengths, checksums, and the destinations that the standards give. What does not hold is no message,
/// and its frame is one like others.
/// - SeeAlso: RFC 3376 (IGMPv3), 2236 (v2), 1112 (v1); RFC 3810 (MLDv2), 2710 (v1); RFC 4541 for who looks at them.
package enum GroupMessage: Equatable, Sendable {
  /// Somebody asks who listens.
  case query(Query)
  /// Somebody says so, or says that it does not any more.
  case report(Report)
  /// A multicast router is there (PIM, RFC 7761, section 4.9.2).
  case hello(AddressFamily)

  package struct Query: Equatable, Sendable {
    package var family: AddressFamily
    /// Nil: about all groups.
    package var group: IPAddress?
    /// In which listeners answer, at a moment of their choice.
    package var responseTime: Duration
    /// How long a membership is good for by what the querier says of itself; nil where the version does not.
    package var membershipTime: Duration?
    /// A vtep agent asks: it stands for no router and no switch that wants the groups too.
    package var isOfAgent = false
    /// Others are not to shorten what they know: the S flag.
    package var suppressesTimers = false
  }

  package struct Report: Equatable, Sendable {
    package var family: AddressFamily
    package var records: [Record]
    /// Of a version in which a host that hears it keeps its own report back.
    package var silencesOthers: Bool
  }

  package struct Record: Equatable, Sendable {
    package var group: IPAddress
    package var change: Change
  }

  /// What becomes of the group at the sender. Sources are not told apart: who wants some gets all.
  package enum Change: Equatable, Sendable {
    case joins, leaves
  }

  /// The type of PIM's hello with the version 2 in front.
  private static let pimHello: UInt8 = 0x20
  private static let allPIMRouters = IPAddress(ipv4: 0xE000_000D)
  private static let allPIMRoutersIPv6 = IPAddress(ipv6High: 0xFF02 << 48, low: 0xD)

  /// Whether the frame may carry one: a look at one byte, for frames to groups.
  @inlinable
  package static func isPossible(_ packet: InnerPacket, inFrame frame: borrowing Span<UInt8>) -> Bool {
    switch packet.family {
    case .ipv4:
      let number = frame[packet.offset &+ 9]
      return number == Specification.protocolIGMP || number == Specification.protocolPIM
    case .ipv6:
      let number = frame[packet.offset &+ 6]
      return number == Specification.protocolHopByHop || number == Specification.protocolPIM
    }
  }

  /// Nil for a frame that has none, or one that does not hold.
  package init?(of packet: InnerPacket, inFrame frame: borrowing Span<UInt8>) {
    guard let body = Body(of: packet, inFrame: frame) else { return nil }
    switch (packet.family, body.ipProtocol) {
    case (.ipv4, Specification.protocolIGMP): self.init(igmp: body, inFrame: frame)
    case (.ipv6, Specification.protocolICMPv6): self.init(mld: body, inFrame: frame)
    case (_, Specification.protocolPIM):
      let group = packet.family == .ipv4 ? Self.allPIMRouters : Self.allPIMRoutersIPv6
      guard body.destination == group, body.range.count >= 4, frame[body.range.lowerBound] == Self.pimHello,
        Self.hasRightPIMChecksum(body, inFrame: frame)
      else { return nil }
      self = .hello(packet.family)
    default: return nil
    }
  }

  /// RFC 7761, section 4.9: over the whole message, with the pseudo-header of IPv6.
  private static func hasRightPIMChecksum(_ body: Body, inFrame frame: borrowing Span<UInt8>) -> Bool {
    guard body.source.family == .ipv6 else { return Checksum.isRight(frame.extracting(body.range)) }
    let pseudo = Checksum.ipv6PseudoHeader(
      from: body.source, to: body.destination, byteCount: body.range.count, ipProtocol: Specification.protocolPIM)
    return Checksum.isRight(frame.extracting(body.range), initial: pseudo)
  }

  /// Where the message lies in the frame, and between whom it goes.
  struct Body {
    let source: IPAddress
    let destination: IPAddress
    let ipProtocol: UInt8
    let range: Range<Int>
    /// The offset of the IP header.
    let packetOffset: Int

    /// Nil when the packet is cut, a fragment, or longer than the frame.
    init?(of packet: InnerPacket, inFrame frame: borrowing Span<UInt8>) {
      guard let transport = InnerTransport(of: packet, inFrame: frame), !transport.isLaterFragment else { return nil }
      let start = packet.offset
      let end: Int
      switch packet.family {
      case .ipv4:
        // Neither more fragments nor an offset.
        guard frame.bigEndian16(at: start + 6) & 0x3FFF == 0 else { return nil }
        guard Checksum.isRight(frame.extracting(start..<transport.offset)) else { return nil }
        end = start + Int(frame.bigEndian16(at: start + 2))
      case .ipv6:
        end = start + Specification.ipv6HeaderByteCount + Int(frame.bigEndian16(at: start + 4))
      }
      guard transport.offset < end, end <= frame.count else { return nil }
      source = packet.source(inFrame: frame)
      destination = packet.destination(inFrame: frame)
      range = transport.offset..<end
      ipProtocol = transport.ipProtocol
      packetOffset = start
    }
  }
}
