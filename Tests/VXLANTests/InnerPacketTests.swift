import Testing
import TestKit
import VXLAN

@Suite("InnerPacket")
struct InnerPacketTests {
  private static let ipv4 = Frames.ipv4(
    from: IPAddress(ipv4: 0x0A00_0001), to: IPAddress(ipv4: 0x0A00_0002), trafficClass: 0xB9,
    payload: [UInt8](repeating: 0xA5, count: 8))
  private static let ipv6 = Frames.ipv6(
    from: IPAddress(ipv6High: 1, low: 2), to: IPAddress(ipv6High: 3, low: 4), trafficClass: 0xB9,
    payload: [UInt8](repeating: 0xA5, count: 8))

  /// A frame with `tagCount` tags, outer ones of a service, the last of a customer.
  private func frame(_ family: AddressFamily, tagCount: Int, packet: [UInt8]? = nil) -> [UInt8] {
    var bytes = MACAddress.station(1).octets + MACAddress.station(2).octets
    for tag in 0..<tagCount { bytes += (tag == tagCount - 1 ? [0x81, 0x00] : [0x88, 0xA8]) + [0x20, UInt8(tag)] }
    bytes += family == .ipv4 ? [0x08, 0x00] : [0x86, 0xDD]
    return bytes + (packet ?? (family == .ipv4 ? Self.ipv4 : Self.ipv6))
  }

  @Test("the packet is found behind none to three tags, and not behind four", arguments: AddressFamily.allCases, 0...4)
  func tags(family: AddressFamily, tagCount: Int) throws {
    let bytes = frame(family, tagCount: tagCount)
    let packet = InnerPacket(inFrame: bytes)
    guard tagCount < 4 else {
      #expect(packet == nil)
      return
    }
    let found = try #require(packet)
    #expect(found.family == family && found.offset == 14 + 4 * tagCount && found.trafficClass == 0xB9)
  }

  @Test("a frame that ends before its IP header does has none", arguments: AddressFamily.allCases, 0...4)
  func truncated(family: AddressFamily, tagCount: Int) {
    let bytes = frame(family, tagCount: tagCount)
    let needed = 14 + 4 * tagCount + (family == .ipv4 ? 20 : 40)
    for count in 0...bytes.count {
      let packet = InnerPacket(inFrame: Array(bytes.prefix(count)))
      #expect((packet != nil) == (count >= needed && tagCount < 4), "\(count) bytes")
    }
  }

  @Test("another version in the header, or another EtherType, is no packet of ours")
  func otherPackets() {
    for version: UInt8 in 0..<16 {
      for family in AddressFamily.allCases {
        var bytes = frame(family, tagCount: 0)
        bytes[14] = version << 4 | bytes[14] & 0x0F
        #expect((InnerPacket(inFrame: bytes) != nil) == (version == (family == .ipv4 ? 4 : 6)))
      }
    }
    var arp = frame(.ipv4, tagCount: 0)
    arp.replaceSubrange(12..<14, with: [0x08, 0x06])
    #expect(InnerPacket(inFrame: arp) == nil)
  }

  @Test("all 16 changes of ECN keep the IPv4 checksum right and touch nothing else", arguments: [0, 1, 3])
  func setECNInIPv4(tagCount: Int) throws {
    for dscp: UInt8 in [0, 1, 0x2E, 63] {
      for (old, new) in ECN.allCases.flatMap({ old in ECN.allCases.map { (old, $0) } }) {
        let packet = Frames.ipv4(
          from: IPAddress(ipv4: 0x0A00_0001), to: IPAddress(ipv4: 0xFFFF_FFFF), trafficClass: dscp << 2 | old.rawValue,
          payload: [UInt8](repeating: 0xA5, count: 9))
        var bytes = frame(.ipv4, tagCount: tagCount, packet: packet)
        let before = bytes
        let inner = try #require(InnerPacket(inFrame: bytes))
        inner.setECN(new, inFrame: &bytes)
        let header = Array(bytes[inner.offset..<inner.offset + 20])
        #expect(Checksum.finish(Checksum.sum(header)) == 0, "\(old) to \(new)")
        #expect(bytes[inner.offset + 1] == dscp << 2 | new.rawValue)
        let changed = bytes.indices.filter { bytes[$0] != before[$0] }.map { $0 - inner.offset }
        #expect(Set(changed).isSubset(of: [1, 10, 11]) && (old == new) == changed.isEmpty)
      }
    }
  }

  @Test("a checksum that was wrong stays wrong by as much: the receiver is to see it")
  func wrongChecksum() throws {
    var bytes = frame(.ipv4, tagCount: 0)
    bytes[14 + 11] ^= 0x01
    let wrong = Checksum.finish(Checksum.sum(Array(bytes[14..<34])))
    let inner = try #require(InnerPacket(inFrame: bytes))
    inner.setECN(.ce, inFrame: &bytes)
    #expect(wrong != 0 && Checksum.finish(Checksum.sum(Array(bytes[14..<34]))) == wrong)
  }

  @Test("in IPv6 exactly the two bits change: the version, the DSCP and the flow label stay")
  func setECNInIPv6() throws {
    for trafficClass: UInt8 in 0...255 {
      for flowLabelTop: UInt8 in [0x0, 0xF, 0x5] {
        for new in ECN.allCases {
          var bytes = frame(.ipv6, tagCount: 1)
          bytes[18] = 0x60 | trafficClass >> 4
          bytes[19] = trafficClass << 4 | flowLabelTop
          var expected = bytes
          expected[19] = (trafficClass & 0xFC | new.rawValue) << 4 | flowLabelTop
          let inner = try #require(InnerPacket(inFrame: bytes))
          let isRead = inner.trafficClass == trafficClass
          inner.setECN(new, inFrame: &bytes)
          if !isRead || bytes != expected { Issue.record("traffic class \(trafficClass) to \(new)") }
        }
      }
    }
  }
}
