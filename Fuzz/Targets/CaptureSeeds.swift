import TestKit
import VXLAN

/// Captures of both formats with datagrams of every kind, and the key log that belongs to them.
enum CaptureSeeds {
  static let keyLog: [UInt8] = Array(
    "VTEP_TRANSPORT_KEY 00abc aes256gcm \(String(repeating: "5a", count: 32)) 2026-01-31T09:00:00Z -\n".utf8)

  /// Packets of IPv4 and IPv6: plain, sealed, a handshake, too short.
  static let packets: [[UInt8]] = {
    let plain = FuzzFrames.samples.prefix(6).map { [8, 0, 0, 0, 0, 0, 42, 0] + $0 }
    let sealed: [UInt8] =
      [0x0C, 0, 0, 0xFE, 0, 0, 42, 0, 0, 0x0A, 0xBC, 0, 0, 0, 0, 1] + Array(repeating: 7, count: 60)
    let handshake: [UInt8] = [0x0C, 0, 0, 0xFF, 0, 0, 0, 0, 1, 0x0A, 0xBC] + Array(repeating: 7, count: 120)
    return plain.map { ipv4($0, port: 4789) } + [sealed, handshake].map { ipv4($0, port: 4790) } + [
      ipv4([8], port: 4789)
    ]
  }()

  static func ethernet(_ packet: [UInt8]) -> [UInt8] { [2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 1, 8, 0] + packet }

  /// A classic file, the numbers in the order of this machine.
  static func pcap(_ linkType: Int32) -> [UInt8] {
    packets.reduce(header(linkType)) { file, packet in
      let bytes = link(linkType) + packet
      return file + words([1_700_000_000, 1, UInt32(bytes.count), UInt32(bytes.count)]) + bytes
    }
  }

  /// One section, one interface, packets with their lengths in front and behind.
  static var pcapng: [UInt8] {
    var file = block(0x0A0D_0D0A, words([0x1A2B_3C4D, 0x0000_0001, .max, .max])) + block(1, words([1, 262_144]))
    for packet in packets.map(ethernet) {
      let padding = [UInt8](repeating: 0, count: -packet.count & 3)
      let length = UInt32(packet.count)
      file += block(6, words([0, 0x0006_0000, 1, length, length]) + packet + padding)
    }
    return file
  }

  private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let length = UInt32(body.count + 12)
    return words([type, length]) + body + words([length])
  }

  private static func header(_ linkType: Int32) -> [UInt8] {
    words([0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, UInt32(bitPattern: linkType)])
  }

  /// What stands before the packet.
  private static func link(_ linkType: Int32) -> [UInt8] {
    switch linkType {
    case 1: ethernet([])
    case 113: [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]
    case 276: [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]
    default: []
    }
  }

  private static func ipv4(_ payload: [UInt8], port: UInt16) -> [UInt8] {
    Frames.ipv4(
      from: IPAddress(ipv4: 0xC000_0201), to: IPAddress(ipv4: 0xC000_0202),
      payload: bigEndian([50_000, port, UInt16(payload.count + 8), 0]) + payload)
  }

  private static func bigEndian(_ values: [UInt16]) -> [UInt8] {
    values.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
  }

  private static func words(_ values: [UInt32]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  }
}
