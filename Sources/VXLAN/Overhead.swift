/// What a VXLAN tunnel adds to an inner IP packet, header by header, counted against the underlay's IP MTU.
///
/// The inner Ethernet header counts: an overlay MTU is the size of an inner IP packet. This is the one place where
/// the sizes are added up; whoever needs an overhead asks here.
///
///     outer IP 20 | 40, outer UDP 8, VXLAN 8, [counter 8], inner Ethernet 14, [VLAN 4], packet, [tag 16 | 32]
///
/// - SeeAlso: docs/wire-format.md; RFC 7348, section 5.
package struct Overhead: Equatable, Sendable {
  /// The length of the authentication tag that ends a sealed datagram.
  package enum SealingTag: Int, CaseIterable, Sendable {
    /// aes256gcm and chacha20poly1305.
    case bytes16 = 16
    /// aegis128l.
    case bytes32 = 32
  }

  /// One header of a datagram, named for people.
  package struct Header: Equatable, Sendable {
    package let name: String
    package let byteCount: Int
  }

  /// The smallest MTU that a TAP takes: Linux's `ETH_MIN_MTU`, from what every IPv4 link must carry whole.
  /// - SeeAlso: RFC 791, section 3.2.
  package static let overlayMTUMin = 68
  /// The largest IP packet that both families can carry: IPv4's total length has 16 bits. A larger link MTU, such as
  /// the 65,536 of a loopback device, is of no use to one datagram.
  package static let underlayMTUMax = 65_535

  /// In the order in which they stand in the datagram; the authentication tag, if any, is the last.
  package let headers: [Header]

  /// - Parameters:
  ///   - family: that of the underlay.
  ///   - sealingTag: nil for plain VXLAN.
  ///   - passesVLANTag: whether inner frames may carry an 802.1Q tag.
  package init(family: AddressFamily, sealingTag: SealingTag? = nil, passesVLANTag: Bool = false) {
    var headers: [Header] = []
    switch family {
    case .ipv4: headers.append(Header(name: "outer IPv4", byteCount: 20))
    case .ipv6: headers.append(Header(name: "outer IPv6", byteCount: 40))
    }
    headers.append(Header(name: "outer UDP", byteCount: 8))
    headers.append(Header(name: "VXLAN", byteCount: 8))
    if sealingTag != nil { headers.append(Header(name: "session and counter", byteCount: 8)) }
    headers.append(Header(name: "inner Ethernet", byteCount: 14))
    if passesVLANTag { headers.append(Header(name: "inner VLAN tag", byteCount: 4)) }
    if let sealingTag { headers.append(Header(name: "authentication tag", byteCount: sealingTag.rawValue)) }
    self.headers = headers
    self.sealingTag = sealingTag
    let ownByteCount = EthernetHeader.byteCount + (passesVLANTag ? Specification.vlanTagByteCount : 0)
    outerByteCount = headers.reduce(0) { $0 + $1.byteCount } - ownByteCount
  }

  /// The sum of the headers: 50 for plain VXLAN over IPv4.
  package var byteCount: Int { headers.reduce(0) { $0 + $1.byteCount } }

  /// What is added to an inner frame, whose Ethernet header and tag count as its own: 36 for plain VXLAN over IPv4.
  package let outerByteCount: Int

  /// The tag of a sealed datagram; nil: plain.
  package let sealingTag: SealingTag?

  /// In front of the inner frame within the UDP payload: 8, sealed 16.
  package var headerByteCount: Int { sealingTag == nil ? 8 : 16 }

  /// Behind the inner frame: 0, sealed 16 or 32.
  package var tagByteCount: Int { sealingTag?.rawValue ?? 0 }

  /// The smallest underlay MTU that leaves an overlay MTU which a TAP takes.
  package var underlayMTUMin: Int { Self.overlayMTUMin + byteCount }

  /// The largest inner IP packet that fits unfragmented into one underlay packet, in bytes.
  ///
  /// Nil when less than `overlayMTUMin` is left, also for a zero or negative `underlayMTU`. More than
  /// `underlayMTUMax` counts as that.
  package func overlayMTU(underlayMTU: Int) -> Int? {
    guard underlayMTU >= underlayMTUMin else { return nil }
    return min(underlayMTU, Self.underlayMTUMax) - byteCount
  }
}
