import CPcap

/// What the packets of a capture begin with, as pcap-linktype(7) numbers it.
///
/// libpcap hands out its own number for raw IP, which differs from the one in files; here it is that of files.
package struct LinkType: RawRepresentable, Hashable, Sendable {
  package static let ethernet = LinkType(rawValue: 1)
  package static let rawIP = LinkType(rawValue: 101)
  /// The device `any`, in two versions.
  package static let linuxCooked = LinkType(rawValue: 113)
  package static let linuxCooked2 = LinkType(rawValue: 276)

  package let rawValue: Int32

  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// - Parameter dataLink: what pcap_datalink(3PCAP) answers.
  init(dataLink: Int32) {
    rawValue = dataLink == DLT_RAW ? Self.rawIP.rawValue : dataLink
  }

  /// What libpcap's functions take.
  var dataLink: Int32 { self == .rawIP ? DLT_RAW : rawValue }

  /// Whether `LinkHeader` can read its packets.
  package var isKnown: Bool { name != nil }

  /// As tcpdump names it; nil for one that is not known here.
  package var name: String? {
    switch self {
    case .ethernet: "EN10MB (Ethernet)"
    case .rawIP: "RAW (Raw IP)"
    case .linuxCooked: "LINUX_SLL (Linux cooked v1)"
    case .linuxCooked2: "LINUX_SLL2 (Linux cooked v2)"
    default: nil
    }
  }
}
