import TestKit
import Testing
import VXLAN

/// Inner packets for tests.
enum InnerFrames {
  static let macs = "02:00:00:00:00:05 > 02:00:00:00:00:07 "

  static func ip(_ number: UInt8, _ payload: [UInt8], flagsAndOffset: UInt16 = 0x4000) -> [UInt8] {
    Frames.ethernet(
      to: .station(7), from: .station(5), etherType: 0x0800,
      payload: Frames.ipv4(
        from: IPAddress(ipv4: 0x0A00_0001), to: IPAddress(ipv4: 0x0A00_0002), ipProtocol: number,
        flagsAndOffset: flagsAndOffset, payload: payload))
  }

  static func ip6(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Frames.ethernet(
      to: .station(7), from: .station(5), etherType: 0x86DD,
      payload: Frames.ipv6(from: Datagrams.here6, to: Datagrams.there6, nextHeader: number, payload: payload))
  }

  static func tcp(flags: UInt8 = 2, options: [UInt8] = [], payload: [UInt8] = []) -> [UInt8] {
    let offset = UInt8((20 + options.count) / 4) << 4
    return [0x14, 0x51, 0x9C, 0x40, 0, 0, 0, 100, 0, 0, 0, 200, offset, flags, 0xFA, 0xF0, 0, 0, 0, 0] + options
      + payload
  }
}

@Suite("An inner frame in words")
struct FrameTextTests {
  private static let ends = "IP 10.0.0.1 > 10.0.0.2: "
  private static let ends6 = "IP6 2001:db8::1 > 2001:db8::2: "
  private static let ports = "IP 10.0.0.1.5201 > 10.0.0.2.40000: "

  /// What tcpdump -nn -S says, where the words are its own.
  private static let samples: [(frame: [UInt8], text: String)] = [
    (
      NeighborFrames.arp(
        .reply, from: .station(5), IPAddress(ipv4: 0x0A00_0001), for: IPAddress(ipv4: 0x0A00_0002),
        targetMAC: .station(7), to: .station(7)), "ARP reply 10.0.0.1 is-at 02:00:00:00:00:05"
    ),
    (InnerFrames.ip(1, [8, 0, 0, 0, 0, 3, 0, 9] + [0, 0]), ends + "ICMP echo request, id 3, seq 9, length 10"),
    (InnerFrames.ip(1, [0, 0, 0, 0, 0, 3, 0, 9]), ends + "ICMP echo reply, id 3, seq 9, length 8"),
    (
      InnerFrames.ip(1, [3, 4, 0, 0, 0, 0, 0x05, 0x92]),
      ends + "ICMP [|ip] unreachable - need to frag (mtu 1426), length 8"
    ),
    (InnerFrames.ip(17, Frames.udp(from: 5201, to: 40000, payload: [1, 2, 3])), ports + "UDP, length 3"),
    (InnerFrames.ip(6, InnerFrames.tcp()), ports + "Flags [S], seq 100, win 64240, length 0"),
    (
      InnerFrames.ip(6, InnerFrames.tcp(flags: 0x18, payload: [1, 2, 3])),
      ports + "Flags [P.], seq 100:103, ack 200, win 64240, length 3"
    ),
    (
      InnerFrames.ip(
        6, InnerFrames.tcp(options: [2, 4, 5, 0x82, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7])),
      ports + "Flags [S], seq 100, win 64240, options [mss 1410,sackOK,TS val 1 ecr 2,nop,wscale 7], length 0"
    ),
    (InnerFrames.ip(6, InnerFrames.tcp(flags: 0)), ports + "Flags [none], win 64240, length 0"),
    (InnerFrames.ip(132, [1, 2, 3]), ends + "ip-proto-132, length 3"),
    (InnerFrames.ip(17, [1, 2, 3, 4], flagsAndOffset: 5), ends + "fragment at 40, protocol 17, length 4"),
    (
      InnerFrames.ip6(58, [135, 0, 0, 0, 0, 0, 0, 0] + Datagrams.there6.octets),
      ends6 + "ICMP6, neighbor solicitation, who has 2001:db8::2, length 24"
    ),
    (
      InnerFrames.ip6(58, [136, 0, 0, 0, 0x60, 0, 0, 0] + Datagrams.here6.octets),
      ends6 + "ICMP6, neighbor advertisement, tgt is 2001:db8::1, length 24"
    ),
    (InnerFrames.ip6(58, [128, 0, 0, 0, 0, 3, 0, 9]), ends6 + "ICMP6, echo request, id 3, seq 9, length 8"),
    (InnerFrames.ip6(58, [2, 0, 0, 0, 0, 0, 0x05, 0x7E]), ends6 + "ICMP6, packet too big, mtu 1406, length 8"),
    // A hop-by-hop header in front.
    (
      InnerFrames.ip6(0, [58, 0, 1, 4, 0, 0, 0, 0, 129, 0, 0, 0, 0, 3, 0, 9]),
      ends6 + "ICMP6, echo reply, id 3, seq 9, length 8"
    ),
    (
      Frames.ethernet(to: .station(7), from: .station(5), etherType: 0x88CC, payload: [1, 2]),
      "ethertype 0x88cc, length 2"
    ),
    (Frames.ethernet(to: .station(7), from: .station(5), etherType: 38, payload: [1, 2]), "802.3, length 38"),
    (
      Frames.tagged(to: .station(7), from: .station(5), vlan: 0x6005, payload: [1]),
      "vlan 5, p 3, ethertype 0x88b5, length 1"
    ),
  ]

  @Test("is told as tcpdump does", arguments: samples)
  func words(_ frame: [UInt8], _ text: String) {
    #expect(told(frame) == InnerFrames.macs + text)
  }

  @Test("is told in fewer words on demand")
  func quiet() {
    #expect(
      told(InnerFrames.ip(6, InnerFrames.tcp(payload: [1, 2])), isQuiet: true) == InnerFrames.macs + Self.ports
        + "tcp 2")
  }

  @Test("ends where its bytes end")
  func cut() {
    #expect(told([1, 2, 3]) == "[|ether]")
    let frame = InnerFrames.ip(6, InnerFrames.tcp(options: [2, 4, 5, 0x82]))
    #expect(told(Array(frame.prefix(20))).hasSuffix("IP [|ip]"))
    #expect(told(Array(frame.prefix(36))).hasSuffix("IP 10.0.0.1 > 10.0.0.2: [|tcp]"))
    #expect(told(Array(frame.prefix(40))).hasSuffix("10.0.0.1.5201 > 10.0.0.2.40000: tcp [|tcp]"))
    #expect(told(Array(frame.dropLast(2))).hasSuffix("options [[bad opt]], length 0"))
  }
}
