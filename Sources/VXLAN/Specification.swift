/// Numbers that the standards fix. Our own bounds stand in each module's Limits.swift.
package enum Specification {
  /// The UDP port of VXLAN. RFC 7348, section 5.
  @inlinable package static var vxlanUDPPort: UInt16 { 4789 }
  /// The range for outer source ports. RFC 7348, section 5; RFC 6335, section 6.
  package static let sourcePortRange: ClosedRange<UInt16> = 49152...65535

  /// EtherTypes (IEEE 802 numbers).
  @inlinable package static var etherTypeIPv4: UInt16 { 0x0800 }
  @inlinable package static var etherTypeARP: UInt16 { 0x0806 }
  @inlinable package static var etherTypeIPv6: UInt16 { 0x86DD }
  /// 802.1Q customer tag and 802.1ad service tag.
  @inlinable package static var etherTypeCustomerTag: UInt16 { 0x8100 }
  @inlinable package static var etherTypeServiceTag: UInt16 { 0x88A8 }
  /// Bytes that one tag adds.
  @inlinable package static var vlanTagByteCount: Int { 4 }

  /// IP protocol numbers.
  @inlinable package static var protocolTCP: UInt8 { 6 }
  @inlinable package static var protocolUDP: UInt8 { 17 }
  @inlinable package static var protocolSCTP: UInt8 { 132 }
  @inlinable package static var protocolICMP: UInt8 { 1 }
  @inlinable package static var protocolIGMP: UInt8 { 2 }
  @inlinable package static var protocolPIM: UInt8 { 103 }
  @inlinable package static var protocolICMPv6: UInt8 { 58 }
  /// IPv6 extension headers (RFC 8200, section 4.1; RFC 4302), and what says that nothing follows.
  @inlinable package static var protocolHopByHop: UInt8 { 0 }
  @inlinable package static var protocolRouting: UInt8 { 43 }
  @inlinable package static var protocolFragment: UInt8 { 44 }
  @inlinable package static var protocolAuthentication: UInt8 { 51 }
  @inlinable package static var protocolNone: UInt8 { 59 }
  @inlinable package static var protocolDestinationOptions: UInt8 { 60 }

  /// The type of a query: RFC 3376, section 4.1; RFC 3810, section 5.1.
  @inlinable package static var igmpQuery: UInt8 { 0x11 }
  @inlinable package static var mldQuery: UInt8 { 130 }

  /// Header sizes without options.
  @inlinable package static var ipv4HeaderByteCount: Int { 20 }
  @inlinable package static var ipv6HeaderByteCount: Int { 40 }
  @inlinable package static var udpHeaderByteCount: Int { 8 }

  /// Whether another header of IPv6 follows one with this number.
  @inlinable
  package static func isIPv6Extension(_ number: UInt8) -> Bool {
    switch number {
    case protocolHopByHop, protocolRouting, protocolFragment, protocolAuthentication, protocolDestinationOptions: true
    default: false
    }
  }
}
