import CVXLAN
import LinuxIO
import VXLAN

/// The superframe under way to a TAP: consecutive segments of one flow become one write, their payload not copied.
///
/// There is one place, and every frame that does not fit the run ends it: so order is kept within and between flows,
/// and nothing waits, since the end of a batch ends the run too. The segments are those of one length, the last perhaps
/// shorter, with the same headers but for length, checksum, sequence number, IPv4 identification and PSH.
struct Coalescing {
  /// Segments of one superframe; the kernel takes at most 128 of UDP.
  private static let frameCountMax = 64

  // SAFETY: points into the batch that the list points into, and is forgotten when the list is sent.
  private var first: UnsafeMutablePointer<UInt8>?
  private var candidate: MergeCandidate?
  private var segment = 0
  private var peer = 0
  private var gsoByteCount = 0
  private var payloadByteCount = 0
  private var frameCount = 0
  private var nextSequence: UInt32 = 0
  private var hasPush = false

  // HOT
  /// Adds a frame to the list: to the superframe under way, or as the beginning of the next.
  mutating func append(
    _ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, peer: Int, mergesTCP: Bool, mergesUDP: Bool,
    to frames: inout OutgoingFrames
  ) {
    guard mergesTCP, let next = MergeCandidate(frame, byteCount: byteCount, mergesUDP: mergesUDP) else {
      finish(&frames)
      frames.append(start: frame, byteCount: byteCount, segment: segment, peer: peer)
      return
    }
    if let first, let open = candidate, segment == self.segment, peer == self.peer,
      continues(next, frame, open, first)
    {
      frames.extendLast(
        payload: frame + next.headerByteCount, byteCount: next.payloadByteCount, frameByteCount: byteCount)
      payloadByteCount &+= next.payloadByteCount
      frameCount &+= 1
      nextSequence &+= UInt32(truncatingIfNeeded: next.payloadByteCount)
      hasPush = !next.isUDP && frame[next.transportOffset + 13] & 0x08 != 0
      if hasPush || next.payloadByteCount < gsoByteCount { finish(&frames) }
      return
    }
    finish(&frames)
    frames.append(start: frame, byteCount: byteCount, segment: segment, peer: peer)
    // A segment with PSH is the last of what its sender wrote.
    if !next.isUDP, frame[next.transportOffset + 13] & 0x08 != 0 { return }
    begin(next, frame, segment: segment, peer: peer)
  }

  /// Ends the superframe under way: its headers are made to stand for all of it. To be called before the list is sent.
  mutating func finish(_ frames: inout OutgoingFrames) {
    defer { candidate = nil }
    guard let first, let open = candidate, frameCount > 1 else { return }
    let network = first + open.networkOffset
    let transport = first + open.transportOffset
    let transportByteCount = open.headerByteCount &- open.transportOffset &+ payloadByteCount
    if open.isIPv6 {
      network.setBigEndian16(transportByteCount, at: 4)
    } else {
      network.setBigEndian16(20 &+ transportByteCount, at: 2)
      TransportChecksum.finishIPv4(network, byteCount: 20)
    }
    let ipProtocol = open.isUDP ? Specification.protocolUDP : Specification.protocolTCP
    let sum = TransportChecksum.pseudoHeader(
      network: network, isIPv6: open.isIPv6, ipProtocol: ipProtocol, byteCount: transportByteCount)
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.headerByteCount = UInt16(truncatingIfNeeded: open.headerByteCount)
    header.gsoByteCount = UInt16(truncatingIfNeeded: gsoByteCount)
    header.checksumStart = UInt16(truncatingIfNeeded: open.transportOffset)
    if open.isUDP {
      transport.setBigEndian16(transportByteCount, at: 4)
      transport.setNative16(TransportChecksum.fold(sum), at: TransportChecksum.offsetInUDP)
      header.gsoType = VirtioNetHeader.gsoUDP
      header.checksumOffset = UInt16(TransportChecksum.offsetInUDP)
    } else {
      if hasPush { transport[13] |= 0x08 }
      transport.setNative16(TransportChecksum.fold(sum), at: TransportChecksum.offsetInTCP)
      header.gsoType = open.isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4
      header.checksumOffset = UInt16(TransportChecksum.offsetInTCP)
    }
    frames.setLastHeader(header)
  }

