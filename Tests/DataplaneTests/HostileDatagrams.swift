import TestKit
import VXLAN

/// Makes datagrams and frames that a hostile sender could make: noise, and valid ones damaged in one place or several.
///
/// Noise is cut from a block made once, since making it byte by byte is what takes the time.
struct HostileDatagrams {
  static let lengthMax = 70_000

  private var generator: SeededGenerator
  private let noise: [UInt8]
  private let templates: [[UInt8]]
  private let vnis: [UInt32]
  private let sources: [IPAddress]

  /// - Parameters:
  ///   - vnis: of the segments that valid datagrams are for.
  ///   - sources: that datagrams come from.
  init(seed: UInt64, vnis: [UInt32], sources: [IPAddress]) {
    generator = SeededGenerator(seed: seed)
    noise = generator.bytes(Self.lengthMax * 2)
    templates = Self.makeTemplates()
    self.vnis = vnis
    self.sources = sources
  }

  mutating func number(below bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }

  /// A datagram from one of the sources, now and then in fragments, with any ECN.
  mutating func datagram() -> FakeDatagramPort.Received {
    let isNoise = number(below: 8) == 0
    var payload = isNoise ? noiseBytes() : Frames.vxlan(vni: vnis[number(below: vnis.count)], template())
    if !isNoise { damage(&payload, headerByteCount: 8) }
    return FakeDatagramPort.Received(
      payload, from: sources[number(below: sources.count)],
      trafficClass: UInt8(truncatingIfNeeded: generator.next()), isFragmented: number(below: 64) == 0)
  }

  /// A frame as a TAP could hand it over.
  mutating func frame() -> [UInt8] {
    if number(below: 8) == 0 { return noiseBytes() }
    var frame = template()
    damage(&frame, headerByteCount: 0)
    return frame
  }

  private mutating func template() -> [UInt8] { templates[number(below: templates.count)] }

  private mutating func noiseBytes() -> [UInt8] {
    // Mostly short: long ones all end alike.
    let bound =
      switch number(below: 512) {
      case 0: Self.lengthMax + 1
      case 1..<32: 2_000
      case 32..<256: 128
      default: 32
      }
    let length = number(below: bound)
    let start = number(below: Self.lengthMax)
    return Array(noise[start..<(start + length)])
  }

  private mutating func damage(_ bytes: inout [UInt8], headerByteCount: Int) {
    switch number(below: 6) {
    case 0: break
    case 1: bytes.removeLast(number(below: bytes.count + 1))
    case 2: bytes += noiseBytes()
    case 3: flipBits(&bytes)
    case 4 where headerByteCount > 0: replaceHeaderField(&bytes)
    default: replaceFrameField(&bytes, at: headerByteCount)
    }
  }

  private mutating func flipBits(_ bytes: inout [UInt8]) {
    for _ in 0...number(below: 8) { bytes[number(below: bytes.count)] ^= 1 << UInt8(number(below: 8)) }
  }

  /// Of the VXLAN header: flags, reserved bytes, VNI.
  private mutating func replaceHeaderField(_ bytes: inout [UInt8]) {
    bytes[number(below: 8)] = UInt8(truncatingIfNeeded: generator.next())
  }

  /// Of the inner frame: an address, the EtherType, or one of the first bytes of what follows.
  private mutating func replaceFrameField(_ bytes: inout [UInt8], at offset: Int) {
    switch number(below: 4) {
    case 0:
      let source: [MACAddress] = [.zero, .broadcast, .station(1), HostileBench.ownMAC, .station(number(below: 4_096))]
      bytes.replaceSubrange((offset + 6)..<(offset + 12), with: source[number(below: source.count)].octets)
    case 1:
      let destination: [MACAddress] = [.zero, .broadcast, .station(1), .station(number(below: 4_096))]
      bytes.replaceSubrange(offset..<(offset + 6), with: destination[number(below: destination.count)].octets)
    case 2:
      let etherType: [[UInt8]] = [[0x08, 0x00], [0x86, 0xDD], [0x81, 0x00], [0x88, 0xA8], [0x08, 0x06], [0, 46]]
      bytes.replaceSubrange((offset + 12)..<(offset + 14), with: etherType[number(below: etherType.count)])
    default:
      bytes[offset + 14 + number(below: 20)] = UInt8(truncatingIfNeeded: generator.next())
    }
  }

  /// Valid frames: IPv4 and IPv6 with TCP, UDP and neither, bare and behind tags, with each ECN; each 54 bytes or more.
  private static func makeTemplates() -> [[UInt8]] {
    let four = (IPAddress(ipv4: 0x0A2A_0001), IPAddress(ipv4: 0x0A2A_0002))
    let six = (IPAddress(ipv6High: 0xFD00 << 48, low: 1), IPAddress(ipv6High: 0xFD00 << 48, low: 2))
    let other = Frames.ethernet(to: .broadcast, from: .station(7), payload: Array(repeating: 7, count: 46))
    var frames: [[UInt8]] = [other]
    for trafficClass: UInt8 in 0..<4 {
      for ipProtocol: UInt8 in [6, 17, 132, 1] {
        let payload = Frames.udp(from: 1_000, to: 2_000, payload: Array(repeating: trafficClass, count: 30))
        let packets: [(UInt16, [UInt8])] = [
          (
            0x0800,
            Frames.ipv4(
              from: four.0, to: four.1, ipProtocol: ipProtocol, trafficClass: trafficClass, payload: payload)
          ),
          (
            0x86DD,
            Frames.ipv6(
              from: six.0, to: six.1, nextHeader: ipProtocol, trafficClass: trafficClass, payload: payload)
          ),
        ]
        for (etherType, packet) in packets {
          frames.append(Frames.ethernet(to: .station(2), from: .station(1), etherType: etherType, payload: packet))
          frames.append(
            Frames.tagged(to: .station(2), from: .station(3), vlan: 5, etherType: etherType, payload: packet))
        }
      }
    }
    return frames
  }
}
