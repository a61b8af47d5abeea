import TestKit
import Testing
import VXLAN

@Suite("MSSClamp")
struct MSSClampTests {
  private static let four = (IPAddress(ipv4: 0x0A00_0001), IPAddress(ipv4: 0x0A00_0002))
  private static let six = (IPAddress(ipv6High: 0xFD42 << 48, low: 1), IPAddress(ipv6High: 0xFD42 << 48, low: 2))

  private func mss(_ value: UInt16) -> [UInt8] { [2, 4, UInt8(value >> 8), UInt8(value & 0xFF)] }

  /// A TCP segment with a right checksum.
  private func segment(
    _ family: AddressFamily, flags: UInt8 = 0x02, options: [UInt8], payload: [UInt8] = []
  ) -> [UInt8] {
    let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
    var bytes: [UInt8] = [0x9C, 0x40, 0x14, 0x51, 1, 2, 3, 4, 5, 6, 7, 8]
    bytes += [UInt8((20 + padded.count) / 4) << 4, flags, 0xFA, 0xF0, 0, 0, 0, 0] + padded + payload
    let checksum = Checksum.finish(transportSum(bytes, family))
    bytes[16] = UInt8(checksum >> 8)
    bytes[17] = UInt8(checksum & 0xFF)
    return bytes
  }

  /// Over the segment and its pseudo-header.
  private func transportSum(_ bytes: [UInt8], _ family: AddressFamily) -> UInt64 {
    let ends = family == .ipv4 ? Self.four : Self.six
    return Checksum.sum(ends.0.octets + ends.1.octets + bytes, initial: UInt64(bytes.count) + 6)
  }

  private func frame(_ family: AddressFamily, _ segment: [UInt8], tagCount: Int = 0) -> [UInt8] {
    var bytes = MACAddress.station(1).octets + MACAddress.station(2).octets
    for _ in 0..<tagCount { bytes += [0x81, 0, 0, 5] }
    switch family {
    case .ipv4: bytes += [8, 0] + Frames.ipv4(from: Self.four.0, to: Self.four.1, ipProtocol: 6, payload: segment)
    case .ipv6: bytes += [0x86, 0xDD] + Frames.ipv6(from: Self.six.0, to: Self.six.1, nextHeader: 6, payload: segment)
    }
    return bytes
  }

  private func lowered(_ frame: [UInt8], mtu: Int, isPartial: Bool = false) throws -> (isLowered: Bool, frame: [UInt8])
  {
    var bytes = frame
    let packet = try #require(InnerPacket(inFrame: frame))
    var span = bytes.mutableSpan
    let isLowered = MSSClamp.lower(in: &span, packet: packet, overlayMTU: mtu, isChecksumPartial: isPartial)
    return (isLowered, bytes)
  }

