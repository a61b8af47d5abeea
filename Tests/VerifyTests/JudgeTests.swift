import Testing
import VXLAN

@testable import Verify

@Suite struct JudgeTests {
  @Test func `Right datagrams break no rule`() {
    let packets = [
      Underlay.packet(Underlay.plain()),
      Underlay.packet(Underlay.sealed(), port: 4790),
      Underlay.packet(Underlay.sealed(counter: 1), port: 4790),
    ]
    #expect(Underlay.findings(packets) == [])
  }

  @Test(arguments: [
    (0, "no-vni-flag"), (1, "reserved-bits"), (7, "reserved-bits"),
  ])
  func `A bit of the header that is wrong breaks its rule`(offset: Int, rule: String) {
    var payload = Underlay.plain()
    payload[offset] ^= offset == 0 ? 8 : 1
    #expect(Underlay.findings([Underlay.packet(payload)]) == ["\(rule) 1"])
  }

  @Test(arguments: [(7, "header-short"), (8, "inner-short"), (21, "inner-short")])
  func `A payload that is too short breaks its rule`(byteCount: Int, rule: String) {
    #expect(Underlay.findings([Underlay.packet(Array(Underlay.plain().prefix(byteCount)))]) == ["\(rule) 1"])
  }

  @Test func `A payload of 22 bytes is long enough`() {
    #expect(Underlay.findings([Underlay.packet(Array(Underlay.plain().prefix(22)))]) == [])
  }

  @Test func `One flipped bit breaks the checksum that covers it`() {
    var (ip, udp) = (Underlay.packet(Underlay.plain()), Underlay.packet(Underlay.plain()))
    ip[14 + 8] ^= 1
    udp[udp.count - 1] ^= 1
    #expect(Underlay.findings([ip]) == ["outer-ipv4-checksum 1"])
    #expect(Underlay.findings([udp]) == ["outer-udp-checksum 1"])
    // Of a packet that the capture cut, nobody knows it.
    #expect(Underlay.findings([udp], lost: 1) == [])
  }

  @Test func `The sum of the pseudo-header alone is left to the card`() {
    var packet = Underlay.packet(Underlay.plain())
    let udpByteCount = packet.count - 34
    let sum = Checksum.sum(packet.span.extracting(26..<34)) + 17 + UInt64(udpByteCount)
    Underlay.set(~Checksum.finish(sum), in: &packet, at: 40)
    #expect(Underlay.findings([packet]) == [])
  }

  @Test func `A frame as long as the MTU allows passes, one byte more does not`() {
    var plan = VerifyPlan()
    plan.mtu = 1000
    let fits = Underlay.packet(Underlay.plain(Underlay.frame(byteCount: 1014)))
    let more = Underlay.packet(Underlay.plain(Underlay.frame(byteCount: 1015)), sourcePort: 50_000)
    #expect(Underlay.findings([fits, more], plan: plan) == ["oversize 2"])
    #expect(Underlay.findings([Underlay.packet(Underlay.plain(Underlay.frame(byteCount: 1464)))]) == [])
    #expect(Underlay.findings([Underlay.packet(Underlay.plain(Underlay.frame(byteCount: 1465)))]) == ["oversize 1"])
  }

  @Test func `A segment declared sealed never goes in clear`() {
    var plan = VerifyPlan()
    plan.sealedSegments = [VNI(unchecked: 42)]
    let packets = [Underlay.packet(Underlay.plain()), Underlay.packet(Underlay.sealed(), port: 4790)]
    #expect(Underlay.findings(packets, plan: plan) == ["clear-traffic 1"])
  }

  @Test func `Each format has its port`() {
    #expect(Underlay.findings([Underlay.packet(Underlay.plain(), port: 4790)]) == ["plain-on-sealed-port 1"])
    #expect(Underlay.findings([Underlay.packet(Underlay.sealed())]) == ["sealed-on-plain-port 1"])
  }

  @Test func `The same nonce over other bytes is an error, over the same bytes a duplicate`() {
    let first = Underlay.packet(Underlay.sealed(), port: 4790)
    let other = Underlay.packet(Underlay.sealed(fill: 2), port: 4790)
    #expect(Underlay.findings([first, other]) == ["nonce-reused 2"])
    #expect(Underlay.findings([first, first]) == ["duplicate 2"])
    #expect(Underlay.findings([first, other], milliseconds: 360_000) == ["nonce-reused 2"])
    #expect(Underlay.findings([first, other], milliseconds: 360_001) == [])
  }

  @Test func `A nonce is used again also where time goes back`() {
    let first = Underlay.packet(Underlay.sealed(), port: 4790)
    let other = Underlay.packet(Underlay.sealed(fill: 2), port: 4790)
    let foreign: [UInt8] = [0]
    #expect(Underlay.findings([foreign, first, other], milliseconds: -1) == ["nonce-reused 3"])
    #expect(Underlay.findings([first, other], milliseconds: -360_000) == ["nonce-reused 2"])
    #expect(Underlay.findings([foreign, first, other], milliseconds: -360_001) == [])
    #expect(Underlay.findings([foreign, first, first], milliseconds: -360_001) == [])
  }

