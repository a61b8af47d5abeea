import Forwarding
import Glibc
import LinuxIO
import VXLAN

// From the underlay to the overlay, for a batch of buffers, each with one datagram or several of one sender. On the
// worker's thread.
//
//   1. judge the buffer     whole, and from a configured peer
//   2. judge the datagram   a VXLAN header, for a segment that this peer has
//   3. judge the frame      its length, tag and source address
//   4. learn                its source is at the peer; a static entry refuses
//   5. ECN                  what the outer header says of congestion goes into the inner one
//   6. snoop                what it says of groups is learned; a report may end here, consumed
//                           (MulticastSnooping.swift)
//   7. clamp                the MSS of a SYN is lowered to what the way back carries
//   8. neighbours           what ARP and neighbour discovery say is learned (NeighborSuppression.swift)
//   9. remember             what a bridge behind the TAP might give back (LoopDetection.swift)
//  10. coalesce             consecutive segments of one flow become one superframe
//  11. deliver              to the TAP of the segment, and nowhere else: there is no way from here to a peer, so
//                           split horizon holds by construction
//  12. settle               each frame ends as delivered or under one drop reason
//
// The order of the checks is the order of the drop reasons. RFC 7348, sections 4.1 and 5; RFC 6040, section 4.2.

// HOT
extension Engine {
  /// A datagram as one of the buffers holds it.
  private struct Arrival {
    var start: UnsafeMutablePointer<UInt8>
    var byteCount: Int
    /// The slot of the sender, -1: none has the address.
    var peer: Int
    var trafficClass: UInt8

    var ended: Ended { Ended(start, byteCount) }
  }

  mutating func decapsulate(now: Instant) {
    for index in 0..<received.count {
      let buffer = received[index]
      if buffer.isFragmented || buffer.isTruncated {
        end(
          buffer.isFragmented ? .fragment : .truncated, Ended(buffer.start, buffer.byteCount),
          segment: Counters.noSegment)
        continue
      }
      let key = Topology.key(buffer.source)
      var arrival = Arrival(
        start: buffer.start, byteCount: 0, peer: topology.peerByAddress.slot(high: key.high, low: key.low),
        trafficClass: buffer.trafficClass)
      var rest = buffer.byteCount
      repeat {
        arrival.byteCount = min(rest, buffer.datagramByteCount)
        decapsulate(arrival, now: now)
        arrival.start += arrival.byteCount
        rest &-= arrival.byteCount
        // What follows in a buffer is mostly more of the same flow.
        let taken = rest > 0 ? continueRun(arrival, rest: rest, stride: buffer.datagramByteCount, now: now) : 0
        arrival.start += taken
        rest &-= taken
      } while rest > 0
    }
    deliver()
  }

  /// Takes the datagrams from `arrival.start` on that continue the superframe under way: `rest` bytes, each datagram
  /// but the last of `stride` bytes. Answers how many bytes they are.
  private mutating func continueRun(_ arrival: Arrival, rest: Int, stride: Int, now: Instant) -> Int {
    // Where congestion may have to be carried inwards, each frame is looked at by itself.
    guard arrival.peer == lastHeader.peer, arrival.trafficClass & 3 == 0, !isLastRemembered else { return 0 }
    let segment = lastHeader.segment
    let taken = coalescing.extend(
      arrival.start, byteCount: rest, datagramByteCount: stride, header: lastHeader.bytes, segment: segment,
      peer: arrival.peer, to: &deliveries)
    guard taken.count > 0 else { return 0 }
    counters.received(taken.byteCount, fromPeer: arrival.peer, now: now.nanoseconds)
    counters.add(taken.count, to: .framesIn, .underlay, segment: segment)
    counters.add(
      taken.byteCount &- taken.count &* VXLANHeader.byteCount, to: .bytesIn, .underlay, segment: segment)
    return taken.byteCount
  }

  private mutating func decapsulate(_ datagram: Arrival, now: Instant) {
    guard datagram.byteCount >= VXLANHeader.byteCount else {
      return end(.shortHeader, datagram.ended, segment: Counters.noSegment, peer: datagram.peer)
    }
    let bytes = datagram.start.native64(at: 0)
    if bytes != lastHeader.bytes || datagram.peer != lastHeader.peer {
      guard let segment = judgeHeader(datagram) else { return }
      lastHeader = LastHeader(bytes: bytes, peer: datagram.peer, segment: segment)
    }
    let segment = lastHeader.segment
    counters.received(datagram.byteCount, fromPeer: datagram.peer, now: now.nanoseconds)
    take(
      datagram.start + VXLANHeader.byteCount, datagram.byteCount &- VXLANHeader.byteCount, peer: datagram.peer,
      trafficClass: datagram.trafficClass, segment: segment, now: now)
  }

