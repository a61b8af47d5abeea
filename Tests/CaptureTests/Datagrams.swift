import TestKit
import VXLAN

/// Captured packets for tests, built from what a test names.
enum Datagrams {
  static let here = IPAddress(ipv4: 0xC000_0201)
  static let there = IPAddress(ipv4: 0xC000_0202)
  static let here6 = IPAddress(ipv6High: 0x2001_0db8 << 32, low: 1)
  static let there6 = IPAddress(ipv6High: 0x2001_0db8 << 32, low: 2)
  /// An ARP request of 10.99.0.1.
  static let frame = NeighborFrames.arp(
    from: .station(5), IPAddress(ipv4: 0x0A63_0001), for: IPAddress(ipv4: 0x0A63_0003))

  static func ip(_ payload: [UInt8], to port: UInt16 = 4789, flagsAndOffset: UInt16 = 0x4000) -> [UInt8] {
    Frames.ipv4(
      from: here, to: there, flagsAndOffset: flagsAndOffset,
      payload: Frames.udp(from: 54321, to: port, payload: payload))
  }

  static func ip6(_ payload: [UInt8], to port: UInt16 = 4789) -> [UInt8] {
    Frames.ipv6(from: here6, to: there6, payload: Frames.udp(from: 54321, to: port, payload: payload))
  }

  static func ethernet(_ packet: [UInt8], vlan: UInt16? = nil) -> [UInt8] {
    let type: UInt16 = packet[0] >> 4 == 6 ? 0x86DD : 0x0800
    guard let vlan else {
      return Frames.ethernet(to: .station(2), from: .station(1), etherType: type, payload: packet)
    }
    return Frames.tagged(to: .station(2), from: .station(1), vlan: vlan, etherType: type, payload: packet)
  }

  /// A plain datagram of segment 42 with `frame`.
  static func plain(_ frame: [UInt8] = frame, vni: UInt32 = 42, vlan: UInt16? = nil) -> [UInt8] {
    ethernet(ip(Frames.vxlan(vni: vni, frame)), vlan: vlan)
  }
}