  @Test(
    "in a SYN and a SYN-ACK the option becomes the MTU less 40 or 60, wherever it stands, and the checksum stays right",
    arguments: AddressFamily.allCases, [0x02, 0x12] as [UInt8])
  func lowers(family: AddressFamily, flags: UInt8) throws {
    for tagCount in 0...2 {
      for before: [UInt8] in [[], [1], [1, 1], [1, 1, 1], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8], [3, 3, 7]] {
        let segment = segment(family, flags: flags, options: before + mss(1460) + [4, 2])
        let (isLowered, after) = try lowered(frame(family, segment, tagCount: tagCount), mtu: 1400)
        let value: UInt16 = family == .ipv4 ? 1360 : 1340
        #expect(isLowered)
        let tcp = 14 + 4 * tagCount + (family == .ipv4 ? 20 : 40)
        #expect(after.bigEndian16(at: tcp + 20 + before.count + 2) == value)
        #expect(Checksum.finish(transportSum(Array(after[tcp...]), family)) == 0, "behind \(before)")
      }
    }
  }

  @Test("it is never raised, and equal stays as it is", arguments: AddressFamily.allCases)
  func neverRaises(family: AddressFamily) throws {
    for value: UInt16 in [0, 1, 536, 1300, 1339, 1340] {
      let frame = frame(family, segment(family, options: mss(value)))
      #expect(try lowered(frame, mtu: 1400) == (false, frame))
    }
  }

  @Test("other segments are not touched: no SYN, RST, or no option", arguments: AddressFamily.allCases)
  func others(family: AddressFamily) throws {
    for flags: UInt8 in [0x00, 0x10, 0x18, 0x11, 0x04, 0x06, 0x16] {
      let frame = frame(family, segment(family, flags: flags, options: mss(1460)))
      #expect(try lowered(frame, mtu: 1400) == (false, frame), "flags \(flags)")
    }
    let without = frame(family, segment(family, options: [1, 3, 3, 7, 4, 2, 0, 0]))
    #expect(try lowered(without, mtu: 1400) == (false, without))
    let udp = frame(family, segment(family, options: mss(1460))).replacingProtocol(family)
    #expect(try lowered(udp, mtu: 1400) == (false, udp))
  }

  @Test("behind IPv6 extension headers and IPv4 options it is found")
  func behindHeaders() throws {
    let segment6 = segment(.ipv6, options: mss(1460))
    let extensions: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0] + [6, 0, 1, 4, 0, 0, 0, 0]
    let six =
      MACAddress.station(1).octets + MACAddress.station(2).octets + [0x86, 0xDD]
      + Frames.ipv6(from: Self.six.0, to: Self.six.1, nextHeader: 0, payload: extensions + segment6)
    let after6 = try lowered(six, mtu: 1400).frame
    #expect(after6.bigEndian16(at: 14 + 40 + 16 + 22) == 1340)
    var four = frame(.ipv4, segment(.ipv4, options: mss(1460)))
    four.insert(contentsOf: [1, 1, 1, 1], at: 34)
    four[14] = 0x46
    let after4 = try lowered(four, mtu: 1400).frame
    #expect(after4.bigEndian16(at: 14 + 24 + 22) == 1360)
  }

  @Test("a checksum that the kernel left to its device is left alone: it covers the pseudo-header only")
  func partialChecksum() throws {
    let before = frame(.ipv4, segment(.ipv4, options: mss(1460)))
    let (isLowered, after) = try lowered(before, mtu: 1400, isPartial: true)
    #expect(isLowered)
    #expect(after[50..<52] == before[50..<52])
    #expect(after[56..<58] != before[56..<58])
  }

  @Test("a later fragment has no TCP header, whatever its bytes look like")
  func laterFragment() throws {
    let payload = segment(.ipv4, options: mss(1460))
    let bytes =
      MACAddress.station(1).octets + MACAddress.station(2).octets + [8, 0]
      + Frames.ipv4(from: Self.four.0, to: Self.four.1, ipProtocol: 6, flagsAndOffset: 0x00B9, payload: payload)
    #expect(try lowered(bytes, mtu: 1400) == (false, bytes))
  }

  @Test("whatever the bytes are, it ends, stays within the frame and changes 4 of them at most", arguments: 1...4)
  func hostile(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for family in AddressFamily.allCases {
      let whole = frame(family, segment(family, options: [1] + mss(1460) + [8, 10] + [UInt8](repeating: 9, count: 8)))
      for _ in 0..<20_000 {
        var bytes = Array(whole.prefix(Int.random(in: 34...whole.count, using: &generator)))
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          bytes[Int.random(in: 14..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        guard InnerPacket(inFrame: bytes) != nil else { continue }
        let mtu = Int.random(in: 0...2000, using: &generator)
        let after = try lowered(bytes, mtu: mtu)
        let changed = bytes.indices.filter { bytes[$0] != after.frame[$0] }.count
        // An option that stands there twice is lowered twice; then the checksum is the same two bytes again.
        if changed > (after.isLowered ? 2 + 4 * 2 : 0) { Issue.record("seed \(seed): \(changed) bytes of \(bytes)") }
      }
    }
  }
}

extension [UInt8] {
  /// The same frame as UDP.
  fileprivate func replacingProtocol(_ family: AddressFamily) -> [UInt8] {
    var bytes = self
    bytes[family == .ipv4 ? 23 : 20] = 17
    return bytes
  }
}