  /// The inner frame of a datagram whose outer part was judged, of whatever format.
  mutating func take(
    _ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int, peer: Int, trafficClass: UInt8, segment: Int, now: Instant
  ) {
    if let reason = judge(frame, byteCount, peer: peer, trafficClass: trafficClass, segment: segment, now: now) {
      return end(reason, innerByteCount: byteCount, segment: segment, peer: peer, frame: frame)
    }
    counters.add(to: .framesIn, .underlay, segment: segment)
    counters.add(byteCount, to: .bytesIn, .underlay, segment: segment)
    if snoops(frame, byteCount: byteCount, peer: peer, segment: segment, now: now) {
      if captures.isOn { captureEnd(nil, segment: segment, peer: peer, frame: frame, byteCount: byteCount, Ended()) }
      return counters.add(to: .consumed, .underlay, segment: segment)
    }
    if topology.records[segment].clampsMSS, SYNFrames.mayContain(frame, byteCount: byteCount) {
      clampMSS(
        frame, byteCount: byteCount, overlayMTU: overlayMTU(segment: segment, peer: peer), isChecksumPartial: false)
    }
    learnNeighbors(from: frame, byteCount, peer: peer, segment: segment, now: now)
    isLastRemembered = remember(frame, byteCount: byteCount, segment: segment, now: now)
    if !deliveries.hasRoom { deliver() }
    let offloads = offloads[segment]
    coalescing.append(
      frame, byteCount: byteCount, segment: segment, peer: peer, mergesTCP: offloads.mergesTCP,
      mergesUDP: offloads.mergesUDP, to: &deliveries)
  }

  /// The outer header of a datagram of at least 8 bytes. Answers the segment that it is for; nil when it ended here.
  private mutating func judgeHeader(_ datagram: Arrival) -> Int? {
    // SAFETY: the batch keeps the payload's bytes until it is filled again.
    let payload = Span<UInt8>(_unsafeStart: datagram.start, count: datagram.byteCount)
    guard let header = VXLANHeader(parsing: payload) else { return nil }
    // s. 5: the I flag MUST be set to 1 for a valid VNI.
    if !header.hasVNIFlag {
      end(.noVNIFlag, datagram.ended, segment: Counters.noSegment, peer: datagram.peer)
      return nil
    }
    // Whether reserved bits matter is the segment's to say, so it is looked up before its turn in the order.
    let segment = topology.segmentByVNI.slot(high: 0, low: UInt64(header.vni.rawValue))
    let isLenient = segment >= 0 && topology.records[segment].ignoresReservedBits
    let reason: DropReason? =
      if header.hasReservedBits, !isLenient {
        .reservedBits
      } else if datagram.peer < 0 {
        .unknownPeer
      } else if segment < 0 {
        .unknownVNI
      } else if topology.records[segment].isSealed {
        .plainForSealed
      } else if !topology.records[segment].isPermitted[datagram.peer] {
        .notPermitted
      } else {
        nil
      }
    guard let reason else { return segment }
    end(reason, datagram.ended, segment: segment < 0 ? Counters.noSegment : segment, peer: datagram.peer)
    return nil
  }

  /// A datagram ends here.
  private mutating func end(_ reason: DropReason, _ datagram: Ended, segment: Int, peer: Int = -1) {
    end(
      reason, innerByteCount: max(0, datagram.byteCount &- VXLANHeader.byteCount), segment: segment, peer: peer,
      datagram: datagram)
  }

  /// - Parameters:
  ///   - frame: of `innerByteCount` bytes, where it was looked at.
  ///   - datagram: for captures, where no frame was looked at.
  mutating func end(
    _ reason: DropReason, innerByteCount: Int, segment: Int, peer: Int, frame: UnsafeMutablePointer<UInt8>? = nil,
    datagram: Ended = Ended()
  ) {
    counters.add(to: .framesIn, .underlay, segment: segment)
    counters.add(innerByteCount, to: .bytesIn, .underlay, segment: segment)
    counters.drop(reason, .underlay, segment: segment)
    if drops.isOn {
      captureEnd(reason, segment: segment, peer: peer, frame: frame, byteCount: innerByteCount, datagram)
      tell(reason, .underlay, segment: segment, peer: peer, frame: frame, innerByteCount)
    }
  }

