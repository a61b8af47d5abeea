import TestKit
import Testing

/// The reader of captures itself.
@Suite("capture file")
struct CaptureFileTests {
  private static let littleEndian: [UInt8] =
    [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0] + Array(repeating: 0, count: 8) + [0xFF, 0xFF, 0, 0, 1, 0, 0, 0]
  private static let packet: [UInt8] = Array(repeating: 0, count: 8) + [3, 0, 0, 0, 3, 0, 0, 0] + [7, 8, 9]

  @Test("packets come in order, and a file without any is whole")
  func packets() throws {
    #expect(try CaptureFile(parsing: Self.littleEndian).packets.isEmpty)
    let file = try CaptureFile(parsing: Self.littleEndian + Self.packet + Self.packet)
    #expect(file.packets == [[7, 8, 9], [7, 8, 9]])
  }

  @Test("a file of a machine of the other byte order is read alike")
  func bigEndian() throws {
    let header: [UInt8] =
      [0xA1, 0xB2, 0x3C, 0x4D, 0, 2, 0, 4] + Array(repeating: 0, count: 8) + [0, 0, 0xFF, 0xFF, 0, 0, 0, 1]
    let packet: [UInt8] = Array(repeating: 0, count: 8) + [0, 0, 0, 3, 0, 0, 0, 3] + [7, 8, 9]
    #expect(try CaptureFile(parsing: header + packet).packets == [[7, 8, 9]])
  }

  @Test("a file cut inside a packet names the packet, and what is no capture of Ethernet is refused")
  func refusals() {
    let two = Self.littleEndian + Self.packet + Self.packet
    #expect(throws: CaptureFile.Problem.cutShort(packet: 2)) { try CaptureFile(parsing: two.dropLast()) }
    #expect(throws: CaptureFile.Problem.cutShort(packet: 1)) { try CaptureFile(parsing: Array(two.prefix(30))) }
    #expect(throws: CaptureFile.Problem.notACapture) { try CaptureFile(parsing: Array(two.prefix(23))) }
    #expect(throws: CaptureFile.Problem.notACapture) { try CaptureFile(parsing: [0] + two.dropFirst()) }
    var raw = two
    raw[20] = 101
    #expect(throws: CaptureFile.Problem.notEthernet(101)) { try CaptureFile(parsing: raw) }
  }
}