  private mutating func begin(
    _ next: MergeCandidate, _ frame: UnsafeMutablePointer<UInt8>, segment: Int, peer: Int
  ) {
    first = frame
    candidate = next
    self.segment = segment
    self.peer = peer
    gsoByteCount = next.payloadByteCount
    payloadByteCount = next.payloadByteCount
    frameCount = 1
    hasPush = false
    if !next.isUDP {
      nextSequence =
        frame.bigEndian32(at: next.transportOffset + 4)
        &+ UInt32(truncatingIfNeeded: next.payloadByteCount)
    }
  }

  /// Whether a frame is the next segment of the superframe under way.
  private func continues(
    _ next: MergeCandidate, _ frame: UnsafeMutablePointer<UInt8>, _ open: MergeCandidate,
    _ first: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    guard next.headerByteCount == open.headerByteCount, next.transportOffset == open.transportOffset,
      next.isIPv6 == open.isIPv6, next.isUDP == open.isUDP, next.payloadByteCount <= gsoByteCount,
      frameCount < Self.frameCountMax,
      open.headerByteCount &- open.networkOffset &+ payloadByteCount &+ next.payloadByteCount <= 65_535,
      // Ethernet header and tags.
      frame.native64(at: 0) == first.native64(at: 0), frame.native32(at: 8) == first.native32(at: 8),
      frame.native16(at: 12) == first.native16(at: 12),
      frame.native32(at: open.networkOffset &- 4)
        == first.native32(at: open.networkOffset &- 4)
    else { return false }
    return isSameNetwork(frame + open.networkOffset, first + open.networkOffset, isIPv6: open.isIPv6)
      && (open.isUDP
        ? frame.native32(at: open.transportOffset) == first.native32(at: open.transportOffset)
        : isNextTCP(frame + open.transportOffset, first + open.transportOffset, open))
  }

  private func isSameNetwork(
    _ a: UnsafeMutablePointer<UInt8>, _ b: UnsafeMutablePointer<UInt8>, isIPv6: Bool
  ) -> Bool {
    if isIPv6 {
      // Version, traffic class and flow label; next header and hop limit; addresses.
      return a.native32(at: 0) == b.native32(at: 0) && a.native16(at: 6) == b.native16(at: 6)
        && a.native64(at: 8) == b.native64(at: 8) && a.native64(at: 16) == b.native64(at: 16)
        && a.native64(at: 24) == b.native64(at: 24) && a.native64(at: 32) == b.native64(at: 32)
    }
    // TOS; flags; TTL and protocol; addresses; and the identification counts up, or stays where DF makes it mean
    // nothing.
    let step = a.bigEndian16(at: 4) &- b.bigEndian16(at: 4)
    let isDontFragment = b[6] & 0x40 != 0
    return a[1] == b[1] && a.native16(at: 6) == b.native16(at: 6) && a.native16(at: 8) == b.native16(at: 8)
      && a.native64(at: 12) == b.native64(at: 12) && (Int(step) == frameCount || isDontFragment && step == 0)
  }

  private func isNextTCP(
    _ a: UnsafeMutablePointer<UInt8>, _ b: UnsafeMutablePointer<UInt8>, _ open: MergeCandidate
  ) -> Bool {
    // Ports; acknowledgement; offset; window; urgent pointer; options.
    guard a.bigEndian32(at: 4) == nextSequence, a.native32(at: 0) == b.native32(at: 0),
      a.native32(at: 8) == b.native32(at: 8), a[12] == b[12], a.native16(at: 14) == b.native16(at: 14),
      a.native16(at: 18) == b.native16(at: 18)
    else { return false }
    var offset = 20
    while offset < open.headerByteCount &- open.transportOffset {
      if a.native32(at: offset) != b.native32(at: offset) { return false }
      offset &+= 4
    }
    return true
  }
}
