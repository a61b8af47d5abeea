import CVXLAN
import Forwarding
import LinuxIO
import VXLAN

// What the path to a peer cannot carry, and what keeps that from happening. On the worker's thread; but for the look at
// each frame all of it is rare.
//
//   TCP opens     its ends are told a segment size that fits (MSSClamp)
//   IPv4, no DF   the packet is cut into fragments inside the tunnel: never the outer packet
//   other IP      its sender is told the size that fits (TooBigAnswer), a few times a second, and the frame ends
//   the rest      the frame ends
//
// Design: "Path MTU".

extension Engine {
  /// The largest inner IP packet that goes the way of `key`; for a flooded frame, to every peer.
  func overlayMTU(_ key: OutgoingRuns.Key) -> Int {
    guard key.peer < 0 else { return overlayMTU(segment: key.segment, peer: key.peer) }
    let list = floodList(of: key)
    var least = Int.max
    for position in 0..<list.count {
      least = min(least, overlayMTU(segment: key.segment, peer: list[position]))
    }
    return least
  }

  func overlayMTU(segment: Int, peer: Int) -> Int {
    let record = topology.records + segment
    let byteCount = min(
      topology.limits.frameByteCountMax(ofSegment: segment),
      topology.limits.pathMTU(ofPeer: peer) - record.pointee.outerByteCount)
    let tagByteCount = record.pointee.passesVLANTags ? Specification.vlanTagByteCount : 0
    return byteCount - EthernetHeader.byteCount - tagByteCount
  }

  // COLD
  /// Lowers the MSS option of a SYN or SYN-ACK to what goes both ways between its ends.
  func clampMSS(
    _ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, overlayMTU: Int, isChecksumPartial: Bool
  ) {
    // SAFETY: the batch keeps the frame's bytes until it is cleared, and its memory is ours to write.
    var bytes = MutableSpan<UInt8>(_unsafeStart: frame, count: byteCount)
    guard let packet = InnerPacket(inFrame: bytes.span) else { return }
    _ = MSSClamp.lower(in: &bytes, packet: packet, overlayMTU: overlayMTU, isChecksumPartial: isChecksumPartial)
  }

  // COLD
  /// A frame that does not fit the way of `key`: cut, or answered and dropped.
  @inline(never)
  mutating func endTooBig(_ frame: FrameBatch.Frame, packet: InnerPacket?, _ key: OutgoingRuns.Key, now: Instant) {
    if let packet, appendFragments(of: frame.start, byteCount: finished(frame), packet: packet, key) { return }
    answerTooBig(frame, packet: packet, key, now: now)
    dropTooBig(frame, key)
  }

  private mutating func dropTooBig(_ frame: FrameBatch.Frame, _ key: OutgoingRuns.Key, count: Int = 1) {
    drop(.tooBig, count: count, key)
    if captures.isOn { captureEnd(frame.start, .tooBig) }
    guard key.peer < 0 else { return }
    let copyCount = count &* floodList(of: key).count
    counters.add(copyCount, to: .floodCopyDrops, .overlay, segment: key.segment)
  }

  // COLD
  /// The same for a superframe, whose segments do not fit.
  @inline(never)
  mutating func endTooBig(
    _ superframe: Superframe, _ frame: FrameBatch.Frame, packet: InnerPacket?, _ key: OutgoingRuns.Key, now: Instant
  ) {
    let count = superframe.segmentCount
    guard let packet, packet.family == .ipv4, !packet.isDontFragment(frame.start) else {
      answerTooBig(frame, packet: packet, key, now: now)
      return dropTooBig(frame, key, count: count)
    }
    // SAFETY: a segment is never longer than the superframe, and is cut before the next is made.
    let segment = UnsafeMutablePointer<UInt8>.allocate(capacity: LinuxIO.Limits.frameByteCountMax)
    defer { segment.deallocate() }
    for index in 0..<count {
      let byteCount = superframe.write(index, of: frame.start, to: segment)
      if appendFragments(of: segment, byteCount: byteCount, packet: packet, key) { continue }
      // The last one may be short enough as it is.
      if byteCount - packet.offset <= overlayMTU(key) {
        append(
          FrameBatch.Frame(start: segment, byteCount: byteCount, offload: VirtioNetHeader()), key)
      } else {
        dropTooBig(frame, key)
      }
    }
  }

