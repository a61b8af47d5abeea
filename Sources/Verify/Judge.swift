import Capture
import Sealing
import VXLAN

/// Judges the packets of one capture, one after the other, and keeps what the report says of them.
///
/// 1. Link and IP headers; what is no UDP datagram to a VXLAN port is counted and left.
/// 2. The outer headers: `Judge+Outer.swift`.
/// 3. The payload, cut into datagrams where the capture has a run of them in one: `DatagramRun.swift`.
/// 4. Each datagram: `Judge+Plain.swift`, `Judge+Sealed.swift`.
/// 5. Its inner frame, when it can be seen: `Judge+Inner.swift`.
///
/// *Threads.* One at a time. *Complexity.* Memory does not grow with the capture: see `Limits`. No allocation for a
/// packet that breaks no rule.
package struct Judge: ~Copyable {
  let plan: VerifyPlan
  let linkType: LinkType
  let keys: KeyRing?
  /// Where datagrams are opened to; empty while one is being judged.
  var plaintext: [UInt8]

  package internal(set) var findings = FindingList()
  package internal(set) var counts = JudgeCounts()
  package internal(set) var segments: [SegmentTally] = []
  package internal(set) var peers: [PeerTally] = []

  var segmentNumbers = NumberTable(countMax: Limits.segmentCountMax)
  var peerNumbers = NumberTable(countMax: Limits.peerCountMax)
  var nonces = RecentTable(entryCountMax: Limits.nonceCountMax)
  var datagrams = DuplicateTable(entryCountMax: Limits.datagramCountMax)
  var macs = RecentTable(entryCountMax: Limits.macCountMax)
  var flows = RecentTable(entryCountMax: Limits.flowCountMax)
  var fragments = RecentTable(entryCountMax: Limits.fragmentCountMax)
  /// Spreads flows; nothing of a report depends on it.
  let flowKey = KeyedHash(key0: 0x7665_7269_6679_2031, key1: 0x666C_6F77_2070_6F72)

  /// Of the first packet, in nanoseconds.
  private var firstTime: Int64?
  /// Milliseconds since the first packet, modulo 2^32: a capture may go back in time.
  var stamp: UInt32 = 0
  /// What findings are of, while it is known.
  var segmentNumber: Int?

  package init(plan: VerifyPlan, linkType: LinkType, keys: KeyRing? = nil) {
    self.plan = plan
    self.linkType = linkType
    self.keys = keys
    plaintext = keys == nil ? [] : Array(repeating: 0, count: Limits.payloadByteCountMax)
  }

  /// Judges the next packet.
  package mutating func judge(_ packet: CapturedPacket) {
    counts.packetCount &+= 1
    counts.byteCount &+= packet.bytes.count
    segmentNumber = nil
    let first = firstTime ?? packet.time
    firstTime = first
    stamp = UInt32(truncatingIfNeeded: (packet.time &- first) / 1_000_000)
    let bytes = packet.bytes.span
    guard let link = LinkHeader(linkType, bytes),
      let ip = IPPacket(bytes, at: link.byteCount, etherType: link.etherType)
    else { return counts.foreignCount &+= 1 }
    guard let outer = OuterDatagram(link, ip, bytes) else { return judgeNoDatagram(ip, bytes) }
    let isSealedPort = plan.sealedPorts.contains(outer.destinationPort)
    guard isSealedPort || plan.ports.contains(outer.destinationPort) else { return counts.foreignCount &+= 1 }
    counts.datagramCount &+= 1
    guard ip.fragmentOffset == nil else { return judgeFirstFragment(outer, bytes) }
    judge(outer, bytes, wireByteCount: max(packet.wireByteCount, bytes.count), isSealedPort: isSealedPort)
  }

  private mutating func judge(
    _ outer: OuterDatagram, _ bytes: Span<UInt8>, wireByteCount: Int, isSealedPort: Bool
  ) {
    let areLengthsRight = judgeOuterLengths(outer, bytes, wireByteCount: wireByteCount)
    judgeOuterHeader(outer, bytes)
    let payload = bytes.extracting(outer.payload)
    let sum = WireSum.native(payload)
    let isCut = bytes.count < wireByteCount
    // Nothing is there to judge, or nobody knows what the checksum covers.
    guard outer.udpByteCount >= Specification.udpHeaderByteCount || outer.ip.byteCount == nil else { return }
    let isOffloaded =
      outer.ip.byteCount == nil || judgeChecksum(outer, sum: sum, isWhole: areLengthsRight && !isCut)
    let stated =
      isCut
      ? max(payload.count, min(outer.payloadByteCount, wireByteCount &- outer.payload.lowerBound)) : payload.count
    let way = Way(
      outer, source: count(outer, byteCount: stated), isSealedPort: isSealedPort, isOffloaded: isOffloaded,
      identification: outer.ip.source.isIPv4 ? bytes.bigEndian16(at: outer.ip.offset &+ 4) : 0)
    judge(payload, sum: sum, statedByteCount: stated, way)
  }

  /// Judges a payload: one datagram, or a run of them that the sender's card was to cut or the receiver's has joined.
  private mutating func judge(_ payload: Span<UInt8>, sum: UInt64, statedByteCount: Int, _ way: Way) {
    let most = plan.payloadByteCountMax(isIPv4: way.isIPv4, isSealed: way.isSealedPort)
    guard statedByteCount > most || way.isOffloaded, let each = DatagramRun.byteCount(of: payload, max: most) else {
      return judgeDatagram(payload, sum: sum, statedByteCount: statedByteCount, way)
    }
    counts.runCount &+= 1
    var offset = 0
    while offset < statedByteCount {
      let stated = min(each, statedByteCount &- offset)
      let from = min(offset, payload.count)
      let part = payload.extracting(from..<min(from &+ stated, payload.count))
      judgeDatagram(part, sum: WireSum.native(part), statedByteCount: stated, way)
      offset &+= each
    }
  }

  private mutating func judgeDatagram(_ datagram: Span<UInt8>, sum: UInt64, statedByteCount: Int, _ way: Way) {
    guard statedByteCount >= VXLANHeader.byteCount else {
      return report(.headerShort) { "\(statedByteCount) bytes of payload, \(VXLANHeader.byteCount) needed" }
    }
    guard datagram.count >= VXLANHeader.byteCount else { return counts.cutCount &+= 1 }
    let piece = Piece(datagram, sum: sum, statedByteCount: statedByteCount)
    let isPlain = way.isSealedPort ? piece.isPlainForSure : !piece.isSealedForSure
    if isPlain == way.isSealedPort { reportPort(way) }
    if isPlain { judgePlain(piece, datagram, way) } else { judgeSealed(piece, datagram, way) }
  }

  private mutating func reportPort(_ way: Way) {
    report(way.isSealedPort ? .plainOnSealedPort : .sealedOnPlainPort) { "to port \(way.destination.udpPort)" }
  }

  /// Counts a datagram under its two ends.
  /// - Returns: the number of its source; nil when there are too many.
  private mutating func count(_ outer: OuterDatagram, byteCount: Int) -> Int? {
    let source = peerNumber(of: outer.ip.source)
    if let source {
      peers[source].sentDatagramCount &+= 1
      peers[source].sentByteCount &+= byteCount
    }
    if let destination = peerNumber(of: outer.ip.destination) {
      peers[destination].receivedDatagramCount &+= 1
      peers[destination].receivedByteCount &+= byteCount
    }
    return source
  }

  private mutating func peerNumber(of address: IPAddress) -> Int? {
    let key = address.isIPv4 ? address.low : KeyedHash(key0: 1, key1: 2)(address.high, address.low) | 1 << 63
    guard let number = peerNumbers.number(of: key) else { return nil }
    if number == peers.count { peers.append(PeerTally(address: address)) }
    return number
  }

  /// Makes `vni` the segment that findings and frames are counted under.
  mutating func enter(_ vni: VNI) {
    segmentNumber = segmentNumbers.number(of: UInt64(vni.rawValue))
    if segmentNumber == segments.count { segments.append(SegmentTally(vni: vni)) }
  }

  /// Whether the packet at hand came within so many milliseconds of an earlier one, before or behind it.
  func isWithin(_ milliseconds: UInt32, of before: UInt32) -> Bool {
    Int32(bitPattern: stamp &- before).magnitude <= milliseconds
  }

  // COLD
  @inline(never)
  mutating func report(_ rule: Rule, _ detail: () -> String) {
    findings.add(rule, packet: counts.packetCount, detail)
    if let segmentNumber { segments[segmentNumber].findingCount += 1 }
  }
}
