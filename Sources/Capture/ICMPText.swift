import VXLAN

/// ICMP and ICMPv6 in words, as tcpdump's.
/// - SeeAlso: RFC 792; RFC 4443; RFC 4861; RFC 3810.
enum ICMPText {
  private static let headerByteCount = 8
  private static let unreachable6 = [
    "no route", "administratively prohibited", "beyond scope", "address unreachable", "port unreachable",
  ]

  /// - Parameter byteCount: of the message, as IP says.
  static func version4(_ bytes: borrowing Span<UInt8>, at start: Int, _ byteCount: Int) -> String {
    guard bytes.count - start >= headerByteCount else { return "ICMP [|icmp]" }
    let (type, code) = (bytes[start], bytes[start + 1])
    let text =
      switch type {
      case 0: "echo reply, \(echo(bytes, at: start))"
      case 8: "echo request, \(echo(bytes, at: start))"
      case 3: unreachable(code, bytes, at: start)
      case 5: "redirect"
      case 11: "time exceeded in-transit"
      default: "type-#\(type)"
      }
    return "ICMP \(text), length \(byteCount)"
  }

  /// With what is quoted of the packet that got nowhere.
  private static func unreachable(_ code: UInt8, _ bytes: borrowing Span<UInt8>, at start: Int) -> String {
    let quoted = IPPacket(bytes, at: start + headerByteCount, etherType: Specification.etherTypeIPv4)
    let host = quoted.map { "\($0.destination)" } ?? "[|ip]"
    switch code {
    case 0: return "net \(host) unreachable"
    case 1: return "host \(host) unreachable"
    case 3:
      guard let quoted, bytes.count - quoted.payloadOffset >= 4 else { return "\(host) port unreachable" }
      let names = [Specification.protocolTCP: "tcp", Specification.protocolUDP: "udp"]
      let name = names[quoted.protocolNumber] ?? "protocol \(quoted.protocolNumber)"
      return "\(host) \(name) port \(bytes.bigEndian16(at: quoted.payloadOffset + 2)) unreachable"
    case 4: return "\(host) unreachable - need to frag (mtu \(bytes.bigEndian16(at: start + 6)))"
    default: return "\(host) unreachable, code \(code)"
    }
  }

  /// - Parameter byteCount: of the message, as IPv6 says.
  static func version6(_ bytes: borrowing Span<UInt8>, at start: Int, _ byteCount: Int) -> String {
    guard bytes.count - start >= headerByteCount else { return "ICMP6 [|icmp6]" }
    let (type, code) = (bytes[start], bytes[start + 1])
    let hasTarget = bytes.count - start >= 24
    let target = hasTarget ? "\(IPAddress(ipv6At: start + 8, in: bytes))" : "[|icmp6]"
    let text =
      switch type {
      case 1: "destination unreachable, \(name(code, of: unreachable6))"
      case 2: "packet too big, mtu \(bytes.bigEndian32(at: start + 4))"
      case 3: "time exceeded in-transit"
      case 128: "echo request, \(echo(bytes, at: start))"
      case 129: "echo reply, \(echo(bytes, at: start))"
      case 130: "multicast listener query"
      case 131: "multicast listener report"
      case 132: "multicast listener done"
      case 133: "router solicitation"
      case 134: "router advertisement"
      case 135: "neighbor solicitation, who has \(target)"
      case 136: "neighbor advertisement, tgt is \(target)"
      case 137: "redirect"
      case 143: "multicast listener report v2, \(bytes.bigEndian16(at: start + 6)) group record(s)"
      default: "type-#\(type)"
      }
    return "ICMP6, \(text), length \(byteCount)"
  }

  private static func echo(_ bytes: borrowing Span<UInt8>, at start: Int) -> String {
    "id \(bytes.bigEndian16(at: start + 4)), seq \(bytes.bigEndian16(at: start + 6))"
  }

  private static func name(_ code: UInt8, of names: [String]) -> String {
    Int(code) < names.count ? names[Int(code)] : "code \(code)"
  }
}
