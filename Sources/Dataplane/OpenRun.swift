import CVXLAN
import VXLAN

/// The superframe under way: its first frame, which the next ones are compared with, and how far it has come.
///
/// A frame continues it when its headers are the first's but for length, checksum, sequence number, IPv4 identification
/// and PSH, and when its own checksums are right. The first was found to be a `MergeCandidate`; what equals it needs no
/// parsing.
struct OpenRun {
  /// Segments of one superframe; the kernel takes at most 128 of UDP.
  private static let frameCountMax = 64
  /// PSH in the byte of the TCP flags.
  static let push: UInt8 = 0x08

  // SAFETY: points into the batch that the list of writes points into, and is forgotten when the list is sent.
  private(set) var first: UnsafeMutablePointer<UInt8>
  private(set) var headers: MergeCandidate
  /// The segment's slot, and that of the peer that it comes from.
  private(set) var segment: Int
  private(set) var peer: Int
  private(set) var payloadByteCount: Int
  private(set) var frameCount = 1
  private(set) var hasPush = false
  private var nextSequence: UInt32
  /// The sum of what all IPv4 headers of the run have in common: all but length, identification and checksum.
  private let networkSum: UInt64
  /// The sum of the pseudo-header without the length.
  private let pseudoSum: UInt64

  /// Payload of each segment but the last.
  var gsoByteCount: Int { headers.payloadByteCount }

  /// Begins with `frame`, in which `candidate` was found.
  init(_ frame: UnsafeMutablePointer<UInt8>, _ candidate: MergeCandidate, segment: Int, peer: Int) {
    first = frame
    headers = candidate
    self.segment = segment
    self.peer = peer
    payloadByteCount = candidate.payloadByteCount
    nextSequence =
      candidate.isUDP
      ? 0
      : frame.bigEndian32(at: candidate.transportOffset + 4)
        &+ UInt32(truncatingIfNeeded: candidate.payloadByteCount)
    let network = frame + candidate.networkOffset
    networkSum =
      candidate.isIPv6
      ? 0
      : UInt64(network.native16(at: 0)) &+ UInt64(network.native32(at: 6)) &+ UInt64(network.native32(at: 12))
        &+ UInt64(network.native32(at: 16))
    pseudoSum = TransportChecksum.pseudoHeader(
      network: network, isIPv6: candidate.isIPv6, ipProtocol: candidate.ipProtocol, byteCount: 0)
  }

  // HOT
  /// Takes the frame of a segment and peer, if it continues the run. Answers the length of its headers.
  @inline(__always)
  mutating func take(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, peer: Int) -> Int? {
    guard segment == self.segment, peer == self.peer, take(frame, byteCount: byteCount) else { return nil }
    return headers.headerByteCount
  }

  // HOT
  /// Takes the frame, if it is the next segment. Answers whether it is; its payload is then `byteCount` less the
  /// headers.
  ///
  /// - Parameter byteCount: of the frame, whatever it is.
  // SAFETY: a frame that is no longer than the first's headers is refused before it is read.
  @inline(__always)
  mutating func take(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int) -> Bool {
    let addedByteCount = byteCount &- headers.headerByteCount
    guard addedByteCount > 0, addedByteCount <= gsoByteCount, frameCount < Self.frameCountMax,
      headers.headerByteCount &- headers.networkOffset &+ payloadByteCount &+ addedByteCount <= 65_535,
      hasSameEthernet(frame),
      headers.isIPv6 ? hasSameIPv6(frame, byteCount) : hasNextIPv4(frame, byteCount),
      headers.isUDP ? hasSameUDP(frame, byteCount) : hasNextTCP(frame)
    else { return false }
    let transportByteCount = byteCount &- headers.transportOffset
    let sum =
      pseudoSum &+ UInt64(UInt16(truncatingIfNeeded: transportByteCount).bigEndian)
      &+ cvxlan_sum(frame + headers.transportOffset, transportByteCount)
    guard TransportChecksum.fold(sum) == 0xFFFF else { return false }
    payloadByteCount &+= addedByteCount
    frameCount &+= 1
    nextSequence &+= UInt32(truncatingIfNeeded: addedByteCount)
    hasPush = !headers.isUDP && frame[headers.transportOffset + 13] & Self.push != 0
    return true
  }

