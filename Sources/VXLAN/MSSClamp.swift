/// Lowers what the ends of a TCP connection tell each other of their largest segment, so that none is sent that would
/// not fit the path between them.
///
/// The option stands in the SYN and the SYN-ACK alone. It is lowered and never raised; where it is missing, the other
/// end assumes the smallest, and nothing has to be done.
/// - SeeAlso: RFC 9293, section 3.7.1; RFC 6691.
package enum MSSClamp {
  /// What the option leaves out: the IP and TCP headers without options.
  private static let ipv4HeadersByteCount = 40
  private static let ipv6HeadersByteCount = 60
  private static let tcpHeaderByteCountMin = 20
  /// The flags SYN and RST, and SYN alone.
  private static let flagsMask: UInt8 = 0x06
  private static let flagSYN: UInt8 = 0x02
  private static let optionEnd: UInt8 = 0
  private static let optionNothing: UInt8 = 1
  private static let optionMSS: UInt8 = 2

  /// Lowers the option in `frame`, whose packet is `packet`, if it is there and too large. Answers whether it was.
  ///
  /// - Parameters:
  ///   - overlayMTU: the largest inner IP packet that the path takes.
  ///   - isChecksumPartial: the checksum field holds the sum of the pseudo-header alone, as the kernel leaves it to its
  ///     device; the rest is computed later, over the lowered option.
  package static func lower(
    in frame: inout MutableSpan<UInt8>, packet: InnerPacket, overlayMTU: Int, isChecksumPartial: Bool
  ) -> Bool {
    let headersByteCount = packet.family == .ipv4 ? ipv4HeadersByteCount : ipv6HeadersByteCount
    guard overlayMTU > headersByteCount, let options = options(in: frame.span, packet: packet) else { return false }
    let largest = UInt16(clamping: overlayMTU - headersByteCount)
    var isLowered = false
    var offset = options.lowerBound
    while offset < options.upperBound {
      let kind = frame[offset]
      if kind == optionEnd { break }
      if kind == optionNothing {
        offset += 1
        continue
      }
      guard offset + 2 <= options.upperBound else { break }
      let byteCount = Int(frame[offset + 1])
      guard byteCount >= 2, offset + byteCount <= options.upperBound else { break }
      if kind == optionMSS, byteCount == 4 {
        let change = lowerValue(in: &frame, at: offset + 2, to: largest)
        if let change, !isChecksumPartial {
          adjustChecksum(of: change, at: offset + 2, tcp: options.lowerBound - tcpHeaderByteCountMin, in: &frame)
        }
        isLowered = isLowered || change != nil
      }
      offset += byteCount
    }
    return isLowered
  }

  /// Where the options of a SYN or SYN-ACK are; nil for every other frame.
  private static func options(in frame: borrowing Span<UInt8>, packet: InnerPacket) -> Range<Int>? {
    guard let transport = InnerTransport(of: packet, inFrame: frame),
      transport.ipProtocol == Specification.protocolTCP, !transport.isLaterFragment,
      frame.count >= transport.offset + tcpHeaderByteCountMin,
      frame[transport.offset + 13] & flagsMask == flagSYN
    else { return nil }
    let end = transport.offset + Int(frame[transport.offset + 12] >> 4) * 4
    let start = transport.offset + tcpHeaderByteCountMin
    return end >= start && end <= frame.count ? start..<end : nil
  }

  /// A word of the frame before and after.
  private struct Change {
    var old: UInt16
    var new: UInt16
  }

  private static func lowerValue(
    in frame: inout MutableSpan<UInt8>, at offset: Int, to largest: UInt16
  ) -> Change? {
    let old = frame.span.bigEndian16(at: offset)
    guard old > largest else { return nil }
    frame.setBigEndian16(largest, at: offset)
    return Change(old: old, new: largest)
  }

  /// Keeps the TCP checksum right, if it was. RFC 1624.
  private static func adjustChecksum(
    of change: Change, at offset: Int, tcp: Int, in frame: inout MutableSpan<UInt8>
  ) {
    // The sum is of words from the TCP header on; a value that begins in the middle of one counts with its bytes
    // swapped.
    let isSwapped = (offset - tcp) % 2 != 0
    let checksum = frame.span.bigEndian16(at: tcp + 16)
    let adjusted = Checksum.adjusted(
      checksum, replacing: isSwapped ? change.old.byteSwapped : change.old,
      with: isSwapped ? change.new.byteSwapped : change.new)
    frame.setBigEndian16(adjusted, at: tcp + 16)
  }
}
