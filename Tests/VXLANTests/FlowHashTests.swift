import Testing
import TestKit
import VXLAN

@Suite("FlowHash")
struct FlowHashTests {
  private static let key = KeyedHash(key0: 3, key1: 4)
  private static let a4 = IPAddress(ipv4: 0x0A00_0001)
  private static let b4 = IPAddress(ipv4: 0x0A00_0002)
  private static let a6 = IPAddress(ipv6High: 0x2001_0DB8 << 32, low: 1)
  private static let b6 = IPAddress(ipv6High: 0x2001_0DB8 << 32, low: 2)

  private func hash(_ frame: [UInt8], key: KeyedHash = key) throws -> UInt64 {
    let span = frame.span
    let ethernet = try #require(EthernetHeader(parsing: frame))
    return FlowHash.hash(of: span, ethernet: ethernet, packet: InnerPacket(inFrame: span), with: key)
  }

  private func frame4(
    _ payload: [UInt8], from source: IPAddress = a4, ipProtocol: UInt8 = 17, flagsAndOffset: UInt16 = 0x4000,
    trafficClass: UInt8 = 0, tagged: Bool = false, to destination: MACAddress = .station(1)
  ) -> [UInt8] {
    let packet = Frames.ipv4(
      from: source, to: Self.b4, ipProtocol: ipProtocol, trafficClass: trafficClass, flagsAndOffset: flagsAndOffset,
      payload: payload)
    return tagged
      ? Frames.tagged(to: destination, from: .station(2), vlan: 7, etherType: 0x0800, payload: packet)
      : Frames.ethernet(to: destination, from: .station(2), etherType: 0x0800, payload: packet)
  }

  private func frame6(_ payload: [UInt8], nextHeader: UInt8 = 17, source: IPAddress = a6) -> [UInt8] {
    Frames.ethernet(
      to: .station(1), from: .station(2), etherType: 0x86DD,
      payload: Frames.ipv6(from: source, to: Self.b6, nextHeader: nextHeader, payload: payload))
  }

  @Test("two packets of one flow have one hash: content, TOS, MAC addresses and tags are not of the flow")
  func sameFlow() throws {
    let first = try hash(frame4(Frames.udp(from: 1000, to: 53, payload: [1])))
    #expect(try hash(frame4(Frames.udp(from: 1000, to: 53, payload: [2, 3]))) == first)
    #expect(try hash(frame4(Frames.udp(from: 1000, to: 53), flagsAndOffset: 0, trafficClass: 3)) == first)
    #expect(try hash(frame4(Frames.udp(from: 1000, to: 53), tagged: true)) == first)
    #expect(try hash(frame4(Frames.udp(from: 1000, to: 53), to: .broadcast)) == first)
    let six = try hash(frame6(Frames.udp(from: 1000, to: 53, payload: [1])))
    #expect(try hash(frame6(Frames.udp(from: 1000, to: 53, payload: [2]))) == six && six != first)
  }

  @Test("ports, addresses, the protocol and the key each matter", arguments: [6, 17, 132] as [UInt8])
  func differentFlows(ipProtocol: UInt8) throws {
    let ports = Frames.udp(from: 1000, to: 53)
    let hashes = [
      try hash(frame4(ports, ipProtocol: ipProtocol)),
      try hash(frame4(Frames.udp(from: 1001, to: 53), ipProtocol: ipProtocol)),
      try hash(frame4(Frames.udp(from: 1000, to: 54), ipProtocol: ipProtocol)),
      try hash(frame4(ports, from: IPAddress(ipv4: 0x0A00_0003), ipProtocol: ipProtocol)),
      try hash(frame4(ports, ipProtocol: 1)),
      try hash(frame4(ports, ipProtocol: ipProtocol), key: KeyedHash(key0: 3, key1: 5)),
      try hash(frame6(ports, nextHeader: ipProtocol)),
      try hash(frame6(Frames.udp(from: 1001, to: 53), nextHeader: ipProtocol)),
      try hash(frame6(ports, nextHeader: ipProtocol, source: IPAddress(ipv6High: 1, low: 1))),
    ]
    #expect(Set(hashes).count == hashes.count)
  }

  @Test("every fragment of one datagram has one hash, with and without the ports that only the first shows")
  func fragments() throws {
    // More fragments at 0; more at 8; the last at 16; the first with the reserved and DF bits set as well.
    let flags: [UInt16] = [0x2000, 0x2001, 0x0002, 0xE000]
    var hashes: Set<UInt64> = []
    for (index, flagsAndOffset) in flags.enumerated() {
      let payload = index == 0 ? Frames.udp(from: 1000, to: 53) : [UInt8](repeating: UInt8(index), count: 8)
      for tagged in [false, true] {
        hashes.insert(try hash(frame4(payload, flagsAndOffset: flagsAndOffset, tagged: tagged)))
      }
    }
    #expect(hashes.count == 1)
    // IPv6: the fragment header is next header 44, and what follows it differs from fragment to fragment.
    let first: [UInt8] = [17, 0, 0, 1, 0, 0, 0, 9] + Frames.udp(from: 1000, to: 53)
    let second: [UInt8] = [17, 0, 0, 8, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]
    #expect(try hash(frame6(first, nextHeader: 44)) == hash(frame6(second, nextHeader: 44)))
  }