  /// The inner frame, of whatever outer format. Answers why it ends; nil when it may be delivered.
  private mutating func judge(
    _ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int, peer: Int, trafficClass: UInt8, segment: Int, now: Instant
  ) -> DropReason? {
    let record = topology.records + segment
    // SAFETY: the batch keeps the frame's bytes until it is filled again.
    let bytes = Span<UInt8>(_unsafeStart: frame, count: byteCount)
    guard let ethernet = EthernetHeader(parsing: bytes) else { return .shortFrame }
    if byteCount > topology.limits.frameByteCountMax(ofSegment: segment) { return .oversize }
    if ethernet.isTagged, !record.pointee.passesVLANTags { return .vlanTag }
    if !ethernet.source.isValidSource { return .invalidSourceMAC }
    if ethernet.source.rawValue == record.pointee.ownMAC.rawValue { return .ownSourceMAC }
    if isStaticMove(ethernet.source, from: .peer(peer), segment: segment, now: now) { return .staticMove }
    return applyECN(of: trafficClass, to: frame, byteCount) ? nil : .ecn
  }

  /// Brings the outer ECN field into the inner packet; false when the packet must not go on.
  private func applyECN(
    of outerTrafficClass: UInt8, to frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int
  ) -> Bool {
    if outerTrafficClass & 3 == 0 { return true }
    let outer = ECN(trafficClass: outerTrafficClass)
    // SAFETY: as in `judge`; the batch's memory is ours to write.
    var bytes = MutableSpan<UInt8>(_unsafeStart: frame, count: byteCount)
    guard let packet = InnerPacket(inFrame: bytes.span) else { return true }
    let inner = ECN(trafficClass: packet.trafficClass)
    guard let result = ECN.decapsulated(inner: inner, outer: outer) else { return false }
    if result.rawValue != inner.rawValue { packet.setECN(result, inFrame: &bytes) }
    return true
  }

  /// Writes what has gathered, one call of a port for each run of frames of one segment, and settles it.
  mutating func deliver() {
    coalescing.finish(&deliveries)
    Self.write(&deliveries, to: framePorts)
    for index in 0..<deliveries.count {
      let write = deliveries[index]
      if Self.isRefusedSuperframe(write) {
        splitRefused(index)
      } else {
        settle(write)
      }
    }
    if captures.isOn { captureDeliveries() }
    deliveries.clear()
  }

  static func isRefusedSuperframe(_ write: OutgoingFrames.Write) -> Bool {
    write.failure == EINVAL && write.header.isSuperframe
  }

  private static func write(_ frames: inout OutgoingFrames, to framePorts: [any FramePort]) {
    var first = 0
    while first < frames.count {
      let segment = frames[first].segment
      var end = first + 1
      while end < frames.count, frames[end].segment == segment { end += 1 }
      framePorts[segment].send(&frames, first..<end)
      first = end
    }
  }

  private mutating func settle(_ write: OutgoingFrames.Write) {
    batches.tapWrites &+= 1
    if write.failure == 0 {
      counters.add(write.frameCount, to: .framesOut, .underlay, segment: write.segment)
      counters.add(write.byteCount, to: .bytesOut, .underlay, segment: write.segment)
    } else {
      let reason = Self.dropReason(ofWrite: write.failure)
      counters.drop(reason, count: write.frameCount, .underlay, segment: write.segment)
      if drops.isOn {
        tell(reason, .underlay, count: write.frameCount, segment: write.segment, peer: write.peer)
      }
    }
  }

  // COLD
  /// The kernel refused a superframe: its segments are written one by one, and the TAP gets no more superframes.
  private mutating func splitRefused(_ index: Int) {
    let refused = deliveries[index]
    framePorts[refused.segment].refuseSuperframes(refused.failure)
    offloads[refused.segment] = framePorts[refused.segment].mergeable
    frames.clear()
    let memory = frames.nextStart()
    guard let frame = SuperframeSplit.gather(deliveries.vectors(at: index), header: refused.header, into: memory),
      let superframe = Superframe(
        frame, packet: InnerPacket(inFrame: Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)))
    else { return settle(refused) }
    var single = OutgoingFrames(capacity: 1)
    // SAFETY: a segment is never longer than the superframe, and is written before the next is made.
    let segment = UnsafeMutablePointer<UInt8>.allocate(capacity: LinuxIO.Limits.frameByteCountMax)
    defer { segment.deallocate() }
    for number in 0..<superframe.segmentCount {
      let byteCount = superframe.write(number, of: frame.start, to: segment)
      single.append(start: segment, byteCount: byteCount, segment: refused.segment, peer: refused.peer)
      Self.write(&single, to: framePorts)
      settle(single[0])
      if captures.isOn { captures.keep(captured(single[0]), single, at: 0) }
      single.clear()
    }
  }

  static func dropReason(ofWrite failure: Int32) -> DropReason {
    switch failure {
    case EAGAIN, ENOBUFS, ENOMEM: .tapFull
    default: .tapDown
    }
  }
}
