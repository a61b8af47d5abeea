import Glibc

/// The two families that an underlay or an overlay address can have.
package enum AddressFamily: Sendable, CaseIterable {
  case ipv4, ipv6
}

/// An IPv4 or IPv6 address without a zone, as a value of 17 bytes that compares in a few instructions.
///
/// Layout: the 128 bits of an IPv6 address in `high` and `low`, most significant first; an IPv4 address in the
/// low 32 bits of `low`.
package struct IPAddress: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64
  package let family: AddressFamily

  /// Four octets, the first in the highest place.
  @inlinable
  package init(ipv4 bits: UInt32) {
    self.high = 0
    self.low = UInt64(bits)
    self.family = .ipv4
  }

  /// Sixteen octets, the first in the highest place of `high`.
  @inlinable
  package init(ipv6High high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
    self.family = .ipv6
  }

  /// Reads dotted-quad IPv4 or the text form of IPv6 (RFC 4291, section 2.2). Nil for anything else, zones included.
  package init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    // C would read only what stands before a zero byte.
    guard !text.utf8.contains(0) else { return nil }
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(ipv4: UInt32(bigEndian: four.s_addr))
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      let words = six.__in6_u.__u6_addr32
      self.init(
        ipv6High: UInt64(UInt32(bigEndian: words.0)) << 32 | UInt64(UInt32(bigEndian: words.1)),
        low: UInt64(UInt32(bigEndian: words.2)) << 32 | UInt64(UInt32(bigEndian: words.3)))
    } else {
      return nil
    }
  }

  /// 4 or 16 octets in wire order.
  package var octets: [UInt8] {
    let all = [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    return family == .ipv4 ? Array(all[12...]) : all
  }

  package var isUnspecified: Bool { high == 0 && low == 0 }
  /// 224.0.0.0/4 or ff00::/8.
  package var isMulticast: Bool {
    family == .ipv4 ? low >> 28 == 0xE : high >> 56 == 0xFF
  }
  /// 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    family == .ipv4 ? low >> 24 == 127 : high == 0 && low == 1
  }
  /// Whether a host may have it on a link: no group's, not the loopback's, nobody's.
  package var isAssignable: Bool {
    guard !isUnspecified, !isMulticast, !isLoopback else { return false }
    // 0.0.0.0/8 is nobody's; 240.0.0.0/4 is reserved, the broadcast address in it (RFC 6890).
    return family == .ipv6 || low >> 24 != 0 && low >> 28 != 0xF
  }
  /// fe80::/10, which means nothing without a zone.
  package var isIPv6LinkLocal: Bool { family == .ipv6 && high >> 54 == 0x3FA }
}

extension IPAddress: CustomStringConvertible {
  /// The text form; IPv6 as RFC 5952 wants it.
  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let bytes = octets
    _ = inet_ntop(family == .ipv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// An address and a UDP port: where datagrams go to or come from.
package struct Endpoint: Hashable, Sendable {
  package var address: IPAddress
  package var udpPort: UInt16

  @inlinable
  package init(address: IPAddress, udpPort: UInt16) {
    self.address = address
    self.udpPort = udpPort
  }
}

extension Endpoint: CustomStringConvertible {
  package var description: String {
    address.family == .ipv4 ? "\(address):\(udpPort)" : "[\(address)]:\(udpPort)"
  }
}

/// An interface address with the length of its network's prefix, such as `10.42.0.1/24`.
package struct IPPrefix: Hashable, Sendable {
  package let address: IPAddress
  /// 0...32 or 0...128.
  package let length: UInt8

  /// Reads `ADDRESS/LENGTH`. Nil without a length or with one that the family does not have.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(String(parts[0])),
      parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), let length = UInt8(parts[1]),
      length <= (address.family == .ipv4 ? 32 : 128)
    else { return nil }
    self.address = address
    self.length = length
  }
}

extension IPPrefix: CustomStringConvertible {
  package var description: String { "\(address)/\(length)" }
}