  /// The length of a frame, after its checksum was finished if the kernel had left it to us.
  private func finished(_ frame: FrameBatch.Frame) -> Int {
    guard frame.offload.wantsChecksum else { return frame.byteCount }
    let from = Int(frame.offload.checksumStart)
    let field = from + Int(frame.offload.checksumOffset)
    let isUDP = frame.offload.checksumOffset == TransportChecksum.offsetInUDP
    // SAFETY: `isChecksumInside` has compared both with the frame's length.
    let sum = cvxlan_sum(frame.start + from, frame.byteCount - from)
    frame.start.setNative16(TransportChecksum.field(sum, isUDP: isUDP), at: field)
    return frame.byteCount
  }

  /// Appends the frame in pieces that fit. Answers whether it could be cut.
  ///
  /// The frame counts once, with its last piece; the others are the agent's own.
  private mutating func appendFragments(
    of frame: UnsafeMutablePointer<UInt8>, byteCount: Int, packet: InnerPacket, _ key: OutgoingRuns.Key
  ) -> Bool {
    // SAFETY: the caller keeps the bytes.
    let bytes = Span<UInt8>(_unsafeStart: frame, count: byteCount)
    guard let fragments = IPv4Fragments(of: bytes, packet: packet, overlayMTU: overlayMTU(key)) else { return false }
    for index in 0..<fragments.count {
      let record = topology.records + key.segment
      let byteCountMax = fragments.frameByteCountMax + record.pointee.addedByteCount
      if !outgoing.hasRoom(forBytes: byteCountMax, runs: 1) { flush() }
      let start = outgoing.nextStart
      writeHeader(at: start, segment: key.segment)
      // SAFETY: `hasRoom` has said that the memory has so many bytes behind `start`.
      var piece = MutableSpan<UInt8>(
        _unsafeStart: start + record.pointee.headerByteCount, count: fragments.frameByteCountMax)
      let pieceByteCount = fragments.write(index, of: bytes, to: &piece)
      var key = key
      key.isGenerated = index < fragments.count - 1
      outgoing.append(byteCount: pieceByteCount + record.pointee.addedByteCount, key: key)
    }
    return true
  }

  /// Tells the sender of the frame what fits, unless it is told often enough or must not be told.
  private mutating func answerTooBig(
    _ frame: FrameBatch.Frame, packet: InnerPacket?, _ key: OutgoingRuns.Key, now: Instant
  ) {
    // SAFETY: the batch keeps the frame's bytes until it is cleared.
    let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    guard let packet, let ends = TooBigAnswer.Ends(of: bytes, packet: packet),
      topology.state.mayAnswer(ends, segment: key.segment, now: now),
      var answer = TooBigAnswer.frame(answering: bytes, packet: packet, ends: ends, overlayMTU: overlayMTU(key))
    else { return }
    var write = OutgoingFrames(capacity: 1)
    let byteCount = answer.count
    answer.withUnsafeMutableBufferPointer { answer in
      // SAFETY: an answer is never empty, and is written before the closure ends.
      guard let start = answer.baseAddress else { return }
      write.append(start: start, byteCount: byteCount, segment: key.segment, peer: max(0, key.peer))
      framePorts[key.segment].send(&write, 0..<1)
      rememberOwn(start, byteCount: byteCount, segment: key.segment, now: now)
    }
    if write[0].failure == 0 { counters.add(to: .generated, .underlay, segment: key.segment) }
  }
}

extension InnerPacket {
  /// DF of an IPv4 packet in the frame at `frame`, which it was found in.
  fileprivate func isDontFragment(_ frame: UnsafeMutablePointer<UInt8>) -> Bool { frame[offset + 6] & 0x40 != 0 }
}
