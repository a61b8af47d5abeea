import LinuxIO
import VXLAN

/// The frames that replaying ports hand over: whole IPv4 packets with right lengths and checksums.
package enum ReplayTraffic {
  /// Of the TCP header with timestamps, IPv4 and Ethernet before it.
  static let superframeHeaderByteCount = 66
  /// Payload of one segment: what an underlay of MTU 1500 leaves of it.
  static let segmentPayloadByteCount = 1398
  /// Segments of a superframe: as many as fill one UDP_SEGMENT send of at most 65,507 bytes.
  package static let segmentsPerSuperframe = 44
  /// Of one segment, from its Ethernet header on.
  package static let segmentByteCount = superframeHeaderByteCount + segmentPayloadByteCount
  /// Ethernet, IPv4 and UDP with nothing behind.
  package static let frameByteCountMin = 42

  /// The station behind the own TAP, and the one behind the first peer.
  package static let here = MACAddress(rawValue: 0x0200_0000_0001)
  package static let there = MACAddress(rawValue: 0x0200_0000_0002)

  private static let hereAddress: [UInt8] = [10, 42, 0, 1]
  private static let thereAddress: [UInt8] = [10, 42, 0, 2]

  /// A batch of UDP, each frame of another flow: nothing of one frame can be used again for the next.
  /// - Parameter byteCount: of a frame, from its Ethernet header on; at least `frameByteCountMin`.
  package static func frames(byteCount: Int, to destination: MACAddress, from source: MACAddress) -> [[UInt8]] {
    precondition(byteCount >= frameByteCountMin)
    return (0..<LinuxIO.Limits.framesPerBatch).map { number in
      let payload = [UInt8](repeating: 7, count: byteCount - frameByteCountMin)
      let udp = bigEndian(40_000 + number) + bigEndian(443) + bigEndian(8 + payload.count) + [0, 0]
      let packet = ipv4(header: udp, checksumAt: 6, payload: payload, ipProtocol: Specification.protocolUDP)
      return destination.octets + source.octets + bigEndian(Int(Specification.etherTypeIPv4)) + packet + payload
    }
  }

  /// A superframe of `segmentsPerSuperframe` TCP segments as a TAP hands it over, and what it says of it.
  static func superframe(to destination: MACAddress, from source: MACAddress) -> (frame: [UInt8], VirtioNetHeader) {
    var offload = VirtioNetHeader()
    offload.flags = VirtioNetHeader.needsChecksum
    offload.gsoType = VirtioNetHeader.gsoTCPv4
    offload.gsoByteCount = UInt16(segmentPayloadByteCount)
    offload.checksumStart = 34
    offload.checksumOffset = 16
    let payload = [UInt8](repeating: 7, count: segmentsPerSuperframe * segmentPayloadByteCount)
    // The checksum is finished here too: the data path writes its own without looking at it.
    return (tcp(to: destination, from: source, sequence: 0, payload: payload), offload)
  }

  /// The segments of such a superframe, one behind the other in one flow.
  static func segments(to destination: MACAddress, from source: MACAddress) -> [[UInt8]] {
    let payload = [UInt8](repeating: 7, count: segmentPayloadByteCount)
    return (0..<segmentsPerSuperframe).map { number in
      tcp(to: destination, from: source, sequence: number * payload.count, identification: number, payload: payload)
    }
  }

  /// `frame` as the payload of a datagram.
  static func datagram(_ frame: [UInt8], vni: VNI) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: VXLANHeader.byteCount)
    var span = header.mutableSpan
    VXLANHeader(vni: vni).write(to: &span)
    return header + frame
  }

  /// Ethernet, IPv4 and TCP with timestamps.
  private static func tcp(
    to destination: MACAddress, from source: MACAddress, sequence: Int, identification: Int = 0, payload: [UInt8]
  ) -> [UInt8] {
    var tcp = bigEndian(40_000) + bigEndian(443) + bigEndian(sequence >> 16) + bigEndian(sequence & 0xFFFF)
    // Acknowledgement 1, eight words of header, ACK, window; checksum and urgent pointer; two NOPs and the timestamps.
    tcp += [0, 0, 0, 1, 0x80, 0x10, 1, 0xF4, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 4]
    let packet = ipv4(
      header: tcp, checksumAt: 16, payload: payload, ipProtocol: Specification.protocolTCP,
      identification: identification)
    return destination.octets + source.octets + bigEndian(Int(Specification.etherTypeIPv4)) + packet + payload
  }

  /// IPv4 with DF and the transport header, both with their checksums; `payload` goes behind.
  private static func ipv4(
    header: [UInt8], checksumAt offset: Int, payload: [UInt8], ipProtocol: UInt8, identification: Int = 0
  ) -> [UInt8] {
    let transportByteCount = header.count + payload.count
    var ip: [UInt8] = [0x45, 0] + bigEndian(Specification.ipv4HeaderByteCount + transportByteCount)
    ip += bigEndian(identification) + [0x40, 0, 64, ipProtocol, 0, 0] + hereAddress + thereAddress
    set(Checksum.finish(Checksum.sum(ip.span)), at: 10, in: &ip)
    var transport = header
    let summed = hereAddress + thereAddress + [0, ipProtocol] + bigEndian(transportByteCount) + header + payload
    let checksum = Checksum.finish(Checksum.sum(summed.span))
    // A UDP checksum of zero says that there is none.
    set(checksum == 0 ? 0xFFFF : checksum, at: offset, in: &transport)
    return ip + transport
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }

  private static func set(_ value: UInt16, at offset: Int, in bytes: inout [UInt8]) {
    bytes[offset] = UInt8(value >> 8)
    bytes[offset + 1] = UInt8(value & 0xFF)
  }
}
