import TestKit
import Testing
import VXLAN

@Suite("TooBigAnswer")
struct TooBigAnswerTests {
  private static let four = (IPAddress(ipv4: 0x0A00_0001), IPAddress(ipv4: 0x0A00_0002))
  private static let six = (IPAddress(ipv6High: 0xFD42 << 48, low: 1), IPAddress(ipv6High: 0xFD42 << 48, low: 2))
  private static let sender = MACAddress.station(1)
  private static let receiver = MACAddress.station(2)

  private func packet(
    _ family: AddressFamily, ipProtocol: UInt8 = 17, source: IPAddress? = nil, destination: IPAddress? = nil,
    payload: [UInt8] = [UInt8](repeating: 0xA5, count: 1430)
  ) -> [UInt8] {
    switch family {
    case .ipv4:
      Frames.ipv4(
        from: source ?? Self.four.0, to: destination ?? Self.four.1, ipProtocol: ipProtocol, payload: payload)
    case .ipv6:
      Frames.ipv6(
        from: source ?? Self.six.0, to: destination ?? Self.six.1, nextHeader: ipProtocol, payload: payload)
    }
  }

  private func frame(_ family: AddressFamily, _ packet: [UInt8], tags: [UInt8] = [], to: MACAddress? = nil) -> [UInt8] {
    (to ?? Self.receiver).octets + Self.sender.octets + tags + (family == .ipv4 ? [8, 0] : [0x86, 0xDD]) + packet
  }

  private func answer(_ frame: [UInt8], mtu: Int = 1400) throws -> [UInt8]? {
    let packet = try #require(InnerPacket(inFrame: frame))
    return answer(frame, packet, mtu: mtu)
  }

  private func answer(_ frame: [UInt8], _ packet: InnerPacket, mtu: Int) -> [UInt8]? {
    guard let ends = TooBigAnswer.Ends(of: frame.span, packet: packet) else { return nil }
    return TooBigAnswer.frame(answering: frame.span, packet: packet, ends: ends, overlayMTU: mtu)
  }

  @Test("IPv4: type 3, code 4, the MTU, from the packet's destination to its source, MACs swapped, tag kept")
  func ipv4() throws {
    for tags: [UInt8] in [[], [0x81, 0, 0x20, 5]] {
      let packet = packet(.ipv4)
      let answer = try #require(try answer(frame(.ipv4, packet, tags: tags)))
      let ethernet: [UInt8] = Self.sender.octets + Self.receiver.octets + tags + [8, 0]
      #expect(Array(answer.prefix(14 + tags.count)) == ethernet)
      let ip = Array(answer[(14 + tags.count)...])
      #expect(ip.count == 576 && ip.bigEndian16(at: 2) == 576)
      #expect(ip[9] == 1 && ip[8] == 64)
      #expect(Array(ip[12..<20]) == Self.four.1.octets + Self.four.0.octets)
      #expect(Checksum.finish(Checksum.sum(Array(ip[0..<20]))) == 0)
      #expect(ip[20] == 3 && ip[21] == 4)
      #expect(ip.bigEndian16(at: 26) == 1400)
      #expect(Checksum.finish(Checksum.sum(Array(ip[20...]))) == 0)
      #expect(Array(ip[28...]) == Array(packet.prefix(548)))
    }
  }

  @Test("IPv6: type 2, the MTU, as much of the packet as 1280 bytes hold, the checksum with its pseudo-header")
  func ipv6() throws {
    let packet = packet(.ipv6)
    let answer = try #require(try answer(frame(.ipv6, packet)))
    let ip = Array(answer[14...])
    #expect(ip.count == 1280 && ip.bigEndian16(at: 4) == 1240)
    #expect(ip[6] == 58 && ip[7] == 64)
    #expect(Array(ip[8..<40]) == Self.six.1.octets + Self.six.0.octets)
    #expect(ip[40] == 2 && ip[41] == 0)
    #expect(ip.bigEndian32(at: 44) == 1400)
    let pseudo = Checksum.sum(Array(ip[8..<40]), initial: UInt64(ip.count - 40) + 58)
    #expect(Checksum.finish(Checksum.sum(Array(ip[40...]), initial: pseudo)) == 0)
    #expect(Array(ip[48...]) == Array(packet.prefix(1232)))
  }

