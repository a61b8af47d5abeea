/// The peers of a `SessionTable`, by key and in the order in which they were added: what is done for all of them has an
/// order that the same history always has, so that a simulation of it can be repeated. Belongs to the table's thread.
struct SessionPeers {
  /// In the order in which they were added.
  private(set) var all: [PeerSessions] = []
  private var byKey: [PublicKey: PeerSessions] = [:]

  var count: Int { all.count }

  subscript(publicKey: PublicKey) -> PeerSessions? { byKey[publicKey] }

  /// Adds one whose key is not there.
  mutating func add(_ peer: PeerSessions) {
    let former = byKey.updateValue(peer, forKey: peer.publicKey)
    precondition(former == nil, "a peer is added once")
    all.append(peer)
  }

  /// Takes one out; nil: it is not there. *Complexity.* Linear in peers.
  mutating func remove(_ publicKey: PublicKey) -> PeerSessions? {
    guard let peer = byKey.removeValue(forKey: publicKey) else { return nil }
    all.removeAll { $0 === peer }
    return peer
  }
}
