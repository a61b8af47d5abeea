import VXLAN

/// What is to be told about the session with a peer.
package struct SessionStatus: Equatable, Sendable {
  /// The raw value is what reports say.
  package enum State: String, Sendable {
    /// A session sends.
    case up
    /// None does; an initiation is under way, ours or the peer's.
    case handshake
    case none
  }

  package let state: State
  /// Of the session that sends.
  package let cipher: Cipher?
  /// How long ago the session's keys were derived.
  package let keyAge: Duration?
  /// Where datagrams to the peer go.
  package let endpoint: Endpoint
  /// Sessions that came into use since the peer was added.
  package let handshakeCount: UInt64
  /// Whether the path MTU was found by asking the peer; otherwise it is the route's.
  package var isPathProbed = false

  /// Of a key that is no peer's.
  static let unknown = SessionStatus(
    state: .none, cipher: nil, keyAge: nil, endpoint: Endpoint(address: IPAddress(ipv4: 0), udpPort: 0),
    handshakeCount: 0)
}
