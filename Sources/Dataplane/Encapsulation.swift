import Forwarding
import Glibc
import LinuxIO
import VXLAN

// From the overlay to the underlay, for a batch of frames of one segment. On the worker's thread.
//
//   1. judge      the frame is whole, untagged or allowed a tag, and has a source that may be one
//   2. learn      its source is behind the own TAP
//   3. look up    its destination: one peer, or flood to all peers of the segment
//   4. write      the VXLAN header into the headroom in front of the frame: no byte of the frame is moved
//   5. send       everything gathered, in one call of the port
//   6. settle     each frame ends as sent or under one drop reason
//
// RFC 7348, sections 4.1 and 4.2.

// HOT
extension Engine {
  mutating func encapsulate(segment: Int, now: Instant) {
    for index in 0..<frames.count {
      let frame = frames[index]
      counters.add(to: .framesIn, .overlay, segment: segment)
      counters.add(frame.byteCount, to: .bytesIn, .overlay, segment: segment)
      if let reason = encapsulate(frame, segment: segment, now: now) {
        counters.drop(reason, .overlay, segment: segment)
      }
    }
    flush()
  }

  /// One frame. Answers why it ended here; nil when it is on its way.
  private mutating func encapsulate(
    _ frame: FrameBatch.Frame, segment: Int, now: Instant
  ) -> DropReason? {
    let record = topology.records + segment
    // SAFETY: the batch keeps the frame's bytes until it is cleared.
    let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    if frame.offload.isUnfinished { return .badOffload }
    guard let ethernet = EthernetHeader(parsing: bytes) else { return .shortFrame }
    if ethernet.isTagged, !record.pointee.passesVLANTags { return .vlanTag }
    if !ethernet.source.isValidSource { return .invalidSourceMAC }
    if isStaticMove(ethernet.source, from: .local, segment: segment, now: now) { return .staticMove }

    let remote = ethernet.destination.isMulticast ? nil : topology.tables[segment].remote(of: ethernet.destination)
    let peer = remote?.peerSlot
    // s. 4.2: broadcast, multicast and unknown unicast go to every VTEP of the segment.
    if peer == nil, record.pointee.floodCount == 0 { return .noPeer }
    if frame.byteCount > record.pointee.frameByteCountMax { return .tooBig }

    let packet = InnerPacket(inFrame: bytes)
    let hash = FlowHash.hash(of: bytes, ethernet: ethernet, packet: packet, with: flowKey)
    var datagram = OutgoingDatagrams.Datagram(
      start: writeHeader(before: frame.start, vniWord: record.pointee.vniWord),
      byteCount: frame.byteCount + VXLANHeader.byteCount,
      trafficClass: outerTrafficClass(of: packet, fixed: record.pointee.fixedTrafficClass), segment: segment)
    if let peer {
      append(&datagram, to: peer, hash: hash)
    } else {
      flood(&datagram, record: record, hash: hash)
    }
    return nil
  }

  /// One copy for every peer of the segment: head-end replication. The copies share the frame's bytes.
  private mutating func flood(
    _ datagram: inout OutgoingDatagrams.Datagram, record: UnsafeMutablePointer<Topology.SegmentRecord>, hash: UInt64
  ) {
    let count = record.pointee.floodCount
    for position in 0..<count {
      datagram.role = position == count - 1 ? .lastCopy : .copy
      append(&datagram, to: record.pointee.floodList[position], hash: hash)
    }
  }

  private mutating func append(_ datagram: inout OutgoingDatagrams.Datagram, to peer: Int, hash: UInt64) {
    if outgoing.room == 0 { flush() }
    datagram.peer = peer
    // Entropy of flow and peer, never of worker or lane: one inner flow keeps one outer port.
    datagram.sourcePortIndex = Int(truncatingIfNeeded: sourcePort(hash, peer) % UInt64(sourcePortCount))
    outgoing.append(datagram)
  }

  private func sourcePort(_ hash: UInt64, _ peer: Int) -> UInt64 {
    // An odd multiplier spreads the slots of peers; the high half has the mixing of both.
    (hash ^ UInt64(truncatingIfNeeded: peer) &* 0x9E37_79B9_7F4A_7C15) &>> 16
  }

  /// Writes the 8 bytes in front of the frame and answers where they begin.
  private func writeHeader(before start: UnsafeMutablePointer<UInt8>, vniWord: UInt32) -> UnsafeMutablePointer<UInt8> {
    let header = start - VXLANHeader.byteCount
    // SAFETY: a batch keeps Limits.headroomByteCount free bytes in front of every frame.
    let raw = UnsafeMutableRawPointer(header)
    raw.storeBytes(of: VXLANHeader.firstWord.bigEndian, as: UInt32.self)
    raw.storeBytes(of: vniWord.bigEndian, toByteOffset: 4, as: UInt32.self)
    return header
  }

  /// RFC 6040, section 4.1: the ECN field is copied. DSCP by the segment's policy.
  private func outerTrafficClass(of packet: InnerPacket?, fixed: Int16) -> UInt8 {
    let inner = packet?.trafficClass ?? 0
    return fixed < 0 ? inner : UInt8(truncatingIfNeeded: fixed) | inner & 3
  }

  /// Learns the source of a frame; true when a static entry says that it is elsewhere.
  mutating func isStaticMove(_ source: MACAddress, from remote: Remote, segment: Int, now: Instant) -> Bool {
    guard topology.records[segment].learns else {
      return topology.tables[segment].hasStatic(source, elsewhereThan: remote)
    }
    return topology.tables[segment].learn(source, from: remote, now: now.seconds) == .refusedStatic
  }

  /// Sends what has gathered and settles it.
  private mutating func flush() {
    guard outgoing.count > 0 else { return }
    datagramPort.send(&outgoing)
    for index in 0..<outgoing.count { settle(outgoing[index]) }
    outgoing.clear()
  }

  private mutating func settle(_ datagram: OutgoingDatagrams.Datagram) {
    let segment = datagram.segment
    if datagram.failure == 0 { counters.sent(datagram.byteCount, toPeer: datagram.peer) }
    guard datagram.role != .unicast else {
      end(datagram, hasSucceeded: datagram.failure == 0, failure: datagram.failure)
      return
    }
    counters.add(to: datagram.failure == 0 ? .floodCopies : .floodCopyDrops, .overlay, segment: segment)
    if datagram.failure == 0 { floodHasSucceeded = true } else { floodFailure = datagram.failure }
    guard datagram.role == .lastCopy else { return }
    end(datagram, hasSucceeded: floodHasSucceeded, failure: floodFailure)
    floodHasSucceeded = false
  }

  /// The frame of `datagram` is settled: out once, however many copies went, or dropped once.
  private mutating func end(_ datagram: OutgoingDatagrams.Datagram, hasSucceeded: Bool, failure: Int32) {
    if hasSucceeded {
      counters.add(to: .framesOut, .overlay, segment: datagram.segment)
      counters.add(datagram.byteCount - VXLANHeader.byteCount, to: .bytesOut, .overlay, segment: datagram.segment)
    } else {
      counters.drop(Self.dropReason(ofSend: failure), .overlay, segment: datagram.segment)
    }
  }

  private static func dropReason(ofSend failure: Int32) -> DropReason {
    switch failure {
    case EAGAIN, ENOBUFS: .socketFull
    case EMSGSIZE: .tooBig
    default: .underlayError
    }
  }
}