  /// Whether a frame with `payloadByteCount` bytes of payload, which was taken last, is the last there can be.
  @inline(__always)
  func isEnded(byFrameWith payloadByteCount: Int) -> Bool { hasPush || payloadByteCount < gsoByteCount }

  /// Ethernet header and tags, up to the packet.
  @inline(__always)
  private func hasSameEthernet(_ frame: UnsafeMutablePointer<UInt8>) -> Bool {
    let beforePacket = headers.networkOffset &- 8
    return frame.native64(at: 0) == first.native64(at: 0) && frame.native32(at: 8) == first.native32(at: 8)
      && frame.native64(at: beforePacket) == first.native64(at: beforePacket)
  }

  /// Version, traffic class and flow label; next header and hop limit; addresses.
  @inline(__always)
  private func hasSameIPv6(_ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int) -> Bool {
    let network = frame + headers.networkOffset
    let same = first + headers.networkOffset
    return network.native32(at: 0) == same.native32(at: 0) && network.native16(at: 6) == same.native16(at: 6)
      && network.native64(at: 8) == same.native64(at: 8) && network.native64(at: 16) == same.native64(at: 16)
      && network.native64(at: 24) == same.native64(at: 24) && network.native64(at: 32) == same.native64(at: 32)
      && Int(network.bigEndian16(at: 4)) == byteCount &- headers.networkOffset &- 40
  }

  /// Version, header length and TOS; flags; TTL and protocol; addresses; the header's checksum right. The
  /// identification counts up, or stays where DF makes it mean nothing.
  @inline(__always)
  private func hasNextIPv4(_ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int) -> Bool {
    let network = frame + headers.networkOffset
    let same = first + headers.networkOffset
    let step = network.bigEndian16(at: 4) &- same.bigEndian16(at: 4)
    let isDontFragment = same[6] & 0x40 != 0
    let checksum = network.native16(at: 10)
    let sum =
      networkSum &+ UInt64(network.native16(at: 2)) &+ UInt64(network.native16(at: 4)) &+ UInt64(checksum)
    return network.native16(at: 0) == same.native16(at: 0) && network.native32(at: 6) == same.native32(at: 6)
      && network.native64(at: 12) == same.native64(at: 12)
      && (Int(step) == frameCount || isDontFragment && step == 0)
      && Int(network.bigEndian16(at: 2)) == byteCount &- headers.networkOffset
      && checksum != MergeCandidate.otherZero && TransportChecksum.fold(sum) == 0xFFFF
  }

  /// Ports.
  @inline(__always)
  private func hasSameUDP(_ frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int) -> Bool {
    let transport = frame + headers.transportOffset
    return transport.native32(at: 0) == (first + headers.transportOffset).native32(at: 0)
      && Int(transport.bigEndian16(at: 4)) == byteCount &- headers.transportOffset
      && transport.native16(at: TransportChecksum.offsetInUDP) != 0
  }

  /// Ports; acknowledgement; offset; flags but PSH; window; urgent pointer; options; and the next sequence number.
  @inline(__always)
  private func hasNextTCP(_ frame: UnsafeMutablePointer<UInt8>) -> Bool {
    let transport = frame + headers.transportOffset
    let same = first + headers.transportOffset
    guard transport.bigEndian32(at: 4) == nextSequence, transport.native32(at: 0) == same.native32(at: 0),
      transport.native32(at: 8) == same.native32(at: 8), transport[12] == same[12],
      (transport[13] ^ same[13]) & ~Self.push == 0, transport.native16(at: 14) == same.native16(at: 14),
      transport.native16(at: 18) == same.native16(at: 18),
      transport.native16(at: TransportChecksum.offsetInTCP) != MergeCandidate.otherZero
    else { return false }
    var offset = 20
    while offset < headers.headerByteCount &- headers.transportOffset {
      if transport.native32(at: offset) != same.native32(at: offset) { return false }
      offset &+= 4
    }
    return true
  }
}
