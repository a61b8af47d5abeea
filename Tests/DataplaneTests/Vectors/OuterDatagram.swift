import VXLAN

/// A captured packet taken apart down to the UDP payload: a parser for tests, written for whole Ethernet frames without
/// tags, IPv4 options or IPv6 extension headers, as the captures have them.
struct OuterDatagram {
  /// Why a packet is none that the captures should have.
  struct Unexpected: Error, CustomStringConvertible {
    let description: String
  }

  let source: IPAddress
  let destination: IPAddress
  let sourcePort: UInt16
  let destinationPort: UInt16
  let trafficClass: UInt8
  /// IPv4's Don't Fragment; nil for IPv6, which has no other way.
  let doesNotFragment: Bool?
  /// IPv4's total length without the header, or IPv6's payload length, as stated: 0 in jumbo packets.
  let ipPayloadByteCount: Int
  /// As stated in the UDP header: 0 in jumbo packets.
  let udpByteCount: Int
  let udpChecksum: UInt16
  let payload: [UInt8]
  /// The whole Ethernet frame.
  let packet: [UInt8]

  init(parsing packet: [UInt8]) throws {
    func number(at offset: Int) -> UInt16 { UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1]) }
    func wide(at offset: Int) -> UInt64 { (0..<8).reduce(0) { $0 << 8 | UInt64(packet[offset + $1]) } }
    guard packet.count >= 14 + 40 + 8 else { throw Unexpected(description: "\(packet.count) bytes are no packet") }
    let udp: Int
    switch (number(at: 12), packet[14] >> 4) {
    case (0x0800, 4):
      udp = 14 + Int(packet[14] & 15) * 4
      source = IPAddress(ipv4: UInt32(truncatingIfNeeded: wide(at: 26) >> 32))
      destination = IPAddress(ipv4: UInt32(truncatingIfNeeded: wide(at: 30) >> 32))
      trafficClass = packet[15]
      doesNotFragment = packet[20] & 0x40 != 0
      ipPayloadByteCount = max(0, Int(number(at: 16)) - (udp - 14))
    case (0x86DD, 6):
      udp = 14 + 40
      source = IPAddress(ipv6High: wide(at: 22), low: wide(at: 30))
      destination = IPAddress(ipv6High: wide(at: 38), low: wide(at: 46))
      trafficClass = packet[14] << 4 | packet[15] >> 4
      doesNotFragment = nil
      ipPayloadByteCount = Int(number(at: 18))
    case (let etherType, _):
      throw Unexpected(description: "EtherType \(etherType) is neither IPv4 nor IPv6")
    }
    sourcePort = number(at: udp)
    destinationPort = number(at: udp + 2)
    udpByteCount = Int(number(at: udp + 4))
    udpChecksum = number(at: udp + 6)
    // A jumbo packet states no length: then the payload is all that follows.
    payload = Array(packet[(udp + 8)..<(udpByteCount == 0 ? packet.count : udp + udpByteCount)])
    self.packet = packet
  }

  var vni: UInt32 { payload[4..<7].reduce(0) { $0 << 8 | UInt32($1) } }
  var innerFrame: [UInt8] { Array(payload.dropFirst(8)) }
}
