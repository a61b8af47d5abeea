import VXLAN

/// Ethernet, IP and UDP headers in front of the payload of a datagram, for files that have whole packets.
///
/// An agent sees payloads only: MAC addresses are zero, TTL is 64, DF is set, and the UDP checksum is absent.
enum OuterHeaders {
  private static let ttl: UInt8 = 64
  private static let udpByteCount = 8

  /// Headers for a payload of `byteCount` bytes.
  static func bytes(_ outer: CapturedFrame.Outer, byteCount: Int) -> [UInt8] {
    let isIPv6 = outer.source.address.family == .ipv6
    let ethernet = [UInt8](repeating: 0, count: 12) + big16(isIPv6 ? 0x86DD : 0x0800)
    let udpLength = udpByteCount + byteCount
    let udp = big16(Int(outer.source.udpPort)) + big16(Int(outer.destination.udpPort)) + big16(udpLength) + big16(0)
    return ethernet + (isIPv6 ? ipv6(outer, udpLength) : ipv4(outer, udpLength)) + udp
  }

  private static func ipv4(_ outer: CapturedFrame.Outer, _ udpLength: Int) -> [UInt8] {
    var header: [UInt8] = [0x45, outer.trafficClass] + big16(20 + udpLength) + [0, 0, 0x40, 0, ttl, 17, 0, 0]
    header += outer.source.address.octets + outer.destination.address.octets
    var sum = stride(from: 0, to: header.count, by: 2).reduce(0) { $0 + Int(header[$1]) << 8 + Int(header[$1 + 1]) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    header.replaceSubrange(10..<12, with: big16(~sum))
    return header
  }

  private static func ipv6(_ outer: CapturedFrame.Outer, _ udpLength: Int) -> [UInt8] {
    [0x60 | outer.trafficClass >> 4, outer.trafficClass << 4, 0, 0] + big16(udpLength) + [17, ttl]
      + outer.source.address.octets + outer.destination.address.octets
  }

  private static func big16(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }
}
