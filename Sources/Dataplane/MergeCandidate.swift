import CVXLAN
import VXLAN

/// A frame from a peer that may be part of a superframe: TCP or UDP with a payload, and nothing that a superframe could
/// not say again. A value that exists is within the frame's bytes, and its transport checksum is right.
///
/// Verifying is not optional: the superframe tells the kernel to trust the payload, so a corrupt segment would be given
/// a good checksum on the way. Such a frame goes to the TAP alone, as it came.
struct MergeCandidate {
  let networkOffset: Int
  let transportOffset: Int
  let headerByteCount: Int
  let payloadByteCount: Int
  let isIPv6: Bool
  let isUDP: Bool

  /// All ones: the other way to spell a checksum of zero, which neither the kernel nor UDP would write in an IPv4 or
  /// TCP header. Such a frame would come out of a superframe changed.
  static let otherZero: UInt16 = 0xFFFF

  var ipProtocol: UInt8 { isUDP ? Specification.protocolUDP : Specification.protocolTCP }

  /// Whether `frame`, in which this was found, is the last of what its sender wrote: it has PSH.
  func isLast(_ frame: UnsafeMutablePointer<UInt8>) -> Bool {
    !isUDP && frame[transportOffset + 13] & OpenRun.push != 0
  }

  /// Nil for whatever goes alone.
  // SAFETY: every offset is compared with `byteCount`, which the caller knows to be there, before it is read.
  init?(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, mergesUDP: Bool) {
    guard byteCount >= EthernetHeader.byteCount else { return nil }
    var offset = EthernetHeader.byteCount
    var etherType = frame.bigEndian16(at: 12)
    if EthernetHeader.isTag(etherType), byteCount >= offset + Specification.vlanTagByteCount {
      etherType = frame.bigEndian16(at: offset + 2)
      offset += Specification.vlanTagByteCount
    }
    let ipProtocol: UInt8
    if etherType == Specification.etherTypeIPv4 {
      // No options, no fragment, and the frame ends where the packet ends.
      guard byteCount >= offset + 20, frame[offset] == 0x45, frame.bigEndian16(at: offset + 6) & 0x3FFF == 0,
        byteCount == offset + Int(frame.bigEndian16(at: offset + 2))
      else { return nil }
      ipProtocol = frame[offset + 9]
      transportOffset = offset + 20
      isIPv6 = false
    } else if etherType == Specification.etherTypeIPv6 {
      guard byteCount >= offset + 40, frame[offset] >> 4 == 6,
        byteCount == offset + 40 + Int(frame.bigEndian16(at: offset + 4))
      else { return nil }
      ipProtocol = frame[offset + 6]
      transportOffset = offset + 40
      isIPv6 = true
    } else {
      return nil
    }
    networkOffset = offset
    switch ipProtocol {
    case Specification.protocolTCP:
      // ACK and perhaps PSH; anything else is said once, by a frame of its own.
      guard byteCount > transportOffset + 20, frame[transportOffset + 13] & ~0x08 == 0x10 else { return nil }
      headerByteCount = transportOffset + Int(frame[transportOffset + 12] >> 4) * 4
      guard headerByteCount >= transportOffset + 20, headerByteCount < byteCount else { return nil }
      isUDP = false
    case Specification.protocolUDP where mergesUDP:
      headerByteCount = transportOffset + 8
      guard byteCount > headerByteCount, frame.bigEndian16(at: transportOffset + 6) != 0,
        Int(frame.bigEndian16(at: transportOffset + 4)) == byteCount - transportOffset
      else { return nil }
      isUDP = true
    default:
      return nil
    }
    payloadByteCount = byteCount - headerByteCount
    guard Self.isIntact(frame, byteCount, self) else { return nil }
  }

  private static func isIntact(
    _ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int, _ candidate: MergeCandidate
  ) -> Bool {
    let network = frame + candidate.networkOffset
    if !candidate.isIPv6, network.native16(at: 10) == otherZero { return false }
    if !candidate.isUDP,
      (frame + candidate.transportOffset).native16(at: TransportChecksum.offsetInTCP) == otherZero
    {
      return false
    }
    if !candidate.isIPv6, TransportChecksum.fold(cvxlan_sum(network, 20)) != 0xFFFF { return false }
    let sum = TransportChecksum.pseudoHeader(
      network: network, isIPv6: candidate.isIPv6,
      ipProtocol: candidate.ipProtocol, byteCount: byteCount - candidate.transportOffset)
    let all = sum &+ cvxlan_sum(frame + candidate.transportOffset, byteCount - candidate.transportOffset)
    return TransportChecksum.fold(all) == 0xFFFF
  }
}
