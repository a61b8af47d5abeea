/// The packets of a capture in the classic pcap format, of any byte order and resolution, read from memory.
///
///     file    magic 4, version 2 + 2, zone 4, accuracy 4, snapshot length 4, link type 4
///     packet  seconds 4, fraction 4, captured length 4, original length 4, then the captured bytes
///
/// - SeeAlso: draft-ietf-opsawg-pcap.
package struct CaptureFile: Equatable, Sendable {
  /// What is wrong with a file.
  package enum Problem: Error, Equatable {
    /// The magic number is none of pcap's.
    case notACapture
    /// The link type is not Ethernet (1).
    case notEthernet(UInt32)
    /// The file ends inside a packet; counted from 1.
    case cutShort(packet: Int)
  }

  private static let fileHeaderByteCount = 24
  private static let packetHeaderByteCount = 16

  /// Each from its outer Ethernet header, in the order of the file.
  package let packets: [[UInt8]]

  /// Reads a whole file.
  package init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count >= Self.fileHeaderByteCount else { throw .notACapture }
    let isBigEndian: Bool
    switch Array(bytes[0..<4]) {
    case [0xD4, 0xC3, 0xB2, 0xA1], [0x4D, 0x3C, 0xB2, 0xA1]: isBigEndian = false
    case [0xA1, 0xB2, 0xC3, 0xD4], [0xA1, 0xB2, 0x3C, 0x4D]: isBigEndian = true
    default: throw .notACapture
    }
    func word(at offset: Int) -> UInt32 {
      let four = bytes[offset..<(offset + 4)]
      return (isBigEndian ? Array(four) : four.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
    }
    let linkType = word(at: 20) & 0xFFFF
    guard linkType == 1 else { throw .notEthernet(linkType) }
    var packets: [[UInt8]] = []
    var offset = Self.fileHeaderByteCount
    while offset < bytes.count {
      guard bytes.count - offset >= Self.packetHeaderByteCount else { throw .cutShort(packet: packets.count + 1) }
      let byteCount = Int(word(at: offset + 8))
      offset += Self.packetHeaderByteCount
      guard bytes.count - offset >= byteCount else { throw .cutShort(packet: packets.count + 1) }
      packets.append(Array(bytes[offset..<(offset + byteCount)]))
      offset += byteCount
    }
    self.packets = packets
  }
}
