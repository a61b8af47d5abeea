import VXLAN

/// Frames and datagrams for tests, built byte by byte from what a test names.
package enum Frames {
  /// An Ethernet frame.
  package static func ethernet(
    to destination: MACAddress, from source: MACAddress, etherType: UInt16 = 0x88B5, payload: [UInt8] = []
  ) -> [UInt8] {
    destination.octets + source.octets + bigEndian(etherType) + payload
  }

  /// An Ethernet frame with an 802.1Q tag.
  package static func tagged(
    to destination: MACAddress, from source: MACAddress, vlan: UInt16, etherType: UInt16 = 0x88B5,
    payload: [UInt8] = []
  ) -> [UInt8] {
    ethernet(
      to: destination, from: source, etherType: Specification.etherTypeCustomerTag,
      payload: bigEndian(vlan) + bigEndian(etherType) + payload)
  }

  /// An IPv4 packet without options, its header checksum right.
  package static func ipv4(
    from source: IPAddress, to destination: IPAddress, ipProtocol: UInt8 = 17, trafficClass: UInt8 = 0,
    flagsAndOffset: UInt16 = 0x4000, payload: [UInt8]
  ) -> [UInt8] {
    var header: [UInt8] = [0x45, trafficClass] + bigEndian(UInt16(20 + payload.count)) + [0, 1]
    header += bigEndian(flagsAndOffset) + [64, ipProtocol, 0, 0] + source.octets + destination.octets
    let checksum = Checksum.finish(Checksum.sum(header.span))
    header[10] = UInt8(checksum >> 8)
    header[11] = UInt8(checksum & 0xFF)
    return header + payload
  }

  /// An IPv6 packet without extension headers.
  package static func ipv6(
    from source: IPAddress, to destination: IPAddress, nextHeader: UInt8 = 17, trafficClass: UInt8 = 0,
    payload: [UInt8]
  ) -> [UInt8] {
    [0x60 | trafficClass >> 4, trafficClass << 4, 0, 0] + bigEndian(UInt16(payload.count)) + [nextHeader, 64]
      + source.octets + destination.octets + payload
  }

  /// A UDP datagram without a checksum.
  package static func udp(from source: UInt16, to destination: UInt16, payload: [UInt8] = []) -> [UInt8] {
    bigEndian(source) + bigEndian(destination) + bigEndian(UInt16(8 + payload.count)) + [0, 0] + payload
  }

  /// The payload of a VXLAN datagram: header and inner frame.
  package static func vxlan(
    vni: UInt32, flags: UInt8 = 0x08, reserved: [UInt8] = [0, 0, 0], lastByte: UInt8 = 0, _ frame: [UInt8]
  ) -> [UInt8] {
    [flags] + reserved + Array(bigEndian32(vni << 8 | UInt32(lastByte))) + frame
  }

  private static func bigEndian(_ value: UInt16) -> [UInt8] {
    [UInt8(value >> 8), UInt8(value & 0xFF)]
  }

  private static func bigEndian32(_ value: UInt32) -> [UInt8] {
    bigEndian(UInt16(value >> 16)) + bigEndian(UInt16(value & 0xFFFF))
  }
}

extension MACAddress {
  /// 02:00:00:00:00:NN: a station of a test.
  package static func station(_ number: Int) -> MACAddress {
    MACAddress(rawValue: 0x0200_0000_0000 | UInt64(number))
  }
}
