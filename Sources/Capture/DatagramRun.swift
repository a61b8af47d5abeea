import Sealing
import VXLAN

/// A payload that is several datagrams, as `UDP_SEGMENT` hands them to a card and GRO joins them: all of one length but
/// for the last, which may be shorter, each with a header of its own.
///
/// The capture does not say how long each is. Sealed ones are known by counters that count up. Of plain ones the first
/// inner packet tells its length; where it is no IP packet, only a payload that the path could not carry is searched.
package enum DatagramRun {
  /// Header and Ethernet header.
  private static let byteCountMin = VXLANHeader.byteCount + EthernetHeader.byteCount
  /// Datagrams in one run.
  /// - SeeAlso: UDP_MAX_SEGMENTS in Linux, include/linux/udp.h.
  private static let countMax = 128

  /// How long each but the last is; nil: it is no run of datagrams of at most `most` bytes.
  package static func byteCount(of payload: borrowing Span<UInt8>, max most: Int) -> Int? {
    guard payload.count >= byteCountMin &+ VXLANHeader.byteCount else { return nil }
    let header = payload.bigEndian64(at: 0)
    let isPlain = header >> 56 == 0x08
    let longest = min(most, payload.count &- VXLANHeader.byteCount)
    if isPlain, let each = told(by: payload) {
      return each <= longest && repeats(header, each, payload, isPlain: true) ? each : nil
    }
    guard !isPlain || payload.count > most else { return nil }
    var each = max(byteCountMin, payload.count / countMax)
    while each <= longest {
      if payload.bigEndian64(at: each) == header, repeats(header, each, payload, isPlain: isPlain) { return each }
      each &+= 1
    }
    return nil
  }

  /// The length of a plain datagram by the IP packet inside; nil when there is none.
  private static func told(by payload: borrowing Span<UInt8>) -> Int? {
    let frame = payload.extracting(droppingFirst: VXLANHeader.byteCount)
    guard let packet = InnerPacket(inFrame: frame) else { return nil }
    let start = VXLANHeader.byteCount &+ packet.offset
    switch packet.family {
    case .ipv4: return start &+ Int(frame.bigEndian16(at: packet.offset &+ 2))
    case .ipv6: return start &+ Specification.ipv6HeaderByteCount &+ Int(frame.bigEndian16(at: packet.offset &+ 4))
    }
  }

  private static func repeats(
    _ header: UInt64, _ each: Int, _ payload: borrowing Span<UInt8>, isPlain: Bool
  ) -> Bool {
    var offset = each
    while offset &+ VXLANHeader.byteCount <= payload.count {
      guard payload.bigEndian64(at: offset) == header, isPlain || continues(offset, each, payload) else { return false }
      offset &+= each
    }
    return true
  }

  /// Whether the sealed datagram at `offset` follows the one before in lane, index and counter.
  private static func continues(_ offset: Int, _ each: Int, _ payload: borrowing Span<UInt8>) -> Bool {
    guard offset &+ SealedHeader.byteCount <= payload.count else { return true }
    return payload.bigEndian64(at: offset &+ 8) == payload.bigEndian64(at: offset &- each &+ 8) &+ 1
  }
}