  /// The packet with another length in its IPv4 header.
  private static func packet(ipByteCount: UInt16, port: UInt16 = 4789, more: Int = 0) -> [UInt8] {
    var packet = Underlay.packet(Underlay.plain(), port: port) + [UInt8](repeating: 0x5A, count: more)
    Underlay.set(ipByteCount, in: &packet, at: 16)
    Underlay.set(0, in: &packet, at: 24)
    Underlay.set(Checksum.finish(Checksum.sum(packet.span.extracting(14..<34))), in: &packet, at: 24)
    return packet
  }

  @Test(arguments: [UInt16(1), 19, 20, 27, 28])
  func `An IP length without room for the datagram is found, on the ports of VXLAN alone`(byteCount: UInt16) {
    for port: UInt16 in [4789, 4790, 53] {
      let findings = Underlay.findings([Self.packet(ipByteCount: byteCount, port: port)])
      #expect(findings.contains("outer-length 1") == (port != 53), "to port \(port)")
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func `Clear traffic is found behind so many tags`(tagCount: Int) {
    var plan = VerifyPlan()
    plan.sealedSegments = [VNI(unchecked: 42)]
    var packet = Underlay.packet(Underlay.plain())
    for _ in 0..<tagCount { packet.insert(contentsOf: [0x81, 0, 0, 1], at: 12) }
    #expect(Underlay.findings([packet], plan: plan) == ["clear-traffic 1"])
  }

  @Test(arguments: [0, 1_000, 70_000]) func `Length 0 is right for what is longer than IP can say`(more: Int) {
    let findings = Underlay.findings([Self.packet(ipByteCount: 0, more: more)])
    #expect(findings.contains("outer-length 1") == (more < 65_000))
  }

  @Test func `A datagram again within 100 ms is a duplicate`() {
    let packet = Underlay.packet(Underlay.plain())
    #expect(Underlay.findings([packet, packet], milliseconds: 100) == ["duplicate 2"])
    #expect(Underlay.findings([packet, packet], milliseconds: 101) == [])
    #expect(Underlay.findings([packet, Underlay.packet(Underlay.plain(), identification: 1)]) == [])
  }

  @Test func `A MAC address that comes from another VTEP has moved`() {
    let packets = [Underlay.packet(Underlay.plain()), Underlay.packet(Underlay.plain(), from: 2)]
    #expect(Underlay.findings(packets) == ["mac-moved 2"])
  }

  @Test func `A flow keeps its outer port`() {
    let packets = [Underlay.packet(Underlay.plain()), Underlay.packet(Underlay.plain(), sourcePort: 50_001)]
    #expect(Underlay.findings(packets) == ["flow-port-unstable 2"])
  }

  @Test func `A run of sealed datagrams in one packet is judged by datagram`() {
    let run = (0..<3).flatMap { Underlay.sealed(counter: $0, fill: $0, byteCount: 1000) }
    let again = Underlay.sealed(counter: 1, fill: 9, byteCount: 1000)
    let packets = [run, again].map { Underlay.packet($0, port: 4790) }
    #expect(Underlay.findings(packets) == ["nonce-reused 2"])
  }

  @Test func `A later IPv6 fragment is known by a first one that has options behind the fragment header`() {
    func fragment(_ place: UInt8, identification: UInt8, _ body: [UInt8]) -> [UInt8] {
      [2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 1, 0x86, 0xDD] + [0x60, 0, 0, 0, 0, UInt8(8 + body.count), 44, 64]
        + [UInt8](repeating: 1, count: 16) + [UInt8](repeating: 2, count: 16)
        + [60, 0, 0, place, 1, 2, 3, identification] + body
    }
    let options: [UInt8] = [17, 0, 1, 4, 0, 0, 0, 0]
    let udp: [UInt8] = [0xC3, 0x50, 0x12, 0xB5, 0, 80, 1, 1]
    let first = fragment(1, identification: 4, options + udp + Underlay.plain().prefix(8))
    let later = [UInt8](repeating: 0x5A, count: 24)
    let packets = [first, fragment(24, identification: 4, later), fragment(24, identification: 5, later)]
    #expect(Underlay.findings(packets) == ["outer-fragment 1", "outer-fragment 2"])
  }

  @Test func `No prefix and no flipped byte of a packet ends the judge`() {
    let whole = [Underlay.packet(Underlay.plain()), Underlay.packet(Underlay.sealed(), port: 4790)]
    for packet in whole {
      for lost in 0...packet.count { _ = Underlay.findings([packet], lost: lost) }
      for index in packet.indices {
        for mask: UInt8 in [1, 0x10, 0xFF] {
          var broken = packet
          broken[index] ^= mask
          _ = Underlay.findings([broken])
        }
      }
    }
  }
}
