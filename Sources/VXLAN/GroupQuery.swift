/// A query that the agent makes where nobody else asks who listens: IGMPv3 or MLDv2, which older listeners read too.
///
/// It comes from no address, so that no switch takes its sender for a router to which all groups must go (RFC 4541,
/// section 2.1.1): 0.0.0.0 in IGMP. MLD wants a link-local address.
///
/// Other agents must tell it from the query of a switch, which asks from 0.0.0.0 too and gets all groups: it has the
/// identification 0x7674 in IGMP, where nothing else needs one (RFC 6864, section 4.1), and the source
/// fe80::7674:6570:… in MLD, the end of it from the MAC address that it comes from.
package struct GroupQuery: Equatable, Sendable {
  /// The robustness and the interval of the standards, in seconds, which it states (RFC 3376, section 8).
  package static let robustness = 2
  package static let interval = 125

  private static let linkLocal: UInt64 = 0xFE80 << 48
  private static let sourceMark: UInt64 = 0x7674_6570
  private static let identificationMark: UInt16 = 0x7674

  package var family: AddressFamily
  /// Nil: about all groups.
  package var group: IPAddress?
  /// In which listeners answer; at most 12.7 s.
  package var responseTime: Duration

  package init(family: AddressFamily, group: IPAddress? = nil, responseTime: Duration) {
    self.family = family
    self.group = group
    self.responseTime = responseTime
  }

  /// Whether an IPv4 header is that of an agent's query.
  static func isMarked(source: IPAddress, identification: UInt16) -> Bool {
    source.isUnspecified && identification == identificationMark
  }

  /// Whether an IPv6 source is that of an agent's query.
  static func isMarked(source: IPAddress) -> Bool { source.high == linkLocal && source.low >> 32 == sourceMark }

  /// The frame, from `mac`.
  package func frame(from mac: MACAddress) -> [UInt8] {
    let (source, destination) = ends(mac)
    let packet = family == .ipv4 ? igmp(to: destination) : mld(from: source, to: destination)
    let etherType = family == .ipv4 ? Specification.etherTypeIPv4 : Specification.etherTypeIPv6
    return destination.multicastMAC.octets + mac.octets + Self.bigEndian(etherType) + packet
  }

  private func ends(_ mac: MACAddress) -> (source: IPAddress, destination: IPAddress) {
    switch family {
    case .ipv4: (IPAddress(ipv4: 0), group ?? IPAddress(ipv4: 0xE000_0001))
    case .ipv6:
      (
        IPAddress(ipv6High: Self.linkLocal, low: Self.sourceMark << 32 | mac.rawValue & 0xFFFF_FFFF),
        group ?? IPAddress(ipv6High: 0xFF02 << 48, low: 1)
      )
    }
  }

  private var milliseconds: Int { Int(clamping: min(responseTime.nanosecondCount / 1_000_000, 12_700)) }

  private func igmp(to destination: IPAddress) -> [UInt8] {
    var message: [UInt8] = [0x11, UInt8(clamping: max(1, milliseconds / 100)), 0, 0]
    message += group?.octets ?? [0, 0, 0, 0]
    message += [UInt8(Self.robustness), UInt8(Self.interval), 0, 0]
    Self.setChecksum(&message, at: 2)
    // With the option router alert (RFC 2113); precedence as RFC 3376, section 4, says.
    var header: [UInt8] = [0x46, 0xC0] + Self.bigEndian(UInt16(24 + message.count))
    header += Self.bigEndian(Self.identificationMark) + [0x40, 0, 1]
    header += [Specification.protocolIGMP, 0, 0, 0, 0, 0, 0] + destination.octets + [0x94, 4, 0, 0]
    Self.setChecksum(&header, at: 10)
    return header + message
  }

  private func mld(from source: IPAddress, to destination: IPAddress) -> [UInt8] {
    var message: [UInt8] = [130, 0, 0, 0] + Self.bigEndian(UInt16(milliseconds)) + [0, 0]
    message += group?.octets ?? [UInt8](repeating: 0, count: 16)
    message += [UInt8(Self.robustness), UInt8(Self.interval), 0, 0]
    Self.setChecksum(
      &message, at: 2,
      initial: Checksum.ipv6PseudoHeader(from: source, to: destination, byteCount: message.count))
    let alert: [UInt8] = [Specification.protocolICMPv6, 0, 5, 2, 0, 0, 1, 0]
    let header: [UInt8] =
      [0x60, 0, 0, 0] + Self.bigEndian(UInt16(alert.count + message.count)) + [Specification.protocolHopByHop, 1]
    return header + source.octets + destination.octets + alert + message
  }

  private static func setChecksum(_ bytes: inout [UInt8], at offset: Int, initial: UInt64 = 0) {
    let checksum = Checksum.finish(Checksum.sum(bytes.span, initial: initial))
    bytes.replaceSubrange(offset..<(offset + 2), with: bigEndian(checksum))
  }

  private static func bigEndian(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}

extension IPAddress {
  /// The MAC address of a group: RFC 1112, section 6.4; RFC 2464, section 7.
  @inlinable
  package var multicastMAC: MACAddress {
    MACAddress(
      rawValue: family == .ipv4 ? 0x0100_5E00_0000 | low & 0x7F_FFFF : 0x3333_0000_0000 | low & 0xFFFF_FFFF)
  }

  /// Whether frames to the group may be kept from peers without a listener: not within one link, where everybody is
  /// meant (RFC 4541, sections 2.1.2 and 3).
  @inlinable
  package var isSnooped: Bool {
    switch family {
    case .ipv4: low >> 28 == 0xE && low >> 8 != 0xE0_0000
    case .ipv6: high >> 56 == 0xFF && high >> 48 != 0xFF02 && high >> 48 & 0xF >= 2
    }
  }
}
