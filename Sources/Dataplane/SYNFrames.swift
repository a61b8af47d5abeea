import VXLAN

/// Finds the few frames whose MSS option has to be looked at, so that all others cost two comparisons.
enum SYNFrames {
  private static let flagsOffset = 13
  /// SYN and RST, and SYN alone.
  private static let flagsMask: UInt8 = 0x06
  private static let flagSYN: UInt8 = 0x02

  // HOT
  /// Whether the frame of `byteCount` bytes may be the SYN or SYN-ACK of a TCP connection. False is certain; true has
  /// to be found out by `MSSClamp`.
  // SAFETY: every offset is compared with `byteCount` before it is read.
  @inline(__always)
  static func mayContain(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int) -> Bool {
    guard byteCount >= EthernetHeader.byteCount + Specification.ipv4HeaderByteCount else { return false }
    let etherType = frame.bigEndian16(at: 12)
    if etherType == Specification.etherTypeIPv4 {
      guard frame[23] == Specification.protocolTCP else { return false }
      let flags = EthernetHeader.byteCount &+ Int(frame[14] & 0x0F) &* 4 &+ flagsOffset
      return flags < byteCount && frame[flags] & flagsMask == flagSYN
    }
    if etherType == Specification.etherTypeIPv6 {
      let flags = EthernetHeader.byteCount + Specification.ipv6HeaderByteCount + flagsOffset
      if frame[20] == Specification.protocolTCP { return flags < byteCount && frame[flags] & flagsMask == flagSYN }
      return Specification.isIPv6Extension(frame[20])
    }
    return EthernetHeader.isTag(etherType)
  }
}
