import TestKit
import Testing

@testable import VXLAN

private let here = MACAddress.station(1)
private let there = MACAddress.station(9)

/// Addresses of a test in both families: `v4` 10.0.0.N, `v6` fd42::N.
private func v4(_ number: UInt32) -> IPAddress { IPAddress(ipv4: 0x0A00_0000 | number) }
private func v6(_ number: UInt64) -> IPAddress { IPAddress(ipv6High: 0xFD42 << 48, low: number) }

private func message(_ frame: [UInt8]) -> NeighborMessage? { NeighborMessage(inFrame: frame.span) }
private func arpMessage(_ frame: [UInt8]) -> ARPMessage? { ARPMessage(inFrame: frame.span) }
private func discoveryMessage(_ frame: [UInt8]) -> NeighborDiscoveryMessage? {
  NeighborDiscoveryMessage(inFrame: frame.span)
}
private func mayBeMessage(_ frame: [UInt8]) -> Bool {
  NeighborMessage.mayBe(in: frame.span, etherType: frame.span.bigEndian16(at: 12))
}

@Suite("ARP, and what it says")
struct ARPMessageTests {
  /// RFC 826, as a host sends it: who has 10.0.0.2, tell 10.0.0.1.
  private static let request: [UInt8] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1,
    0,
    0, 0, 0, 0, 0, 10, 0, 0, 2,
  ]

  @Test("a request is written and read as RFC 826 draws it")
  func layout() {
    #expect(NeighborFrames.arp(from: here, v4(1), for: v4(2)) == Self.request)
    let read = arpMessage(Self.request)
    #expect(read == ARPMessage(.request, senderMAC: here, sender: v4(1), targetMAC: .zero, target: v4(2)))
  }

  @Test("a broadcast request claims its sender's address and asks for its target")
  func request() {
    let read = message(Self.request)
    #expect(read?.claim == .init(address: v4(1), mac: here, weight: .full(isRouter: false)))
    #expect(read?.question == .init(target: v4(2), asker: v4(1), askerMAC: here))
    #expect(read?.probed == nil)
  }

  @Test("a unicast request, a reply and an announcement claim, and ask nothing that may be answered")
  func claims() {
    let frames = [
      NeighborFrames.arp(from: here, v4(1), for: v4(2), to: there),
      NeighborFrames.arp(.reply, from: here, v4(1), for: v4(2), targetMAC: there, to: there),
      NeighborFrames.arp(.reply, from: here, v4(1), for: v4(1)),
      NeighborFrames.arp(from: here, v4(1), for: v4(1)),
    ]
    for frame in frames {
      let read = message(frame)
      #expect(read?.claim?.mac == here && read?.claim?.weight == .full(isRouter: false) && read?.question == nil)
    }
  }

  @Test("a probe of RFC 5227 claims nothing and asks nothing that may be answered")
  func probe() {
    let read = message(NeighborFrames.arp(from: here, v4(0).unspecifiedOfItsFamily, for: v4(2)))
    #expect(read?.probed == v4(2) && read?.claim == nil && read?.question == nil)
  }

  @Test("who names another station than the one that speaks contradicts itself, and is not answered")
  func contradiction() {
    var frame = Self.request
    frame[27] = 7
    #expect(message(frame)?.claim?.weight == .contradictory && message(frame)?.question == nil)
  }

  @Test("addresses that no station has are not bound", arguments: [0x7F00_0001, 0xE000_0001, 0xFFFF_FFFF, 0x0000_0001])
  func notBound(bits: UInt32) {
    let address = IPAddress(ipv4: bits)
    #expect(message(NeighborFrames.arp(from: here, address, for: v4(2))) == nil)
    let read = message(NeighborFrames.arp(from: here, v4(1), for: address))
    #expect(read?.claim != nil && read?.question == nil)
    #expect(message(NeighborFrames.arp(from: here, v4(0).unspecifiedOfItsFamily, for: address)) == nil)
  }

  @Test("every other value in the fixed fields, and every shorter length, is no message")
  func strict() {
    for offset in 14...21 {
      var frame = Self.request
      frame[offset] ^= 0x40
      #expect(message(frame) == nil, "byte \(offset)")
    }
    for count in 0..<Self.request.count { #expect(message(Array(Self.request[..<count])) == nil, "\(count) bytes") }
    #expect(message(Self.request + [0, 0])?.question != nil)
  }
}