  @Test("a short packet is quoted whole", arguments: AddressFamily.allCases)
  func short(family: AddressFamily) throws {
    let packet = packet(family, payload: [1, 2, 3, 4, 5, 6, 7, 8, 9])
    let answer = try #require(try answer(frame(family, packet)))
    let headersByteCount = family == .ipv4 ? 14 + 28 : 14 + 48
    #expect(Array(answer.dropFirst(headersByteCount)) == packet)
  }

  @Test("an MTU below 576 or 1280 is not told", arguments: AddressFamily.allCases)
  func smallest(family: AddressFamily) throws {
    let least = family == .ipv4 ? 576 : 1280
    let frame = frame(family, packet(family))
    #expect(try answer(frame, mtu: least) != nil)
    #expect(try answer(frame, mtu: least - 1) == nil)
  }

  @Test("ICMP errors get no answer, other ICMP does")
  func errors() throws {
    for type: UInt8 in 0...255 {
      let body = [type] + [UInt8](repeating: 0, count: 1420)
      let four = try answer(frame(.ipv4, packet(.ipv4, ipProtocol: 1, payload: body)))
      #expect((four == nil) == [3, 4, 5, 11, 12].contains(type), "ICMP \(type)")
      let six = try answer(frame(.ipv6, packet(.ipv6, ipProtocol: 58, payload: body)))
      #expect((six == nil) == (type < 128 || type == 137), "ICMPv6 \(type)")
    }
  }

  @Test("later fragments get none, the first does")
  func fragments() throws {
    for (field, isAnswered) in [(0x2000, true), (0x2001, false), (0x00B9, false)] as [(UInt16, Bool)] {
      let packet = Frames.ipv4(
        from: Self.four.0, to: Self.four.1, flagsAndOffset: field, payload: [UInt8](repeating: 1, count: 1430))
      #expect((try answer(frame(.ipv4, packet)) != nil) == isAnswered)
      let header: [UInt8] = [17, 0, UInt8((field << 3) >> 8), UInt8((field << 3) & 0xFF), 0, 0, 0, 1]
      let six = self.packet(.ipv6, ipProtocol: 44, payload: header + [UInt8](repeating: 1, count: 1400))
      #expect((try answer(frame(.ipv6, six)) != nil) == isAnswered)
    }
  }

  @Test(
    "no answer goes to nobody or to many, and none pretends to come from there",
    arguments: ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"]
      + ["::", "::1", "ff02::1", "ff0e::5"])
  func addresses(text: String) throws {
    let address = try #require(IPAddress(text))
    let asSource = frame(address.family, packet(address.family, source: address))
    let asDestination = frame(address.family, packet(address.family, destination: address))
    #expect(try answer(asSource) == nil)
    #expect(try answer(asDestination) == nil)
  }

  @Test(
    "nor for frames to a group of layer 2", arguments: [MACAddress.broadcast, MACAddress(rawValue: 0x0100_5E00_0001)])
  func groups(destination: MACAddress) throws {
    #expect(try answer(frame(.ipv4, packet(.ipv4), to: destination)) == nil)
  }

  @Test("whatever the bytes are, the answer is well formed or there is none", arguments: 1...4)
  func hostile(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for family in AddressFamily.allCases {
      for _ in 0..<5_000 {
        var bytes = frame(family, packet(family, ipProtocol: [0, 1, 6, 17, 43, 44, 51, 58, 60].randomElement()!))
        bytes.removeLast(Int.random(in: 0...1430, using: &generator))
        for _ in 0..<4 {
          bytes[Int.random(in: 12..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        guard let packet = InnerPacket(inFrame: bytes),
          let answer = answer(bytes, packet, mtu: 1400)
        else { continue }
        let again = try #require(InnerPacket(inFrame: answer))
        let transport = InnerTransport(of: again, inFrame: answer.span)
        let expected: UInt8 = again.family == .ipv4 ? 1 : 58
        #expect(transport?.ipProtocol == expected)
        #expect(answer.count <= again.offset + 1280)
      }
    }
  }
}
