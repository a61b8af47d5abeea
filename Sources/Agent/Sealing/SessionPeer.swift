import Sealing
import VXLAN

/// A peer with keys, as its sessions need it.
struct SessionPeer: Sendable {
  /// In the agent's list of peers.
  let slot: Int
  let name: String
  let publicKey: PublicKey
  /// As configured.
  let endpoint: Endpoint
  /// Where another agent of this host knew it to be, and what it knew to reach it.
  var formerly: (endpoint: Endpoint?, pathMTU: Int)?

  /// Those with keys among the peers of these slots.
  static func all(in configuration: Configuration, _ slots: [String: Int]) -> [SessionPeer] {
    configuration.peers.compactMap { peer in
      guard configuration.hasSession(peer), let key = peer.publicKey, let slot = slots[peer.name] else { return nil }
      return SessionPeer(slot: slot, name: peer.name, publicKey: key, endpoint: peer.sealedEndpoint)
    }
  }
}
