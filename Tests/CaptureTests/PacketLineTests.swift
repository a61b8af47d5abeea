import TestKit
import Testing
import VXLAN

@testable import Capture

@Suite("The line of a packet")
struct PacketLineTests {
  private static let time = "22:13:20.123456 "
  private static let arp =
    "02:00:00:00:00:05 > ff:ff:ff:ff:ff:ff ARP who-has 10.99.0.3 tell 10.99.0.1"
  private static let ends = "IP 192.0.2.1.54321 > 192.0.2.2."

  private func sealed(_ first: [UInt8], _ word: [UInt8], byteCount: Int) -> [UInt8] {
    Datagrams.ethernet(
      Datagrams.ip(first + word + [UInt8](repeating: 0xEE, count: byteCount), to: 4790))
  }

  @Test("shows the outer datagram, then the inner frame")
  func plain() {
    #expect(shown(Datagrams.plain()) == "\(Self.time)\(Self.ends)4789: VXLAN vni 42 len 42 | \(Self.arp)\n")
  }

  @Test("is the same for every link type", arguments: [(LinkType.rawIP, 0), (.linuxCooked, 16), (.linuxCooked2, 20)])
  func linkTypes(_ linkType: LinkType, _ byteCount: Int) {
    var header = [UInt8](repeating: 0, count: byteCount)
    if byteCount > 0 { header.replaceSubrange(byteCount == 16 ? 14..<16 : 0..<2, with: [0x08, 0x00]) }
    let packet = header + Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame))
    #expect(shown(packet, linkType: linkType) == shown(Datagrams.plain()))
  }

  @Test("shows IPv6 outside, and steps over a tag of the underlay")
  func outside() {
    let payload = Frames.vxlan(vni: 42, Datagrams.frame)
    #expect(
      shown(Datagrams.ethernet(Datagrams.ip6(payload)))
        == "\(Self.time)IP6 2001:db8::1.54321 > 2001:db8::2.4789: VXLAN vni 42 len 42 | \(Self.arp)\n")
    #expect(shown(Datagrams.plain(vlan: 7)) == shown(Datagrams.plain()))
  }

  @Test("names what is odd about a VXLAN header")
  func odd() throws {
    let noFlag = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, flags: 0, Datagrams.frame)))
    #expect(try #require(shown(noFlag)).contains(": VXLAN no vni flag len 42 |"))
    let reserved = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, lastByte: 1, Datagrams.frame)))
    #expect(try #require(shown(reserved)).contains(": VXLAN vni 42 reserved bits len 42 |"))
    let short = Datagrams.ethernet(Datagrams.ip([8, 0, 0]))
    #expect(try #require(shown(short)).hasSuffix(": no overlay header, len 3\n"))
  }

  @Test("names sealed frames, control and handshakes")
  func sealed() throws {
    let word: [UInt8] = [0x00, 0xA1, 0xB2, 0, 0, 0, 0, 7]
    let frame = sealed([0x0C, 0, 0, 0xFE, 0, 0, 42, 0], word, byteCount: 58)
    #expect(try #require(shown(frame)).hasSuffix("4790: sealed vni 42 lane 0 index 0a1b2 counter 7 len 58\n"))
    let control = sealed([0x0D, 0, 0, 0xFE, 0, 0, 0, 0], [0xF0, 0xA1, 0xB2, 0, 0, 0, 0, 9], byteCount: 32)
    #expect(try #require(shown(control)).hasSuffix("4790: control lane 15 index 0a1b2 counter 9 len 32\n"))
    let handshake = sealed([0x0D, 0, 0, 0xFF, 0, 0, 0, 0], [0x00, 0xA1, 0xB2, 0, 0, 0, 0, 1], byteCount: 160)
    #expect(try #require(shown(handshake)).hasSuffix("4790: handshake initiation index 0a1b2 len 160\n"))
    let other = sealed([0x0D, 0, 0, 0xFF, 0, 0, 0, 0], [0x00, 0xA1, 0xB2, 0, 0, 0, 0, 1], byteCount: 20)
    #expect(try #require(shown(other)).hasSuffix("4790: handshake unknown index 0a1b2 len 20\n"))
    let none = sealed([0xFF, 0, 0, 0xFF, 0, 0, 0, 0], word, byteCount: 20)
    #expect(try #require(shown(none)).hasSuffix("4790: no overlay header, len 36\n"))
  }

  @Test("ends with why it was dropped")
  func dropped() throws {
    #expect(try #require(shown(Datagrams.plain(), drop: "unknown-vni")).hasSuffix("\(Self.arp) drop unknown-vni\n"))
  }

  @Test("shows the link header, nanoseconds and bytes where they are asked for")
  func styles() throws {
    var style = LineStyle()
    style.hasLinkHeader = true
    style.precision = .nano
    #expect(
      try #require(shown(Datagrams.plain(vlan: 7), style: style)).hasPrefix(
        "22:13:20.123456789 02:00:00:00:00:01 > 02:00:00:00:00:02, vlan 7, p 0, ethertype IPv4 (0x0800), length 96: IP "
      ))
    style = LineStyle()
    style.dump = .hexAndASCII
    let lines = try #require(shown(Datagrams.plain(), style: style)).split(separator: "\n")
    #expect(lines[1] == "\t0x0000:  4500 004e 0001 4000 4011 b69a c000 0201  E..N..@.@.......")
    style.dumpsLinkHeader = true
    style.dump = .hex
    let whole = try #require(shown(Datagrams.plain(), style: style)).split(separator: "\n")
    #expect(whole[1] == "\t0x0000:  0200 0000 0002 0200 0000 0001 0800 4500")
    #expect(whole.last == "\t0x0050:  0001 0000 0000 0000 0a63 0003")
  }

  @Test("is told of no packet that is none of the ports'")
  func others() {
    #expect(shown(Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame), to: 53))) == nil)
    #expect(shown(Datagrams.frame) == nil)
    let later = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame), flagsAndOffset: 3))
    #expect(shown(later) == nil)
    let first = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame), flagsAndOffset: 0x2000))
    #expect(shown(first)?.contains("4789: (fragment) VXLAN vni 42") == true)
  }

  @Test("is made of a packet that is cut anywhere, of any link type")
  func cut() {
    let tcp = Frames.ethernet(
      to: .station(1), from: .station(2), etherType: 0x0800,
      payload: Frames.ipv4(
        from: Datagrams.here, to: Datagrams.there, ipProtocol: 6, payload: InnerFrames.tcp(options: [2, 4, 5, 0x82])))
    let whole = Datagrams.plain(tcp)
    for count in 0...whole.count {
      let part = Array(whole.prefix(count))
      for linkType in [LinkType.ethernet, .rawIP, .linuxCooked, .linuxCooked2, LinkType(rawValue: 99)] {
        let line = shown(part, linkType: linkType, wireByteCount: whole.count)
        #expect(linkType != .ethernet || (line != nil) == (count >= 42), "\(count)")
      }
    }
    #expect(shown(Array(whole.prefix(90)), wireByteCount: whole.count)?.hasSuffix("[|tcp]\n") == true)
  }

  @Test("is made of any bytes whatever")
  func anything() {
    var generator = SeededGenerator(seed: TestSeed.next("lines of any bytes"))
    for _ in 0..<20_000 {
      var packet = Datagrams.plain(Datagrams.frame + Datagrams.frame)
      for _ in 0..<Int.random(in: 1...12, using: &generator) {
        let place = Int.random(in: packet.indices, using: &generator)
        packet[place] = UInt8.random(in: 0...255, using: &generator)
      }
      packet.removeLast(Int.random(in: 0...40, using: &generator))
      for linkType in [LinkType.ethernet, .rawIP, .linuxCooked, .linuxCooked2] {
        _ = shown(packet, linkType: linkType)
      }
      _ = told(Array(packet.dropFirst(Int.random(in: 0...50, using: &generator))))
    }
  }
}