extension IPAddress {
  fileprivate var unspecifiedOfItsFamily: IPAddress {
    family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0)
  }
}

@Suite("Neighbour discovery, and what it says")
struct NeighborDiscoveryMessageTests {
  /// RFC 4861, made by other code: fd42::1 at station 1 asks for fd42::2, which answers from station 9 as a router.
  private static let solicitation: [UInt8] =
    [0x33, 0x33, 0xFF, 0, 0, 2, 2, 0, 0, 0, 0, 1] + header(from: 1) + [
      0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0, 0, 2, 0x87, 0, 0x7D, 0x13, 0, 0, 0, 0,
      0xFD, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 2, 0, 0, 0, 0, 1,
    ]
  private static let advertisement: [UInt8] =
    [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9] + header(from: 2) + [
      0xFD, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x88, 0, 0xBB, 0xCC, 0xC0, 0, 0, 0,
      0xFD, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1, 2, 0, 0, 0, 0, 9,
    ]

  /// EtherType and IPv6 header as far as the source, fd42::N.
  private static func header(from number: UInt8) -> [UInt8] {
    [0x86, 0xDD, 0x60, 0, 0, 0, 0, 0x20, 0x3A, 0xFF, 0xFD, 0x42] + [UInt8](repeating: 0, count: 13) + [number]
  }

  @Test("both messages are written and read as RFC 4861 draws them, checksums too")
  func layout() throws {
    #expect(NeighborFrames.solicitation(from: here, v6(1), for: v6(2)) == Self.solicitation)
    let answer = NeighborFrames.advertisement(
      of: v6(2), at: there, to: (here, v6(1)), isRouter: true, overrides: false)
    #expect(answer == Self.advertisement)
    let read = try #require(discoveryMessage(Self.advertisement))
    #expect(read.kind == .advertisement && read.isRouter && read.isSolicited && !read.overrides && !read.isSecured)
    #expect(read.linkLayerAddress == there && read.target == v6(2) && read.destination == v6(1))
  }

  @Test("a solicitation claims its source without saying what it is, and asks; a unicast one does not ask")
  func solicitation() {
    let read = message(Self.solicitation)
    #expect(read?.claim == .init(address: v6(1), mac: here, weight: .unflagged))
    #expect(read?.question == .init(target: v6(2), asker: v6(1), askerMAC: here))
    let unicast = message(NeighborFrames.solicitation(from: here, v6(1), for: v6(2), to: there))
    #expect(unicast?.claim?.weight == .unflagged && unicast?.question == nil)
  }

  @Test("duplicate address detection claims nothing and asks nothing that may be answered")
  func detection() {
    let read = message(NeighborFrames.detection(of: v6(2), from: here))
    #expect(read?.probed == v6(2) && read?.claim == nil && read?.question == nil)
  }

  @Test("an advertisement claims its target with its flags: to replace, to fill in, to confirm")
  func advertisement() {
    #expect(message(Self.advertisement)?.claim == .init(address: v6(2), mac: there, weight: .weak(isRouter: true)))
    let whole = message(NeighborFrames.advertisement(of: v6(2), at: there))
    #expect(whole?.claim?.weight == .full(isRouter: false) && whole?.question == nil)
    var bare = Self.advertisement
    bare.removeLast(8)
    bare[19] -= 8
    #expect(message(NeighborFrames.fixed(bare))?.claim?.weight == .confirming(isRouter: true))
    var other = Self.advertisement
    other[85] = 8
    #expect(message(NeighborFrames.fixed(other))?.claim?.weight == .contradictory)
  }

