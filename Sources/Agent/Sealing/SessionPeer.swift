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

  /// In the order of their slots.
  static func all(in configuration: Configuration) -> [SessionPeer] {
    configuration.peers.enumerated().compactMap { slot, peer in
      guard configuration.hasSession(peer), let key = peer.publicKey else { return nil }
      return SessionPeer(slot: slot, name: peer.name, publicKey: key, endpoint: peer.sealedEndpoint)
    }
  }
}
