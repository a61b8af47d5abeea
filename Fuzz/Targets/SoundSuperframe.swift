import Dataplane
import LinuxIO
import TestKit
import VXLAN

/// Superframes that the kernel itself could have handed over, and what it would make of them.
enum SoundSuperframe {
  /// Nil for what is none: then only general rules apply.
  static func frames(of frame: [UInt8], _ header: VirtioNetHeader, _ segment: SegmentPlan) -> [[UInt8]]? {
    guard frame.count > 60, header.flags == 1, header.gsoByteCount >= 8, frame[6] & 1 == 0,
      let transport = transportOffset(frame), transport == Int(header.checksumStart)
    else { return nil }
    let isIPv4 = frame[12] == 8
    let ipProtocol = isIPv4 ? frame[23] : frame[20]
    switch (header.gsoType, ipProtocol) {
    case (VirtioNetHeader.gsoTCPv4, 6) where isIPv4, (VirtioNetHeader.gsoTCPv6, 6) where !isIPv4:
      let byteCount = Int(frame[transport + 12] >> 4) * 4
      // A SYN is no superframe, and its options are changed.
      guard header.checksumOffset == 16, byteCount >= 20, frame[transport + 13] & 0x86 == 0,
        frame.count > transport + byteCount, Int(header.headerByteCount) == transport + byteCount
      else { return nil }
    case (VirtioNetHeader.gsoUDP, 17):
      guard header.checksumOffset == 6, Int(header.headerByteCount) == transport + 8 else { return nil }
    default: return nil
    }
    let frames = ReferenceSegmentation.frames(of: frame, header)
    return frames.allSatisfy { $0.count <= segment.overlayMTU + 14 } ? frames : nil
  }

  /// Of IP packets without options and extensions whose lengths are right.
  private static func transportOffset(_ frame: [UInt8]) -> Int? {
    func word(_ offset: Int) -> Int { Int(frame[offset]) << 8 | Int(frame[offset + 1]) }
    switch word(12) {
    case 0x0800:
      return frame[14] == 0x45 && word(16) == frame.count - 14 && word(20) & 0x3FFF == 0 ? 34 : nil
    case 0x86DD:
      return frame[14] >> 4 == 6 && word(18) == frame.count - 54 && frame.count > 74 ? 54 : nil
    default: return nil
    }
  }
}
