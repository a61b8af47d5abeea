/// Numbers that the standards fix. Our own bounds stand in each module's Limits.swift.
package enum Specification {
  /// The UDP port of VXLAN. RFC 7348, section 5.
  package static let vxlanUDPPort: UInt16 = 4789
  /// The range for outer source ports. RFC 7348, section 5; RFC 6335, section 6.
  package static let sourcePortRange: ClosedRange<UInt16> = 49152...65535

  /// EtherTypes (IEEE 802 numbers).
  package static let etherTypeIPv4: UInt16 = 0x0800
  package static let etherTypeIPv6: UInt16 = 0x86DD
  /// 802.1Q customer tag and 802.1ad service tag.
  package static let etherTypeCustomerTag: UInt16 = 0x8100
  package static let etherTypeServiceTag: UInt16 = 0x88A8
  /// Bytes that one tag adds.
  package static let vlanTagByteCount = 4

  /// IP protocol numbers.
  package static let protocolTCP: UInt8 = 6
  package static let protocolUDP: UInt8 = 17
  package static let protocolSCTP: UInt8 = 132

  /// Header sizes without options.
  package static let ipv4HeaderByteCount = 20
  package static let ipv6HeaderByteCount = 40
  package static let udpHeaderByteCount = 8
}
