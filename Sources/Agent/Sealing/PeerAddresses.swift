import VXLAN

/// Which addresses are peers': for lines of the log, and so that datagrams of unknown sessions from anywhere else cost
/// nothing. One thread.
///
/// Peers that moved keep their former addresses here: a few words for each of their moves, up to `addressCountMax`.
struct PeerAddresses {
  /// Four for each of as many peers as there may be.
  private static let addressCountMax = 4 * Configuration.Limits.peerCountMax

  private var names: [IPAddress: String]
  /// From which an unknown session was noted since `forgetNotes`.
  private var noted: Set<IPAddress> = []

  init(_ peers: [SessionPeer]) {
    names = Dictionary(peers.map { ($0.endpoint.address, $0.name) }) { first, _ in first }
  }

  /// The peer that is or was at the address.
  func name(at address: IPAddress) -> String? { names[address] }

  mutating func add(_ address: IPAddress, of peer: SessionPeer) {
    guard names.count < Self.addressCountMax || names[address] != nil else { return }
    names[address] = peer.name
  }

  /// Nothing is the peer's any more.
  mutating func remove(_ peer: SessionPeer) {
    names = names.filter { $0.value != peer.name }
  }

  /// Whether this is the first datagram of an unknown session from a peer's address since `forgetNotes`.
  mutating func note(_ address: IPAddress) -> Bool {
    names[address] != nil && noted.insert(address).inserted
  }

  mutating func forgetNotes() {
    noted.removeAll(keepingCapacity: true)
  }
}
