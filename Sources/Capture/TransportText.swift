import VXLAN

/// An IP packet in words, as tcpdump's behind `IP` or `IP6`: `10.99.0.1.5201 > 10.99.0.2.40000: Flags [S], …`.
///
/// Sequence numbers are those on the wire, as with `tcpdump -S`.
struct TransportText {
  private static let tcpHeaderByteCount = 20
  private static let tcpFlags: [(mask: UInt16, letter: String)] = [
    (0x01, "F"), (0x02, "S"), (0x04, "R"), (0x08, "P"), (0x10, "."), (0x20, "U"), (0x40, "E"), (0x80, "W"),
  ]

  /// - Parameter bytes: what `ip` was read from, up to its end or that of what was captured.
  static func of(_ ip: IPPacket, _ bytes: borrowing Span<UInt8>, isQuiet: Bool) -> String {
    let byteCount = ip.payloadByteCount(in: bytes)
    let hosts = "\(ip.source) > \(ip.destination): "
    if let offset = ip.fragmentOffset {
      let payload = "protocol \(ip.protocolNumber), length \(byteCount)"
      guard offset == 0 else { return hosts + "fragment at \(offset), \(payload)" }
    }
    let start = ip.payloadOffset
    switch ip.protocolNumber {
    case Specification.protocolTCP, Specification.protocolUDP:
      let isTCP = ip.protocolNumber == Specification.protocolTCP
      guard let ports = ports(ip, bytes) else { return hosts + (isTCP ? "[|tcp]" : "[|udp]") }
      return ports + (isTCP ? tcp(bytes, at: start, byteCount, isQuiet) : udp(bytes, at: start))
    case Specification.protocolICMP: return hosts + ICMPText.version4(bytes, at: start, byteCount)
    case Specification.protocolICMPv6: return hosts + ICMPText.version6(bytes, at: start, byteCount)
    case Specification.protocolIGMP: return hosts + "igmp, length \(byteCount)"
    default: return hosts + "ip-proto-\(ip.protocolNumber), length \(byteCount)"
    }
  }

  /// `A.p > B.q: `; nil where the ports are cut off.
  private static func ports(_ ip: IPPacket, _ bytes: borrowing Span<UInt8>) -> String? {
    let start = ip.payloadOffset
    guard bytes.count - start >= 4 else { return nil }
    return "\(ip.source).\(bytes.bigEndian16(at: start)) > "
      + "\(ip.destination).\(bytes.bigEndian16(at: start + 2)): "
  }

  private static func udp(_ bytes: borrowing Span<UInt8>, at start: Int) -> String {
    guard bytes.count - start >= Specification.udpHeaderByteCount else { return "UDP [|udp]" }
    let byteCount = Int(bytes.bigEndian16(at: start + 4)) - Specification.udpHeaderByteCount
    return byteCount < 0 ? "UDP, bad length" : "UDP, length \(byteCount)"
  }

  /// - Parameter byteCount: header and payload, as IP says.
  private static func tcp(
    _ bytes: borrowing Span<UInt8>, at start: Int, _ byteCount: Int, _ isQuiet: Bool
  ) -> String {
    guard bytes.count - start >= tcpHeaderByteCount else { return "tcp [|tcp]" }
    let headerByteCount = Int(bytes[start + 12] >> 4) * 4
    let payloadByteCount = byteCount - headerByteCount
    guard headerByteCount >= tcpHeaderByteCount, payloadByteCount >= 0 else { return "tcp, bad header length" }
    if isQuiet { return "tcp \(payloadByteCount)" }
    let flags = bytes.bigEndian16(at: start + 12)
    let (sequence, acknowledged) = (bytes.bigEndian32(at: start + 4), bytes.bigEndian32(at: start + 8))
    let letters = tcpFlags.filter { flags & $0.mask != 0 }.map(\.letter).joined()
    var text = "Flags [\(letters.isEmpty ? "none" : letters)]"
    if payloadByteCount > 0 {
      text += ", seq \(sequence):\(sequence &+ UInt32(truncatingIfNeeded: payloadByteCount))"
    } else if flags & 0x07 != 0 {
      text += ", seq \(sequence)"
    }
    if flags & 0x10 != 0 { text += ", ack \(acknowledged)" }
    text += ", win \(bytes.bigEndian16(at: start + 14))"
    if flags & 0x20 != 0 { text += ", urg \(bytes.bigEndian16(at: start + 18))" }
    if headerByteCount > tcpHeaderByteCount {
      let end = min(start + headerByteCount, bytes.count)
      text += ", options [\(TCPOptionsText.of(bytes.extracting(start + tcpHeaderByteCount..<end)))]"
    }
    return text + ", length \(payloadByteCount)"
  }
}

/// The options of TCP in words.
private enum TCPOptionsText {
  static func of(_ options: borrowing Span<UInt8>) -> String {
    var (words, offset): ([String], Int) = ([], 0)
    while offset < options.count {
      let kind = options[offset]
      if kind == 0 {
        words.append("eol")
        break
      }
      if kind == 1 {
        words.append("nop")
        offset += 1
        continue
      }
      guard options.count - offset >= 2 else { return (words + ["[|tcp]"]).joined(separator: ",") }
      let byteCount = Int(options[offset + 1])
      guard byteCount >= 2, byteCount <= options.count - offset else {
        return (words + ["[bad opt]"]).joined(separator: ",")
      }
      words.append(word(kind, options.extracting(offset..<offset + byteCount)))
      offset += byteCount
    }
    return words.joined(separator: ",")
  }

  private static func word(_ kind: UInt8, _ option: borrowing Span<UInt8>) -> String {
    switch (kind, option.count) {
    case (2, 4): return "mss \(option.bigEndian16(at: 2))"
    case (3, 3): return "wscale \(option[2])"
    case (4, 2): return "sackOK"
    case (5, 10...) where (option.count - 2) % 8 == 0:
      let blocks = stride(from: 2, to: option.count, by: 8).map {
        "{\(option.bigEndian32(at: $0)):\(option.bigEndian32(at: $0 + 4))}"
      }
      return "sack \(blocks.count) \(blocks.joined())"
    case (8, 10): return "TS val \(option.bigEndian32(at: 2)) ecr \(option.bigEndian32(at: 6))"
    default: return "unknown-\(kind)"
    }
  }
}
