/// How an inner IPv4 packet that may be fragmented is cut into pieces that its path carries.
///
/// A value that exists is within the frame's bytes.
/// - SeeAlso: RFC 791, section 3.2.
package struct IPv4Fragments: Equatable, Sendable {
  private static let dontFragment: UInt16 = 0x4000
  private static let moreFragments: UInt16 = 0x2000
  private static let offsetMask: UInt16 = 0x1FFF
  private static let optionEnd: UInt8 = 0
  private static let optionNothing: UInt8 = 1
  /// The bit of an option's kind that says: in every fragment.
  private static let optionCopied: UInt8 = 0x80

  private let networkOffset: Int
  private let headerByteCount: Int
  private let payloadByteCount: Int
  /// Of each piece but the last, a multiple of 8.
  private let pieceByteCount: Int

  /// Pieces that there will be, at least 2.
  package var count: Int { (payloadByteCount + pieceByteCount - 1) / pieceByteCount }
  /// The length of the longest frame that `write` makes.
  package var frameByteCountMax: Int { networkOffset + headerByteCount + pieceByteCount }

  /// Nil when `frame` must not or need not be cut: no IPv4, DF, a length that the frame does not have, small enough
  /// already; or when `overlayMTU` leaves no room for 8 bytes behind the header.
  package init?(of frame: borrowing Span<UInt8>, packet: InnerPacket, overlayMTU: Int) {
    let offset = packet.offset
    guard packet.family == .ipv4, frame.count >= offset + Specification.ipv4HeaderByteCount else { return nil }
    let headerByteCount = Int(frame[offset] & 0x0F) * 4
    let totalByteCount = Int(frame.bigEndian16(at: offset + 2))
    guard headerByteCount >= Specification.ipv4HeaderByteCount, totalByteCount > headerByteCount,
      frame.count >= offset + totalByteCount, totalByteCount > overlayMTU,
      frame.bigEndian16(at: offset + 6) & Self.dontFragment == 0, overlayMTU >= headerByteCount + 8
    else { return nil }
    networkOffset = offset
    self.headerByteCount = headerByteCount
    payloadByteCount = totalByteCount - headerByteCount
    pieceByteCount = (overlayMTU - headerByteCount) & ~7
    // A fragment's offset has 13 bits of 8 bytes; what lies beyond cannot be said (a packet that was hostile before).
    let last = Int(frame.bigEndian16(at: offset + 6) & Self.offsetMask) * 8 + payloadByteCount
    guard last <= 65_535 else { return nil }
  }

  /// Writes piece number `index` of `frame`, the one that this was made of, to the start of `bytes`, which must have
  /// room for `frameByteCountMax`. Answers its length.
  package func write(_ index: Int, of frame: borrowing Span<UInt8>, to bytes: inout MutableSpan<UInt8>) -> Int {
    precondition(index >= 0 && index < count && bytes.count >= frameByteCountMax)
    for position in 0..<(networkOffset + Specification.ipv4HeaderByteCount) { bytes[position] = frame[position] }
    let header =
      Specification.ipv4HeaderByteCount + writeOptions(of: frame, isFirst: index == 0, to: &bytes)
    let offset = index * pieceByteCount
    let byteCount = min(pieceByteCount, payloadByteCount - offset)
    let from = networkOffset + headerByteCount + offset
    for position in 0..<byteCount { bytes[networkOffset + header + position] = frame[from + position] }
    let before = frame.bigEndian16(at: networkOffset + 6)
    let isLast = offset + byteCount == payloadByteCount
    let flags = isLast ? before & Self.moreFragments : Self.moreFragments
    let place = (before & Self.offsetMask) &+ UInt16(truncatingIfNeeded: offset / 8)
    bytes[networkOffset] = 0x40 | UInt8(truncatingIfNeeded: header / 4)
    bytes.setBigEndian16(UInt16(truncatingIfNeeded: header + byteCount), at: networkOffset + 2)
    bytes.setBigEndian16(flags | place, at: networkOffset + 6)
    bytes.setBigEndian16(0, at: networkOffset + 10)
    let sum = Checksum.sum(bytes.span.extracting(networkOffset..<networkOffset + header))
    bytes.setBigEndian16(Checksum.finish(sum), at: networkOffset + 10)
    return networkOffset + header + byteCount
  }

  /// The options of the first piece are all of them, those of the others only what says that it is for every fragment.
  /// Answers their length, a multiple of 4.
  private func writeOptions(
    of frame: borrowing Span<UInt8>, isFirst: Bool, to bytes: inout MutableSpan<UInt8>
  ) -> Int {
    var from = networkOffset + Specification.ipv4HeaderByteCount
    let start = from
    let end = networkOffset + headerByteCount
    var to = start
    while from < end, frame[from] != Self.optionEnd || isFirst {
      let isSingle = isFirst || frame[from] == Self.optionNothing
      guard isSingle || from + 1 < end else { break }
      let byteCount = isSingle ? 1 : Int(frame[from + 1])
      guard isSingle || byteCount >= 2, from + byteCount <= end else { break }
      if isFirst || !isSingle && frame[from] & Self.optionCopied != 0 {
        for position in 0..<byteCount { bytes[to + position] = frame[from + position] }
        to += byteCount
      }
      from += byteCount
    }
    while (to - start) % 4 != 0 {
      bytes[to] = Self.optionEnd
      to += 1
    }
    return to - start
  }
}
