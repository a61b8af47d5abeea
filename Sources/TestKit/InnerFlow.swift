import LinuxIO
import VXLAN

/// One flow of TCP or UDP between two stations: the next frame of it, with every field at a value that a test may
/// change.
package struct InnerFlow {
  package var isUDP = false
  package var isIPv6 = false
  package var destination = MACAddress.station(9)
  package var source = MACAddress.station(1)
  /// 802.1Q tags, the outer one first.
  package var tags: [UInt16] = []
  package var trafficClass: UInt8 = 0
  package var hopLimit: UInt8 = 64
  package var flowLabel: UInt32 = 0x1_2345
  /// Flags and offset of IPv4.
  package var fragment: UInt16 = 0x4000
  package var identification: UInt16 = 1
  /// Of IPv4, a multiple of 4 bytes.
  package var networkOptions: [UInt8] = []
  /// An IPv6 destination-options header of 8 bytes stands between.
  package var hasExtensionHeader = false
  package var host: UInt8 = 1
  package var sourcePort: UInt16 = 40_000
  package var destinationPort: UInt16 = 443
  package var sequence: UInt32 = 1_000
  package var acknowledgement: UInt32 = 77
  package var window: UInt16 = 500
  package var urgentPointer: UInt16 = 0
  /// Of TCP; ACK alone.
  package var flags: UInt8 = 0x10
  /// Of TCP, a multiple of 4 bytes: timestamps.
  package var options: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 4]

  /// TCP and UDP over both families.
  package static let kinds = [
    InnerFlow(), InnerFlow(isIPv6: true), InnerFlow(isUDP: true), InnerFlow(isUDP: true, isIPv6: true),
  ]

  package init(isUDP: Bool = false, isIPv6: Bool = false) {
    self.isUDP = isUDP
    self.isIPv6 = isIPv6
  }

  package var networkOffset: Int { 14 + 4 * tags.count }
  package var transportOffset: Int {
    networkOffset + (isIPv6 ? (hasExtensionHeader ? 48 : 40) : 20 + networkOptions.count)
  }
  package var headerByteCount: Int { transportOffset + (isUDP ? 8 : 20 + options.count) }

  /// The next frame, its checksums right.
  package func frame(_ payload: [UInt8]) -> [UInt8] {
    var frame = destination.octets + source.octets
    for tag in tags { frame += [0x81, 0] + Self.octets(tag) }
    frame += isIPv6 ? [0x86, 0xDD] : [8, 0]
    let transport = transportHeader(payload) + payload
    frame += networkHeader(transport.count) + transport
    ReferenceSegmentation.setTransportChecksum(&frame, transport: transportOffset, isUDP: isUDP)
    return frame
  }

  /// The next frame as a superframe of segments with `gsoByteCount` bytes of payload each, and what the kernel says of
  /// it.
  package func superframe(_ payload: [UInt8], gsoByteCount: Int) -> (frame: [UInt8], header: VirtioNetHeader) {
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.gsoType =
      isUDP ? VirtioNetHeader.gsoUDP : isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4
    header.headerByteCount = UInt16(headerByteCount)
    header.gsoByteCount = UInt16(gsoByteCount)
    header.checksumStart = UInt16(transportOffset)
    header.checksumOffset = isUDP ? 6 : 16
    return (frame(payload), header)
  }

  /// The frames of `payload` in segments of `byteCount` bytes, as a sender without offloads would make them.
  package func segments(_ payload: [UInt8], byteCount: Int) -> [[UInt8]] {
    let (frame, header) = superframe(payload, gsoByteCount: byteCount)
    return ReferenceSegmentation.frames(of: frame, header)
  }

  /// What follows `byteCount` bytes of payload in `frameCount` frames.
  package mutating func advance(byteCount: Int, frameCount: Int = 1) {
    sequence &+= UInt32(byteCount)
    identification &+= UInt16(truncatingIfNeeded: frameCount)
  }

  private func transportHeader(_ payload: [UInt8]) -> [UInt8] {
    let ports = Self.octets(sourcePort) + Self.octets(destinationPort)
    if isUDP { return ports + Self.octets(UInt16(8 + payload.count)) + [0, 0] }
    let offset = UInt8((20 + options.count) / 4) << 4
    return ports + Self.octets(UInt16(sequence >> 16)) + Self.octets(UInt16(sequence & 0xFFFF))
      + Self.octets(UInt16(acknowledgement >> 16)) + Self.octets(UInt16(acknowledgement & 0xFFFF)) + [offset, flags]
      + Self.octets(window) + [0, 0] + Self.octets(urgentPointer) + options
  }

  private func networkHeader(_ byteCount: Int) -> [UInt8] {
    let ipProtocol: UInt8 = isUDP ? 17 : 6
    if isIPv6 {
      let between: [UInt8] = hasExtensionHeader ? [ipProtocol, 0, 1, 4, 0, 0, 0, 0] : []
      let address: [UInt8] = [0xFD, 0x42] + [UInt8](repeating: 0, count: 13)
      return [0x60 | trafficClass >> 4, trafficClass << 4 | UInt8(flowLabel >> 16 & 0x0F)]
        + Self.octets(UInt16(flowLabel & 0xFFFF)) + Self.octets(UInt16(byteCount + between.count))
        + [hasExtensionHeader ? 60 : ipProtocol, hopLimit] + address + [host] + address + [99] + between
    }
    let headerByteCount = 20 + networkOptions.count
    var header: [UInt8] = [0x40 | UInt8(headerByteCount / 4), trafficClass]
    header += Self.octets(UInt16(headerByteCount + byteCount)) + Self.octets(identification) + Self.octets(fragment)
    header += [hopLimit, ipProtocol, 0, 0, 10, 42, 0, host, 10, 42, 0, 99] + networkOptions
    let checksum = Checksum.finish(Checksum.sum(header.span))
    header.replaceSubrange(10..<12, with: Self.octets(checksum))
    return header
  }

  private static func octets(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
