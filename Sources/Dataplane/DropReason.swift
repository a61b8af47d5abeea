/// Why a frame ended otherwise than delivered or sent. Each frame that ends is counted under exactly one; the first
/// that matches wins, in the order of the declarations of its direction.
///
/// Where Linux has a word for it (`SKB_DROP_REASON_…`, as dropwatch shows), the comment names it.
package enum DropReason: UInt8, CaseIterable, Sendable {
  // Datagrams from the underlay.

  /// The datagram arrived in IP fragments; a VTEP neither sends nor takes them (RFC 7348, section 4.3).
  case fragment
  /// The datagram was longer than any buffer.
  case truncated
  /// UDP payload under 8 bytes (Linux: PKT_TOO_SMALL).
  case shortHeader
  /// The I flag is clear (Linux: VXLAN_INVALID_HDR).
  case noVNIFlag
  /// A reserved bit is set (Linux: VXLAN_INVALID_HDR).
  case reservedBits
  /// The source address is none of the configured peers'.
  case unknownPeer
  /// No segment has the VNI (Linux: VXLAN_VNI_NOT_FOUND).
  case unknownVNI
  /// In clear, for a sealed segment.
  case plainForSealed
  /// The sealed framing is broken.
  case framing
  /// A handshake message that is malformed, of an unknown key, too frequent or replayed.
  case handshake
  /// No session has the index.
  case unknownSession
  /// Counter seen before, or too old.
  case replay
  /// The tag does not fit.
  case authentication
  /// The peer is not one of the segment's.
  case notPermitted

  // Frames of both directions.

  /// Under 14 bytes.
  case shortFrame
  /// Longer than the segment's MTU and header allow.
  case oversize
  /// From a TAP: handed over with something undone that the kernel was not asked to leave undone.
  case badOffload
  /// An 802.1Q or 802.1ad tag where the segment passes none (RFC 7348, section 6.1).
  case vlanTag
  /// The source address is a group or zero (Linux: VXLAN_INVALID_SMAC).
  case invalidSourceMAC
  /// From a peer, with the own address as source (Linux: LOCAL_MAC).
  case ownSourceMAC
  /// A static entry says that the source address is elsewhere (Linux: VXLAN_ENTRY_EXISTS).
  case staticMove
  /// Congestion was signalled to a packet that cannot carry it (Linux: IP_TUNNEL_ECN).
  case ecn
  /// The TAP takes no more for now.
  case tapFull
  /// The TAP is down or gone.
  case tapDown

  // Frames from a TAP.

  /// The frame came back that was written to the TAP.
  case loop
  /// Above the segment's rate of flooded frames.
  case stormLimit
  /// The segment has no peer to send to (Linux: VXLAN_NO_REMOTE).
  case noPeer
  /// Longer than the path carries (Linux: PKT_TOO_BIG).
  case tooBig
  /// No session with the peer.
  case noSession
  /// The socket takes no more for now.
  case socketFull
  /// The system refused the datagram.
  case underlayError

  package static let count = allCases.count

  /// The name in output and metrics.
  package var name: String {
    switch self {
    case .fragment: "fragment"
    case .truncated: "truncated"
    case .shortHeader: "short-header"
    case .noVNIFlag: "no-vni-flag"
    case .reservedBits: "reserved-bits"
    case .unknownPeer: "unknown-peer"
    case .unknownVNI: "unknown-vni"
    case .plainForSealed: "plain-for-sealed"
    case .framing: "framing"
    case .handshake: "handshake"
    case .unknownSession: "unknown-session"
    case .replay: "replay"
    case .authentication: "authentication"
    case .notPermitted: "not-permitted"
    case .shortFrame: "short-frame"
    case .oversize: "oversize"
    case .badOffload: "bad-offload"
    case .vlanTag: "vlan-tag"
    case .invalidSourceMAC: "invalid-source-mac"
    case .ownSourceMAC: "own-source-mac"
    case .staticMove: "static-move"
    case .ecn: "ecn"
    case .tapFull: "tap-full"
    case .tapDown: "tap-down"
    case .loop: "loop"
    case .stormLimit: "storm-limit"
    case .noPeer: "no-peer"
    case .tooBig: "too-big"
    case .noSession: "no-session"
    case .socketFull: "socket-full"
    case .underlayError: "underlay-error"
    }
  }

  /// Whether a frame of that direction can end for this reason.
  package func applies(to direction: Direction) -> Bool {
    switch self {
    case .shortFrame, .vlanTag, .invalidSourceMAC, .staticMove: true
    case .badOffload, .loop, .stormLimit, .noPeer, .tooBig, .noSession, .socketFull, .underlayError:
      direction == .overlay
    default: direction == .underlay
    }
  }
}

/// Where a frame came from.
package enum Direction: Int, CaseIterable, Sendable {
  /// Read from a TAP.
  case overlay
  /// A datagram from the underlay.
  case underlay
}
