import Glibc
import LinuxIO
import Sealing
import VXLAN

/// The superframe under way to a TAP: consecutive segments of one flow become one write, their payload not copied.
///
/// There is one place, and every frame that does not fit the run ends it: so order is kept within and between flows,
/// and nothing waits, since the end of a batch ends the run too. The segments are those of one length, the last perhaps
/// shorter.
struct Coalescing {
  /// What was taken of the datagrams of one buffer.
  struct Taken {
    var count = 0
    var byteCount = 0
  }

  private var run: OpenRun?

  // HOT
  /// Adds a frame to the list: to the superframe under way, or as the beginning of the next.
  mutating func append(
    _ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, peer: Int, mergesTCP: Bool, mergesUDP: Bool,
    to frames: inout OutgoingFrames
  ) {
    // In place: a copy of the run would cost more than the comparison.
    if let headerByteCount = run?.take(frame, byteCount: byteCount, segment: segment, peer: peer) {
      let payloadByteCount = byteCount &- headerByteCount
      frames.extendLast(
        payload: frame + headerByteCount, byteCount: payloadByteCount, frameByteCount: byteCount)
      if run?.isEnded(byFrameWith: payloadByteCount) == true { finish(&frames) }
      return
    }
    finish(&frames)
    frames.append(start: frame, byteCount: byteCount, segment: segment, peer: peer)
    guard mergesTCP, let next = MergeCandidate(frame, byteCount: byteCount, mergesUDP: mergesUDP), !next.isLast(frame)
    else { return }
    run = OpenRun(frame, next, segment: segment, peer: peer)
  }

  /// Adds to the superframe under way what continues it of the datagrams that lie behind each other at `start`, up to
  /// the first that does not or for which there is no room. Answers what was taken.
  ///
  /// Such a frame has the addresses of the first and is no longer: what was judged of the first is true of it.
  ///
  /// - Parameters:
  ///   - byteCount: of all datagrams.
  ///   - datagramByteCount: of each but the last.
  ///   - header: the VXLAN header that they must have, as it lies.
  mutating func extend(
    _ start: UnsafeMutablePointer<UInt8>, byteCount: Int, datagramByteCount: Int, header: UInt64, segment: Int,
    peer: Int, to frames: inout OutgoingFrames
  ) -> Taken {
    let taken = extend(segment: segment, peer: peer, to: &frames) { taken in
      // Whole datagrams but the last: what was taken of frames tells where the next one is.
      let offset = taken.byteCount &+ taken.count &* VXLANHeader.byteCount
      let datagram = start + offset
      let length = min(byteCount &- offset, datagramByteCount)
      guard length >= VXLANHeader.byteCount, datagram.native64(at: 0) == header else { return nil }
      return (datagram + VXLANHeader.byteCount, length &- VXLANHeader.byteCount)
    }
    return Taken(count: taken.count, byteCount: taken.byteCount &+ taken.count &* VXLANHeader.byteCount)
  }

  /// The same for datagrams of one session that were opened, up to the first that was not. Answers what was taken,
  /// its bytes those of whole datagrams.
  ///
  /// - Parameters:
  ///   - slots: `count` of them.
  ///   - addedByteCount: header and tag of each.
  mutating func extend(
    _ slots: UnsafeMutablePointer<Opener.Slot>, count: Int, addedByteCount: Int, segment: Int, peer: Int,
    to frames: inout OutgoingFrames
  ) -> Taken {
    let taken = extend(segment: segment, peer: peer, to: &frames) { taken in
      guard taken.count < count, case .opened = slots[taken.count].verdict else { return nil }
      let slot = slots[taken.count]
      return (
        slot.datagram.assumingMemoryBound(to: UInt8.self) + SealedHeader.byteCount,
        slot.byteCount &- addedByteCount
      )
    }
    return Taken(count: taken.count, byteCount: taken.byteCount &+ taken.count &* addedByteCount)
  }

  /// Adds what continues the superframe of the frames that `next` names, given what was taken so far; it ends with nil.
  /// Answers how many were taken, and the bytes of these frames.
  @inline(__always)
  private mutating func extend(
    segment: Int, peer: Int, to frames: inout OutgoingFrames,
    next: (Taken) -> (frame: UnsafeMutablePointer<UInt8>, byteCount: Int)?
  ) -> Taken {
    var taken = Taken()
    guard var open = run, open.segment == segment, open.peer == peer else { return taken }
    let vectors = frames.freeVectors
    var isEnded = false
    while taken.count < vectors.count, !isEnded {
      guard let (frame, byteCount) = next(taken), open.take(frame, byteCount: byteCount) else { break }
      let payloadByteCount = byteCount &- open.headers.headerByteCount
      // SAFETY: the index is below the buffer's count.
      vectors[taken.count] = iovec(iov_base: frame + open.headers.headerByteCount, iov_len: payloadByteCount)
      taken.count &+= 1
      taken.byteCount &+= byteCount
      isEnded = open.isEnded(byFrameWith: payloadByteCount)
    }
    frames.extendLast(payloadCount: taken.count, frameByteCount: taken.byteCount)
    run = open
    if isEnded { finish(&frames) }
    return taken
  }

  /// Ends the superframe under way: its headers are made to stand for all of it. To be called before the list is sent.
  mutating func finish(_ frames: inout OutgoingFrames) {
    guard let open = run else { return }
    run = nil
    guard open.frameCount > 1 else { return }
    let headers = open.headers
    let network = open.first + headers.networkOffset
    let transport = open.first + headers.transportOffset
    let transportByteCount = headers.headerByteCount &- headers.transportOffset &+ open.payloadByteCount
    if headers.isIPv6 {
      network.setBigEndian16(transportByteCount, at: 4)
    } else {
      network.setBigEndian16(20 &+ transportByteCount, at: 2)
      TransportChecksum.finishIPv4(network, byteCount: 20)
    }
    let sum = TransportChecksum.pseudoHeader(
      network: network, isIPv6: headers.isIPv6, ipProtocol: headers.ipProtocol, byteCount: transportByteCount)
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.headerByteCount = UInt16(truncatingIfNeeded: headers.headerByteCount)
    header.gsoByteCount = UInt16(truncatingIfNeeded: open.gsoByteCount)
    header.checksumStart = UInt16(truncatingIfNeeded: headers.transportOffset)
    if headers.isUDP {
      transport.setBigEndian16(transportByteCount, at: 4)
      transport.setNative16(TransportChecksum.fold(sum), at: TransportChecksum.offsetInUDP)
      header.gsoType = VirtioNetHeader.gsoUDP
      header.checksumOffset = UInt16(TransportChecksum.offsetInUDP)
    } else {
      if open.hasPush { transport[13] |= OpenRun.push }
      transport.setNative16(TransportChecksum.fold(sum), at: TransportChecksum.offsetInTCP)
      header.gsoType = headers.isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4
      header.checksumOffset = UInt16(TransportChecksum.offsetInTCP)
    }
    frames.setLastHeader(header)
  }
}