  @Test("ports behind IPv4 options are found; of ICMP and of frames cut before the ports there are none")
  func portPlaces() throws {
    func withOptions(_ source: UInt16) -> [UInt8] {
      var frame = frame4([1, 1, 1, 1] + Frames.udp(from: source, to: 53))
      frame[14] = 0x46
      return frame
    }
    #expect(try hash(withOptions(1000)) == hash(frame4(Frames.udp(from: 1000, to: 53))))
    #expect(try hash(withOptions(1000)) != hash(withOptions(1001)))
    #expect(try hash(frame4([8, 0, 1, 2], ipProtocol: 1)) == hash(frame4([0, 0, 3, 4], ipProtocol: 1)))
    // 3 bytes hold no two ports, 4 do.
    #expect(try hash(frame4([1, 2, 3])) == hash(frame4([4, 5, 6])))
    #expect(try hash(frame4([1, 2, 3, 4])) != hash(frame4([1, 2, 3, 5])))
    // A header length under 20 says nothing of where ports are.
    var broken = frame4(Frames.udp(from: 1000, to: 53))
    broken[14] = 0x44
    #expect(try hash(broken) == hash(frame4([])))
  }

  @Test("frames without an IP packet count by their MAC addresses and EtherType")
  func notIP() throws {
    let arp = Frames.ethernet(to: .station(1), from: .station(2), etherType: 0x0806, payload: [1])
    #expect(try hash(arp) == hash(Frames.ethernet(to: .station(1), from: .station(2), etherType: 0x0806, payload: [2])))
    let others = [
      arp, Frames.ethernet(to: .station(1), from: .station(3), etherType: 0x0806),
      Frames.ethernet(to: .station(3), from: .station(2), etherType: 0x0806),
      Frames.ethernet(to: .station(1), from: .station(2), etherType: 0x0807),
      Frames.ethernet(to: .station(2), from: .station(1), etherType: 0x0806),
    ]
    #expect(Set(try others.map { try hash($0) }).count == others.count)
  }

  @Test("flows spread: of 4,096 flows over 64 ports none gets more than twice its share")
  func spread() throws {
    var counts = [Int](repeating: 0, count: 64)
    for port in 0..<4096 { counts[Int(try hash(frame4(Frames.udp(from: UInt16(port), to: 80))) % 64)] += 1 }
    #expect(counts.allSatisfy { (16...128).contains($0) }, "\(counts)")
  }

  @Test("a million random frames, most of them nearly IP, never trap, and setting ECN in them neither")
  func randomFrames() {
    var random = SeededGenerator(seed: TestSeed.fixed("FlowHash.randomFrames"))
    var pool = random.bytes(1 << 16)
    var packetCount = 0
    for round in 0..<1_000_000 {
      let bits = random.next()
      let start = Int(bits & 0x7FFF)
      let count = round % 4 == 0 ? Int(bits >> 16 & 0xFF) : Int(bits >> 16 & 0x3F) + 14
      Self.makeNearlyIP(&pool, at: start, by: bits >> 32)
      guard let packet = Self.readAll(pool, at: start, count) else { continue }
      packetCount += 1
      if round % 8 == 0 {
        var whole = pool.mutableSpan
        var cut = whole._mutatingExtracting(start..<start + count)
        packet.setECN(ECN(trafficClass: UInt8(bits >> 56)), inFrame: &cut)
      }
    }
    #expect(packetCount > 100_000)
  }

  /// Reads a frame as the data path does.
  private static func readAll(_ pool: [UInt8], at start: Int, _ count: Int) -> InnerPacket? {
    let frame = pool.span.extracting(start..<start + count)
    guard let ethernet = EthernetHeader(parsing: frame) else { return nil }
    let packet = InnerPacket(inFrame: frame)
    _ = FlowHash.hash(of: frame, ethernet: ethernet, packet: packet, with: key)
    return packet
  }

  /// Puts the EtherType of IP or of a tag where it counts, and the version where it then counts, most of the time.
  private static func makeNearlyIP(_ pool: inout [UInt8], at start: Int, by bits: UInt64) {
    var offset = start + 12
    for tag in 0..<Int(bits & 7) {
      guard tag < 4, bits >> 3 & 1 == 0 else { break }
      pool[offset] = 0x81
      pool[offset + 1] = 0x00
      offset += 4
    }
    let isIPv4 = bits >> 4 & 1 == 0
    pool[offset] = isIPv4 ? 0x08 : 0x86
    pool[offset + 1] = isIPv4 ? 0x00 : 0xDD
    if bits >> 5 & 7 != 0 { pool[offset + 2] = pool[offset + 2] & 0x0F | (isIPv4 ? 0x40 : 0x60) }
    if bits >> 8 & 1 != 0 { pool[offset + (isIPv4 ? 11 : 8)] = 17 }
  }
}
