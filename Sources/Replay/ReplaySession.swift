import Dataplane
import Forwarding
import LinuxIO
import Sealing
import VXLAN

/// One session between the engine of a load and its peers, which all have the same keys here: what it costs to seal and
/// to open does not depend on them.
struct ReplaySession {
  let cipher: Cipher
  private let publicKey: PublicKey
  private let near: (sealing: SealingKey, opening: OpeningKey)
  private let far: (sealing: SealingKey, opening: OpeningKey)

  init(cipher: Cipher) {
    var entropy = SystemEntropy()
    let (nearKey, farKey) = (PrivateKey(from: &entropy), PrivateKey(from: &entropy))
    let payload = InitiationPayload(ciphers: CipherMask([cipher]), presharedKeyIDs: [], bootID: 1, counter: 1)
    guard
      let attempt = InitiatorHandshake(
        from: nearKey, to: farKey.publicKey, ephemeralKey: PrivateKey(from: &entropy), index: 1, payload: payload,
        cookie: nil),
      let opened = ResponderHandshake(opening: attempt.initiation, with: farKey),
      let answer = opened.respond(
        ephemeralKey: PrivateKey(from: &entropy), index: 2, cipher: cipher, presharedKey: nil),
      let result = attempt.open(answer.response, presharedKeys: [])
    else { preconditionFailure("two ends in one process agree") }
    self.cipher = cipher
    publicKey = nearKey.publicKey
    near = result.keys(index: 1)
    far = answer.keys()
  }

  /// What the peers seal with.
  var peerKey: SealingKey { far.sealing }

  /// The engine's side, all peers at one place.
  func side(_ port: any DatagramPort, _ topology: Topology) -> SealedSide {
    let end = Instant(nanoseconds: .max)
    let keyring = Keyring(gracePeriod: topology.gracePeriod)
    for (slot, peer) in zip(topology.peers.indices, topology.peers) {
      keyring.move(peer: slot, to: peer.endpoint)
      keyring.seal(with: near.sealing, until: end, toPeer: slot)
    }
    keyring.accept(near.opening, fromPeer: 0, until: end)
    return SealedSide(
      port: port, keyring: keyring, inbox: SealedInbox {}, mac: HandshakeMAC(to: publicKey),
      waiting: WaitingBudget(), lane: 0)
  }
}
