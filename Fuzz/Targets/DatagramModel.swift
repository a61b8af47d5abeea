import Dataplane
import TestKit
import VXLAN

/// What becomes of a plain datagram, in the plainest terms: from RFC 7348 (sections 4.1 and 5), RFC 6040 (section 4.2)
/// and the order of the drop reasons. It shares no code with the data path.
enum DatagramModel {
  enum Verdict: Equatable {
    case delivered(slot: Int, [UInt8])
    case dropped(DropReason)
  }

  private static let tags: Set<Int> = [0x8100, 0x88A8]
  /// RFC 6040, figure 4, by inner and outer field; nil: dropped. Fields: 0 not ECT, 1 ECT(1), 2 ECT(0), 3 CE.
  private static let decapsulated: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]

  /// - Parameter peer: the slot of the sender; nil: nobody's.
  static func verdict(_ datagram: FakeDatagramPort.Received, peer: Int?) -> Verdict {
    let payload = datagram.payload
    if datagram.isFragmented { return .dropped(.fragment) }
    if payload.count > 65_536 { return .dropped(.truncated) }
    if payload.count < 8 { return .dropped(.shortHeader) }
    if payload[0] & 8 == 0 { return .dropped(.noVNIFlag) }
    let vni = number(payload[4..<7])
    let slot = FuzzBench.segments.firstIndex { Int($0.vni.rawValue) == vni }
    let hasReserved = payload[0] != 8 || payload[1..<4].contains { $0 != 0 } || payload[7] != 0
    if hasReserved, slot.map({ !FuzzBench.segments[$0].ignoresReservedBits }) ?? true { return .dropped(.reservedBits) }
    guard let peer else { return .dropped(.unknownPeer) }
    guard let slot else { return .dropped(.unknownVNI) }
    let segment = FuzzBench.segments[slot]
    guard segment.peers.contains(peer) else { return .dropped(.notPermitted) }
    let frame = Array(payload[8...])
    if let reason = reason(against: frame, segment, peer) { return .dropped(reason) }
    return withECN(frame, outer: datagram.trafficClass & 3).map { .delivered(slot: slot, $0) } ?? .dropped(.ecn)
  }

  private static func reason(against frame: [UInt8], _ segment: SegmentPlan, _ peer: Int) -> DropReason? {
    if frame.count < 14 { return .shortFrame }
    if frame.count > segment.overlayMTU + (segment.passesVLANTags ? 18 : 14) { return .oversize }
    if tags.contains(number(frame[12..<14])), !segment.passesVLANTags { return .vlanTag }
    let source = Array(frame[6..<12])
    if source[0] & 1 != 0 || source.allSatisfy({ $0 == 0 }) { return .invalidSourceMAC }
    if source == segment.ownMAC.octets { return .ownSourceMAC }
    return segment.staticEntries.contains { $0.mac.octets == source && $0.peer != peer } ? .staticMove : nil
  }

  /// The frame with the outer field brought in; nil: dropped.
  private static func withECN(_ frame: [UInt8], outer: UInt8) -> [UInt8]? {
    var offset = 12
    // Three tags are looked through.
    while offset < 24, frame.count >= offset + 6, tags.contains(number(frame[offset..<offset + 2])) { offset += 4 }
    let (kind, start) = (number(frame[offset..<offset + 2]), offset + 2)
    var changed = frame
    if kind == 0x0800, frame.count >= start + 20, frame[start] >> 4 == 4 {
      guard let field = decapsulated[Int(frame[start + 1] & 3)][Int(outer)] else { return nil }
      changed[start + 1] = frame[start + 1] & ~3 | field
      guard changed != frame else { return frame }
      // RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
      var sum = number(frame[start + 10..<start + 12]) ^ 0xFFFF
      sum += (number(frame[start..<start + 2]) ^ 0xFFFF) + number(changed[start..<start + 2])
      while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
      changed[start + 10] = UInt8(truncatingIfNeeded: ~sum >> 8)
      changed[start + 11] = UInt8(truncatingIfNeeded: ~sum)
    } else if kind == 0x86DD, frame.count >= start + 40, frame[start] >> 4 == 6 {
      guard let field = decapsulated[Int(frame[start + 1] >> 4 & 3)][Int(outer)] else { return nil }
      changed[start + 1] = frame[start + 1] & 0xCF | field << 4
    }
    return changed
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
