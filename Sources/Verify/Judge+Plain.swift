import Sealing
import VXLAN

// The rules about plain VXLAN.
extension Judge {
  mutating func judgePlain(_ piece: Piece, _ datagram: Span<UInt8>, _ way: Way) {
    guard let header = VXLANHeader(parsing: datagram) else { return }
    judgeDuplicate(piece, datagram, way)
    judgeSourcePort(way)
    guard header.hasVNIFlag else {
      return report(.noVNIFlag) { Self.hexadecimal(piece.header) }
    }
    enter(header.vni)
    if let segmentNumber { segments[segmentNumber].plainFrameCount &+= 1 }
    if header.hasReservedBits { report(.reservedBits) { Self.hexadecimal(piece.header) } }
    judgeSegment(header.vni)
    if plan.sealedSegments.contains(header.vni) {
      report(.clearTraffic) { "segment \(header.vni) is to be sealed" }
    }
    let frame = datagram.extracting(droppingFirst: VXLANHeader.byteCount)
    judgeFrame(
      frame, statedByteCount: piece.statedByteCount &- VXLANHeader.byteCount, overhead: VXLANHeader.byteCount,
      header.vni, way)
  }

  /// Whether the segment is one of those that were declared.
  mutating func judgeSegment(_ vni: VNI) {
    guard !plan.segments.isEmpty, !plan.segments.contains(vni), !plan.sealedSegments.contains(vni) else { return }
    report(.unknownVNI) { "segment \(vni)" }
  }

  /// The same bytes between the same ends with the same IP identification, shortly after.
  mutating func judgeDuplicate(_ piece: Piece, _ datagram: Span<UInt8>, _ way: Way) {
    let packet = UInt32(truncatingIfNeeded: counts.packetCount)
    guard let before = datagrams.insert(piece.digest(datagram, seed: way.digest), packet: packet, stamp: stamp),
      isWithin(Limits.duplicateMilliseconds, of: before.stamp)
    else { return }
    report(.duplicate) { "of packet \(before.packet)" }
  }

  private static func hexadecimal(_ header: UInt64) -> String {
    let digits = String(header, radix: 16)
    return "header " + String(repeating: "0", count: 16 - digits.count) + digits
  }
}
