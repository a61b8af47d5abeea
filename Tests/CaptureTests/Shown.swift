import Glibc
import TestKit
import VXLAN

@testable import Capture

/// What `vtep capture` would say of a packet, with the time left out.
func shown(
  _ bytes: [UInt8], linkType: LinkType = .ethernet, style: LineStyle = LineStyle(), wireByteCount: Int? = nil,
  drop: String? = nil, selection: PacketSelection = PacketSelection()
) -> String? {
  // The time of a packet is that of its place.
  setenv("TZ", "UTC", 1)
  return bytes.withUnsafeBufferPointer { buffer in
    let packet = CapturedPacket(
      time: 1_700_000_000_123_456_789, bytes: buffer, wireByteCount: wireByteCount ?? buffer.count, dropReason: drop)
    var text: String?
    _ = selection.forEachView(packet, linkType: linkType) { view in
      text = (text ?? "") + PacketLine(style: style).text(view, linkType: linkType)
      return true
    }
    return text
  }
}

/// What is said of an inner frame.
func told(_ frame: [UInt8], wireByteCount: Int? = nil, isQuiet: Bool = false) -> String {
  FrameText.of(frame.span, wireByteCount: wireByteCount ?? frame.count, isQuiet: isQuiet)
}