  @Test("what SEND has signed is not answered, and ends what was known", arguments: 11...14 as ClosedRange<UInt8>)
  func secured(option: UInt8) {
    func signed(_ frame: [UInt8]) -> [UInt8] {
      var frame = frame + [option, 1, 0, 0, 0, 0, 0, 0]
      frame[19] += 8
      return NeighborFrames.fixed(frame)
    }
    #expect(message(signed(Self.solicitation))?.question == nil)
    #expect(message(signed(Self.solicitation))?.claim != nil)
    #expect(message(signed(Self.advertisement))?.claim?.weight == .contradictory)
  }

  /// Byte, value: each makes a message that RFC 4861, section 7.1, has receivers discard, its checksum right.
  @Test(
    "a message that a receiver must discard says nothing",
    arguments: [(21, 254), (55, 1), (20, 17), (62, 0xFF), (79, 0), (79, 2), (19, 31), (14, 0x45), (54, 137)])
  func discarded(byte: Int, value: UInt8) {
    var frame = Self.solicitation
    frame[byte] = value
    #expect(message(NeighborFrames.fixed(frame)) == nil)
  }

  @Test("solicited and to a group at once; from nobody with an address, or to another group: discarded")
  func discardedCombinations() {
    var solicited = NeighborFrames.advertisement(of: v6(2), at: there)
    solicited[58] |= 0x40
    #expect(message(NeighborFrames.fixed(solicited)) == nil)
    let nobody = v6(1).unspecifiedOfItsFamily
    #expect(message(NeighborFrames.solicitation(from: here, nobody, for: v6(2))) == nil)
    var elsewhere = NeighborFrames.detection(of: v6(2), from: here)
    elsewhere[53] = 3
    #expect(message(NeighborFrames.fixed(elsewhere)) == nil)
  }

  @Test("a wrong checksum, a length beyond the frame and every shorter frame are no message; padding is none of it")
  func strict() {
    for offset in 22..<Self.solicitation.count {
      var frame = Self.solicitation
      frame[offset] ^= 0x10
      #expect(message(frame) == nil, "byte \(offset)")
    }
    var long = Self.solicitation
    long[19] += 8
    #expect(message(NeighborFrames.fixed(long + [UInt8](repeating: 0, count: 8))) == nil)
    for count in 0..<Self.solicitation.count {
      #expect(message(Array(Self.solicitation[..<count])) == nil, "\(count) bytes")
    }
    #expect(message(Self.solicitation + [1, 2, 3])?.question != nil)
  }

  @Test("hostile bytes never trap, and what is read of them names valid addresses; seeded")
  func hostile() {
    var generator = SeededGenerator(seed: TestSeed.fixed("neighbour messages"))
    let originals = [
      Self.solicitation, Self.advertisement, NeighborFrames.detection(of: v6(2), from: here),
      NeighborFrames.arp(from: here, v4(1), for: v4(2)),
    ]
    var readCount = 0
    for _ in 0..<200_000 {
      var frame = originals[Int.random(in: 0..<originals.count, using: &generator)]
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        frame[Int.random(in: 0..<frame.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if generator.isOne(in: 4) { frame.removeLast(Int.random(in: 0...frame.count, using: &generator)) }
      if generator.isOne(in: 4) { frame += [UInt8](repeating: 1, count: Int.random(in: 0...40, using: &generator)) }
      // Half of them get past the checksum.
      let isDiscovery = frame.count > 60 && Int(frame.span.bigEndian16(at: 18)) + 54 <= frame.count && frame[19] >= 4
      if isDiscovery, generator.isOne(in: 2) { frame = NeighborFrames.fixed(frame) }
      guard let read = message(frame) else { continue }
      readCount += 1
      let addresses = [read.claim?.address, read.question?.target, read.question?.asker, read.probed]
      #expect(addresses.allSatisfy { $0?.isAssignable != false })
      #expect(read.question == nil || read.claim?.mac == read.question?.askerMAC)
      #expect(mayBeMessage(frame))
    }
    #expect(readCount > 1_000)
  }
}
