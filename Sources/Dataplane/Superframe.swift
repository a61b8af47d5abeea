import CVXLAN
import LinuxIO
import VXLAN

/// A TCP or UDP superframe from a TAP: where its headers are and how it is to be cut. A value that exists is within the
/// frame's bytes.
///
/// The kernel's `hdr_len` is not believed; the headers are read.
/// - SeeAlso: include/linux/virtio_net.h; RFC 9293 and RFC 768 for the fields.
struct Superframe {
  /// Of the IP header, from the start of the frame.
  let networkOffset: Int
  /// Of the TCP or UDP header.
  let transportOffset: Int
  /// Ethernet, tags, IP and transport: what every segment begins with.
  let headerByteCount: Int
  /// Payload of each segment but the last.
  let gsoByteCount: Int
  let payloadByteCount: Int
  let isIPv6: Bool
  let isUDP: Bool
  /// The sum of what all segments' IPv4 headers have in common: all but length, identification and checksum.
  private let networkSum: UInt64
  /// The sum of what all segments' transport headers have in common, pseudo-header included: all but lengths, sequence
  /// number, flags and checksum.
  private let transportSum: UInt64

  var segmentCount: Int { (payloadByteCount &+ gsoByteCount &- 1) / gsoByteCount }
  /// Of a full segment, without encapsulation.
  var segmentByteCount: Int { headerByteCount &+ min(gsoByteCount, payloadByteCount) }

  /// Nil when the offload header and the packet do not fit each other.
  init?(_ frame: FrameBatch.Frame, packet: InnerPacket?) {
    guard let packet, frame.offload.wantsChecksum, frame.offload.gsoByteCount > 0 else { return nil }
    networkOffset = packet.offset
    transportOffset = Int(frame.offload.checksumStart)
    isIPv6 = if case .ipv6 = packet.family { true } else { false }
    switch frame.offload.gsoType & ~VirtioNetHeader.gsoECN {
    case VirtioNetHeader.gsoTCPv4 where !isIPv6, VirtioNetHeader.gsoTCPv6 where isIPv6: isUDP = false
    case VirtioNetHeader.gsoUDP: isUDP = true
    default: return nil
    }
    let networkByteCount = isIPv6 ? Specification.ipv6HeaderByteCount : Specification.ipv4HeaderByteCount
    let transportByteCountMin = isUDP ? 8 : 20
    guard transportOffset >= networkOffset + networkByteCount,
      transportOffset + transportByteCountMin <= frame.byteCount
    else { return nil }
    if !isIPv6, networkOffset + Int(frame.start[networkOffset] & 0x0F) * 4 != transportOffset { return nil }
    let transportByteCount = isUDP ? 8 : Int(frame.start[transportOffset + 12] >> 4) * 4
    headerByteCount = transportOffset + transportByteCount
    gsoByteCount = Int(frame.offload.gsoByteCount)
    payloadByteCount = frame.byteCount - headerByteCount
    guard transportByteCount >= transportByteCountMin, payloadByteCount > 0 else { return nil }
    let network = frame.start + networkOffset
    let transport = frame.start + transportOffset
    networkSum =
      isIPv6
      ? 0
      : cvxlan_sum(network, 2) &+ cvxlan_sum(network + 6, 4)
        &+ cvxlan_sum(network + 12, transportOffset - networkOffset - 12)
    let pseudo = TransportChecksum.pseudoHeader(
      network: network, isIPv6: isIPv6, ipProtocol: isUDP ? Specification.protocolUDP : Specification.protocolTCP,
      byteCount: 0)
    transportSum =
      isUDP
      ? pseudo &+ cvxlan_sum(transport, 4)
      : pseudo &+ cvxlan_sum(transport, 4) &+ cvxlan_sum(transport + 8, 4) &+ cvxlan_sum(transport + 14, 2)
        &+ cvxlan_sum(transport + 18, transportByteCount - 18)
  }

  // HOT
  /// Writes segment number `index` of the superframe at `frame` to `to`, with every header field right and the
  /// checksums finished. Answers its length.
  ///
  /// IPv4 identification counts up from the superframe's (RFC 6864 lets it, DF or not); sequence numbers follow the
  /// payload; FIN and PSH stay on the last segment only, CWR on the first.
  // SAFETY: `init` has compared the offsets with the frame's length; `to` has room for `segmentByteCount`.
  func write(_ index: Int, of frame: UnsafeMutablePointer<UInt8>, to: UnsafeMutablePointer<UInt8>) -> Int {
    let offset = index &* gsoByteCount
    let byteCount = min(gsoByteCount, payloadByteCount &- offset)
    let isLast = offset &+ byteCount == payloadByteCount
    to.update(from: frame, count: headerByteCount)
    var sum = cvxlan_copy_and_sum(to + headerByteCount, frame + headerByteCount + offset, byteCount)
    let network = to + networkOffset
    let transport = to + transportOffset
    // What changes is computed from the superframe's own headers: reading back what was just written would wait for it.
    let transportByteCount = headerByteCount &- transportOffset &+ byteCount
    if isIPv6 {
      network.setBigEndian16(transportOffset &- networkOffset &- 40 &+ transportByteCount, at: 4)
    } else {
      let totalByteCount = UInt16(truncatingIfNeeded: transportOffset &- networkOffset &+ transportByteCount)
      let identification = frame.bigEndian16(at: networkOffset &+ 4) &+ UInt16(truncatingIfNeeded: index)
      let changing = UInt64(totalByteCount.bigEndian) &+ UInt64(identification.bigEndian)
      network.setBigEndian16(Int(totalByteCount), at: 2)
      network.setBigEndian16(Int(identification), at: 4)
      network.setNative16(~TransportChecksum.fold(networkSum &+ changing), at: 10)
    }
    let lengthSum = UInt64(UInt16(truncatingIfNeeded: transportByteCount).bigEndian)
    sum &+= transportSum &+ lengthSum
    if isUDP {
      transport.setBigEndian16(transportByteCount, at: 4)
      sum &+= lengthSum
    } else {
      let sequence = frame.bigEndian32(at: transportOffset &+ 4) &+ UInt32(truncatingIfNeeded: offset)
      var flags = frame.bigEndian16(at: transportOffset &+ 12)
      if !isLast { flags &= ~0x09 }
      if index > 0 { flags &= ~0x80 }
      transport.setBigEndian32(sequence, at: 4)
      transport.setBigEndian16(Int(flags), at: 12)
      sum &+= UInt64(sequence.bigEndian) &+ UInt64(flags.bigEndian)
    }
    let field = isUDP ? TransportChecksum.offsetInUDP : TransportChecksum.offsetInTCP
    transport.setNative16(TransportChecksum.field(sum, isUDP: isUDP), at: field)
    return headerByteCount &+ byteCount
  }
}
