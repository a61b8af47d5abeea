import Capture
import VXLAN

/// An inner frame as two hosts may both have captured it.
struct ComparedFrame: Equatable {
  /// Of segment and bytes, but for the checksums of TCP and UDP, which a card may still have to write.
  let hash: UInt64
  /// Of the TCP connection and direction; 0: no TCP with data, which is compared as whole frames only.
  let flow: UInt64
  /// The sum over all bytes of TCP data of a hash of each with its sequence number: the same however they are cut.
  let content: UInt64
  /// Nanoseconds.
  let time: Int64
  let vni: VNI?

  /// - Parameters:
  ///   - hashedVNI: the segment where both sides know it; else nil.
  init(
    _ frame: Span<UInt8>, time: Int64, vni: VNI?, hashedVNI: VNI?, key: KeyedHash
  ) {
    (self.time, self.vni) = (time, vni)
    let link = LinkHeader(.ethernet, frame)
    let packet = link.flatMap { IPPacket(frame, at: $0.byteCount, etherType: $0.etherType) }
    let segment = UInt64(hashedVNI?.rawValue ?? 0)
    hash = Self.hash(frame, without: packet.flatMap { Self.checksumOffset($0, frame) }, segment, key)
    guard let packet, let data = Self.tcpData(packet, frame), !data.isEmpty else {
      (flow, content) = (0, 0)
      return
    }
    let ports = UInt64(frame.bigEndian32(at: packet.payloadOffset))
    var state = KeyedHash.State(key)
    state.combine(segment << 32 | ports)
    for address in [packet.source, packet.destination] {
      state.combine(address.high)
      state.combine(address.low)
    }
    flow = max(state.finish(), 1)
    content = Self.sum(frame.extracting(data), from: frame.bigEndian32(at: packet.payloadOffset + 4), flow: flow)
  }

  private static func hash(
    _ frame: Span<UInt8>, without checksumOffset: Int?, _ segment: UInt64, _ key: KeyedHash
  ) -> UInt64 {
    var state = KeyedHash.State(key)
    state.combine(segment << 32 | UInt64(frame.count))
    var offset = 0
    while offset < frame.count {
      var word = frame.count - offset >= 8 ? frame.bigEndian64(at: offset) : 0
      if frame.count - offset < 8 { for index in offset..<frame.count { word = word << 8 | UInt64(frame[index]) } }
      if let checksumOffset, checksumOffset < offset + 8, checksumOffset + 2 > offset {
        word = masked(word, byteCount: min(8, frame.count - offset), checksumOffset - offset)
      }
      state.combine(word)
      offset += 8
    }
    return state.finish()
  }

  /// The word without the two bytes at `offset`, of which one may lie outside.
  private static func masked(_ word: UInt64, byteCount: Int, _ offset: Int) -> UInt64 {
    (offset..<offset + 2).filter { (0..<byteCount).contains($0) }.reduce(word) { word, index in
      word & ~(0xFF << UInt64(8 * (byteCount - 1 - index)))
    }
  }

  private static func checksumOffset(_ packet: IPPacket, _ frame: Span<UInt8>) -> Int? {
    guard (packet.fragmentOffset ?? 0) == 0 else { return nil }
    let offset: Int
    switch packet.protocolNumber {
    case Specification.protocolTCP: offset = packet.payloadOffset + 16
    case Specification.protocolUDP: offset = packet.payloadOffset + 6
    default: return nil
    }
    return offset + 2 <= frame.count ? offset : nil
  }

  /// Where the data of a TCP segment lies; nil for what is none, or was cut short.
  private static func tcpData(_ packet: IPPacket, _ frame: Span<UInt8>) -> Range<Int>? {
    let start = packet.payloadOffset
    guard packet.protocolNumber == Specification.protocolTCP, packet.fragmentOffset == nil, frame.count - start >= 20
    else { return nil }
    let data = start + Int(frame[start + 12] >> 4) * 4
    let end = packet.end(in: frame)
    return data <= end ? data..<end : nil
  }

  private static func sum(_ data: Span<UInt8>, from sequence: UInt32, flow: UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for index in data.indices {
      let place = UInt64(sequence &+ UInt32(truncatingIfNeeded: index))
      var word = (place << 8 | UInt64(data[index])) ^ flow
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      sum &+= word ^ word >> 31
    }
    return sum
  }
}
