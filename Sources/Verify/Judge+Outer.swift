import Capture
import VXLAN

// The rules about what is outside of the VXLAN datagram.
extension Judge {
  /// - Returns: whether the IP packet and the UDP datagram have the lengths that they say.
  mutating func judgeOuterLengths(_ outer: OuterDatagram, _ bytes: Span<UInt8>, wireByteCount: Int) -> Bool {
    let ip = outer.ip
    guard let byteCount = ip.byteCount else {
      // BIG TCP: longer than an IP header can say.
      guard wireByteCount &- ip.offset <= Limits.ipByteCountMax else { return false }
      report(.outerLength) { "the IP header has length 0 in a packet of \(wireByteCount) bytes" }
      return false
    }
    let room = wireByteCount &- ip.offset
    guard byteCount <= room else {
      report(.outerLength) { "the IP header says \(byteCount) bytes, \(room) are there" }
      return false
    }
    let payloadByteCount = byteCount &- (ip.payloadOffset &- ip.offset)
    guard outer.udpByteCount == payloadByteCount else {
      report(.outerLength) { "the UDP header says \(outer.udpByteCount) bytes, the IP header \(payloadByteCount)" }
      return false
    }
    return true
  }

  /// The IPv4 header; in IPv6 there is nothing to it.
  mutating func judgeOuterHeader(_ outer: OuterDatagram, _ bytes: Span<UInt8>) {
    guard outer.ip.source.isIPv4 else { return }
    let header = bytes.extracting(outer.ip.offset..<outer.ip.payloadOffset)
    if WireSum.fold(WireSum.native(header)) != 0xFFFF {
      let checksum = header.bigEndian16(at: 10)
      report(.outerIPv4Checksum) { "0x\(String(checksum, radix: 16)) is wrong" }
    }
    if !outer.ip.isNotToBeCut { report(.dfClear) { "from \(outer.ip.source) to \(outer.ip.destination)" } }
  }

  /// - Parameters:
  ///   - sum: that of the payload.
  ///   - isWhole: all that the checksum covers was captured.
  /// - Returns: whether the checksum was left to the card.
  mutating func judgeChecksum(_ outer: OuterDatagram, sum: UInt64, isWhole: Bool) -> Bool {
    guard outer.checksum != 0 else {
      if !outer.ip.source.isIPv4 { report(.outerUDPChecksum) { "zero, over IPv6" } }
      return false
    }
    let pseudoHeader = WireSum.fold(
      Checksum.ipv6PseudoHeader(
        from: outer.ip.source, to: outer.ip.destination, byteCount: outer.udpByteCount,
        ipProtocol: Specification.protocolUDP))
    guard outer.checksum != pseudoHeader else {
      counts.offloadedCount &+= 1
      return true
    }
    guard isWhole else { return false }
    let header = UInt64(outer.sourcePort) &+ UInt64(outer.destinationPort) &+ UInt64(outer.udpByteCount)
    let total = UInt64(pseudoHeader) &+ header &+ WireSum.bigEndian(sum)
    if WireSum.fold(total &+ UInt64(outer.checksum)) != 0xFFFF {
      report(.outerUDPChecksum) { Self.wrong(outer.checksum, instead: ~WireSum.fold(total)) }
    }
    return false
  }

  private static func wrong(_ checksum: UInt16, instead right: UInt16) -> String {
    "0x\(String(checksum, radix: 16)), 0x\(String(right == 0 ? 0xFFFF : right, radix: 16)) would be right"
  }

  /// Entropy for the underlay's paths. Handshake and control leave from the listening socket and are not judged.
  mutating func judgeSourcePort(_ way: Way) {
    guard !Specification.sourcePortRange.contains(way.sourcePort) else { return }
    report(.sourcePortRange) { "port \(way.sourcePort)" }
  }

  /// The fragment that has the UDP header.
  mutating func judgeFirstFragment(_ outer: OuterDatagram, _ bytes: Span<UInt8>) {
    _ = fragments.exchange(
      fragmentKey(outer.ip, bytes), 1, packet: UInt32(truncatingIfNeeded: counts.packetCount), stamp: stamp)
    report(.outerFragment) { "the first, from \(outer.ip.source) to port \(outer.destinationPort)" }
  }

  /// What has no UDP header: a finding where the IP header leaves no room for that of a datagram to a VXLAN port, whose
  /// ports stand there all the same.
  mutating func judgeNoDatagram(_ ip: IPPacket, _ bytes: Span<UInt8>) {
    guard ip.protocolNumber == Specification.protocolUDP, (ip.fragmentOffset ?? 0) == 0, let byteCount = ip.byteCount,
      ip.offset &+ byteCount &- ip.payloadOffset < Specification.udpHeaderByteCount,
      bytes.count &- ip.payloadOffset >= 4
    else { return judgeLaterFragment(ip, bytes) }
    let port = bytes.bigEndian16(at: ip.payloadOffset &+ 2)
    guard plan.ports.contains(port) || plan.sealedPorts.contains(port) else { return counts.foreignCount &+= 1 }
    counts.datagramCount &+= 1
    report(.outerLength) { "the IP header says \(byteCount) bytes, without room for the UDP header to port \(port)" }
  }

  /// What is no beginning of a UDP datagram: a finding when it is the rest of one to a VXLAN port.
  mutating func judgeLaterFragment(_ ip: IPPacket, _ bytes: Span<UInt8>) {
    // In IPv6 all fragments name what follows in the first: an extension, perhaps.
    guard let offset = ip.fragmentOffset, offset > 0,
      ip.protocolNumber == Specification.protocolUDP || !ip.source.isIPv4,
      let first = fragments.entry(fragmentKey(ip, bytes))
    else { return counts.foreignCount &+= 1 }
    report(.outerFragment) { "at byte \(offset) of the datagram that begins in packet \(first.packet)" }
  }

  private func fragmentKey(_ ip: IPPacket, _ bytes: Span<UInt8>) -> UInt64 {
    var digest = Digest(seed: 2)
    digest.combine(ip.source)
    digest.combine(ip.destination)
    let isIPv4 = ip.source.isIPv4
    digest.combine(isIPv4 ? UInt64(bytes.bigEndian16(at: ip.offset &+ 4)) : UInt64(Self.identification(ip, bytes)))
    return digest.value
  }

  /// Of an IPv6 fragment: the last 4 bytes of the extension, behind which the first one may have others.
  /// - SeeAlso: RFC 8200, section 4.5.
  private static func identification(_ ip: IPPacket, _ bytes: Span<UInt8>) -> UInt32 {
    var (number, next) = (bytes[ip.offset &+ 6], ip.offset &+ Specification.ipv6HeaderByteCount)
    while next &+ 8 <= min(ip.payloadOffset, bytes.count) {
      switch number {
      case Specification.protocolFragment: return bytes.bigEndian32(at: next &+ 4)
      case Specification.protocolAuthentication:
        (number, next) = (bytes[next], next &+ (Int(bytes[next &+ 1]) &+ 2) &* 4)
      default: (number, next) = (bytes[next], next &+ (Int(bytes[next &+ 1]) &+ 1) &* 8)
      }
    }
    return 0
  }
}
