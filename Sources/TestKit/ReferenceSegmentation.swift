import LinuxIO
import VXLAN

/// What the kernel does with a frame and its virtio-net header, written slowly and plainly from the standards, so that
/// tests have something to hold the fast way against. It shares no code with it.
package enum ReferenceSegmentation {
  /// The frames that would be on a wire.
  package static func frames(of frame: [UInt8], _ header: VirtioNetHeader) -> [[UInt8]] {
    guard header.gsoType != 0 else {
      guard header.flags & 1 != 0 else { return [frame] }
      var finished = frame
      let start = Int(header.checksumStart)
      setChecksum(&finished, at: start + Int(header.checksumOffset), over: start..<frame.count)
      return [finished]
    }
    let isUDP = header.gsoType == 5
    let transport = Int(header.checksumStart)
    let headerEnd = transport + (isUDP ? 8 : Int(frame[transport + 12] >> 4) * 4)
    let payload = Array(frame[headerEnd...])
    let size = Int(header.gsoByteCount)
    let starts = Array(stride(from: 0, to: payload.count, by: size))
    return starts.enumerated().map { number, start in
      let piece = Array(payload[start..<min(payload.count, start + size)])
      var segment = Array(frame[..<headerEnd]) + piece
      setNetwork(&segment, transport: transport, number: number)
      if isUDP {
        set16(&segment, at: transport + 4, segment.count - transport)
      } else {
        let sequence = get32(segment, at: transport + 4) &+ UInt32(start)
        for index in 0..<4 { segment[transport + 4 + index] = UInt8(truncatingIfNeeded: sequence >> (24 - 8 * index)) }
        if number < starts.count - 1 { segment[transport + 13] &= 0b1111_0110 }
        if number > 0 { segment[transport + 13] &= 0b0111_1111 }
      }
      setTransportChecksum(&segment, transport: transport, isUDP: isUDP)
      return segment
    }
  }

  /// Fills in the checksum of the TCP or UDP header at `transport`, pseudo-header and all.
  package static func setTransportChecksum(_ frame: inout [UInt8], transport: Int, isUDP: Bool) {
    let network = networkOffset(frame)
    let isIPv4 = frame[network] >> 4 == 4
    let addresses = isIPv4 ? frame[(network + 12)..<(network + 20)] : frame[(network + 8)..<(network + 40)]
    let field = transport + (isUDP ? 6 : 16)
    set16(&frame, at: field, 0)
    let byteCount = frame.count - transport
    let pseudo = Array(addresses) + [0, isUDP ? 17 : 6, UInt8(byteCount >> 8 & 0xFF), UInt8(byteCount & 0xFF)]
    let checksum = checksum(of: pseudo + frame[transport...])
    set16(&frame, at: field, Int(isUDP && checksum == 0 ? 0xFFFF : checksum))
  }

  /// Of the IP header behind Ethernet and its tags.
  package static func networkOffset(_ frame: [UInt8]) -> Int {
    var offset = 12
    while offset + 4 <= frame.count, [0x81, 0x88].contains(frame[offset]), [0x00, 0xA8].contains(frame[offset + 1]) {
      offset += 4
    }
    return offset + 2
  }

  private static func setNetwork(_ frame: inout [UInt8], transport: Int, number: Int) {
    let network = networkOffset(frame)
    guard frame[network] >> 4 == 4 else { return set16(&frame, at: network + 4, frame.count - network - 40) }
    set16(&frame, at: network + 2, frame.count - network)
    let identification = Int(frame[network + 4]) << 8 | Int(frame[network + 5])
    set16(&frame, at: network + 4, (identification + number) & 0xFFFF)
    setChecksum(&frame, at: network + 10, over: network..<transport, clearing: true)
  }

  private static func setChecksum(_ frame: inout [UInt8], at field: Int, over range: Range<Int>, clearing: Bool = false)
  {
    if clearing { set16(&frame, at: field, 0) }
    let checksum = checksum(of: Array(frame[range]))
    set16(&frame, at: field, Int(!clearing && field - range.lowerBound == 6 && checksum == 0 ? 0xFFFF : checksum))
  }

  private static func checksum(of bytes: [UInt8]) -> UInt16 {
    Checksum.finish(Checksum.sum(bytes.span))
  }

  private static func set16(_ frame: inout [UInt8], at offset: Int, _ value: Int) {
    frame[offset] = UInt8(truncatingIfNeeded: value >> 8)
    frame[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  private static func get32(_ frame: [UInt8], at offset: Int) -> UInt32 {
    frame[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }
}
