/// What `vtep verify` judges, in the order of the reports.
package enum Rule: Int, CaseIterable, Sendable {
  case outerLength, outerIPv4Checksum, outerUDPChecksum, outerFragment
  case headerShort, noVNIFlag, reservedBits, innerShort, innerSource, oversize
  case plainOnSealedPort, sealedOnPlainPort, sealedFraming, controlWithVNI
  case nonceReused, authentication, clearTraffic, unknownVNI
  case sourcePortRange, dfClear, flowPortUnstable, vlanTag, duplicate, macMoved

  /// As in reports.
  package var name: String {
    switch self {
    case .outerLength: "outer-length"
    case .outerIPv4Checksum: "outer-ipv4-checksum"
    case .outerUDPChecksum: "outer-udp-checksum"
    case .outerFragment: "outer-fragment"
    case .headerShort: "header-short"
    case .noVNIFlag: "no-vni-flag"
    case .reservedBits: "reserved-bits"
    case .innerShort: "inner-short"
    case .innerSource: "inner-source"
    case .oversize: "oversize"
    case .plainOnSealedPort: "plain-on-sealed-port"
    case .sealedOnPlainPort: "sealed-on-plain-port"
    case .sealedFraming: "sealed-framing"
    case .controlWithVNI: "control-with-vni"
    case .nonceReused: "nonce-reused"
    case .authentication: "authentication"
    case .clearTraffic: "clear-traffic"
    case .unknownVNI: "unknown-vni"
    case .sourcePortRange: "source-port-range"
    case .dfClear: "df-clear"
    case .flowPortUnstable: "flow-port-unstable"
    case .vlanTag: "vlan-tag"
    case .duplicate: "duplicate"
    case .macMoved: "mac-moved"
    }
  }

  package var severity: Severity {
    rawValue < Self.sourcePortRange.rawValue ? .error : .warning
  }

  /// What breaks it, in one line.
  package var explanation: String {
    switch self {
    case .outerLength: "the lengths of the outer IP and UDP headers do not fit each other or the packet"
    case .outerIPv4Checksum: "the checksum of the outer IPv4 header is wrong"
    case .outerUDPChecksum: "the outer UDP checksum is wrong, or zero over IPv6"
    case .outerFragment: "a VXLAN datagram comes in IP fragments"
    case .headerShort: "a UDP payload under the 8 bytes of a VXLAN header"
    case .noVNIFlag: "the I flag is clear"
    case .reservedBits: "reserved bits of the VXLAN header are set"
    case .innerShort: "an inner frame under the 14 bytes of an Ethernet header"
    case .innerSource: "the inner source address is a group's or zero"
    case .oversize: "an inner frame longer than the segment's MTU with its header"
    case .plainOnSealedPort: "plain VXLAN on the port for sealed"
    case .sealedOnPlainPort: "sealed VXLAN on the port for plain"
    case .sealedFraming: "flags, next protocol, reserved bytes or length of a sealed datagram"
    case .controlWithVNI: "a control or handshake message that names a segment"
    case .nonceReused: "one nonce, other bytes: same destination, index, lane and counter"
    case .authentication: "a sealed datagram that no key of its index opens (with --keys)"
    case .clearTraffic: "plain VXLAN of a segment that is declared sealed (with --sealed or --config)"
    case .unknownVNI: "a segment that is not among those declared (with --vni or --config)"
    case .sourcePortRange: "an outer source port outside of 49152 to 65535"
    case .dfClear: "an outer IPv4 packet that routers may cut"
    case .flowPortUnstable: "an inner flow that changes its outer source port"
    case .vlanTag: "an inner frame with a VLAN tag"
    case .duplicate: "the same datagram again"
    case .macMoved: "an inner source address that comes from another VTEP than before"
    }
  }
}
