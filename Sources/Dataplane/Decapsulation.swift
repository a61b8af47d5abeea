import Forwarding
import Glibc
import LinuxIO
import VXLAN

// From the underlay to the overlay, for a batch of datagrams. On the worker's thread.
//
//   1. judge the datagram   whole, a VXLAN header, from a configured peer, for a segment that this peer has
//   2. judge the frame      its length, tag and source address
//   3. learn                its source is at the peer; a static entry refuses
//   4. ECN                  what the outer header says of congestion goes into the inner one
//   5. deliver              to the TAP of the segment, and nowhere else: there is no way from here to a peer, so
//                           split horizon holds by construction
//   6. settle               each frame ends as delivered or under one drop reason
//
// The order of the checks is the order of the drop reasons. RFC 7348, sections 4.1 and 5; RFC 6040, section 4.2.

// HOT
extension Engine {
  /// A frame that passed, or why it did not, with the segment under which that is counted.
  private enum Verdict {
    case deliver(OutgoingFrames.Frame)
    case drop(DropReason, segment: Int)
  }

  mutating func decapsulate(now: Instant) {
    for index in 0..<received.count {
      let datagram = received[index]
      switch judge(datagram, now: now) {
      case .deliver(let frame):
        counters.add(to: .framesIn, .underlay, segment: frame.segment)
        counters.add(frame.byteCount, to: .bytesIn, .underlay, segment: frame.segment)
        deliveries.append(frame)
      case .drop(let reason, let segment):
        counters.add(to: .framesIn, .underlay, segment: segment)
        let byteCount = max(0, datagram.byteCount - VXLANHeader.byteCount)
        counters.add(byteCount, to: .bytesIn, .underlay, segment: segment)
        counters.drop(reason, .underlay, segment: segment)
      }
    }
    deliver()
  }

  private mutating func judge(_ datagram: DatagramBatch.Datagram, now: Instant) -> Verdict {
    // SAFETY: the batch keeps the payload's bytes until it is filled again.
    let payload = Span<UInt8>(_unsafeStart: datagram.start, count: datagram.byteCount)
    if datagram.isFragmented { return .drop(.fragment, segment: Counters.noSegment) }
    if datagram.isTruncated { return .drop(.truncated, segment: Counters.noSegment) }
    guard let header = VXLANHeader(parsing: payload) else {
      return .drop(.shortHeader, segment: Counters.noSegment)
    }
    // s. 5: the I flag MUST be set to 1 for a valid VNI.
    if !header.hasVNIFlag { return .drop(.noVNIFlag, segment: Counters.noSegment) }
    // Whether reserved bits matter is the segment's to say, so it is looked up before its turn in the order.
    let segment = topology.segmentByVNI.slot(high: 0, low: UInt64(header.vni.rawValue))
    let isLenient = segment >= 0 && topology.records[segment].ignoresReservedBits
    if header.hasReservedBits, !isLenient { return .drop(.reservedBits, segment: segment) }
    let key = Topology.key(datagram.source)
    let peer = topology.peerByAddress.slot(high: key.high, low: key.low)
    if peer < 0 { return .drop(.unknownPeer, segment: segment) }
    if segment < 0 { return .drop(.unknownVNI, segment: Counters.noSegment) }
    if !topology.records[segment].isPermitted[peer] { return .drop(.notPermitted, segment: segment) }
    counters.received(datagram.byteCount, fromPeer: peer, now: now.nanoseconds)
    let frame = OutgoingFrames.Frame(
      start: datagram.start + VXLANHeader.byteCount, byteCount: datagram.byteCount - VXLANHeader.byteCount,
      segment: segment, peer: peer)
    if let reason = judge(frame, outerTrafficClass: datagram.trafficClass, now: now) {
      return .drop(reason, segment: segment)
    }
    return .deliver(frame)
  }

  /// The inner frame, of whatever outer format. Answers why it ends; nil when it may be delivered.
  private mutating func judge(_ frame: OutgoingFrames.Frame, outerTrafficClass: UInt8, now: Instant) -> DropReason? {
    let record = topology.records + frame.segment
    // SAFETY: the batch keeps the frame's bytes until it is filled again.
    let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    guard let ethernet = EthernetHeader(parsing: bytes) else { return .shortFrame }
    if frame.byteCount > record.pointee.frameByteCountMax { return .oversize }
    if ethernet.isTagged, !record.pointee.passesVLANTags { return .vlanTag }
    if !ethernet.source.isValidSource { return .invalidSourceMAC }
    if ethernet.source == record.pointee.ownMAC { return .ownSourceMAC }
    if isStaticMove(ethernet.source, from: .peer(frame.peer), segment: frame.segment, now: now) { return .staticMove }
    return applyECN(of: outerTrafficClass, to: frame) ? nil : .ecn
  }

  /// Brings the outer ECN field into the inner packet; false when the packet must not go on.
  private func applyECN(of outerTrafficClass: UInt8, to frame: OutgoingFrames.Frame) -> Bool {
    let outer = ECN(trafficClass: outerTrafficClass)
    if outer == .notECT { return true }
    // SAFETY: as in `judge`; the batch's memory is ours to write.
    var bytes = MutableSpan<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    guard let packet = InnerPacket(inFrame: bytes.span) else { return true }
    let inner = ECN(trafficClass: packet.trafficClass)
    guard let result = ECN.decapsulated(inner: inner, outer: outer) else { return false }
    if result != inner { packet.setECN(result, inFrame: &bytes) }
    return true
  }

  /// Writes what has gathered, one call of a port for each run of frames of one segment, and settles it.
  private mutating func deliver() {
    var first = 0
    while first < deliveries.count {
      let segment = deliveries[first].segment
      var end = first + 1
      while end < deliveries.count, deliveries[end].segment == segment { end += 1 }
      framePorts[segment].send(&deliveries, first..<end)
      first = end
    }
    for index in 0..<deliveries.count {
      let frame = deliveries[index]
      if frame.failure == 0 {
        counters.add(to: .framesOut, .underlay, segment: frame.segment)
        counters.add(frame.byteCount, to: .bytesOut, .underlay, segment: frame.segment)
      } else {
        counters.drop(Self.dropReason(ofWrite: frame.failure), .underlay, segment: frame.segment)
      }
    }
    deliveries.clear()
  }

  private static func dropReason(ofWrite failure: Int32) -> DropReason {
    switch failure {
    case EAGAIN, ENOBUFS, ENOMEM: .tapFull
    default: .tapDown
    }
  }
}
