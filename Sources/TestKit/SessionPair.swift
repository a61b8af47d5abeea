import Sealing
import VXLAN

/// Two ends that have just agreed on a session, and the keys of both.
package final class SessionPair {
  /// What one side has of the session.
  package struct Keys {
    package var sealing: SealingKey
    package var opening: OpeningKey
  }

  package let publicKeys: [PublicKey]
  /// Of the initiator and of the responder; what one seals the other opens.
  package let keys: [Keys]

  package init(cipher: Cipher = .chacha20poly1305, seed: UInt64 = 1) {
    var entropy = SimulatedEntropy(seed: seed)
    let (near, far) = (PrivateKey(from: &entropy), PrivateKey(from: &entropy))
    publicKeys = [near.publicKey, far.publicKey]
    let indexes = (0..<2).map { _ in UInt32(truncatingIfNeeded: entropy.next()) & SealedHeader.Word.indexMax }
    guard
      let attempt = InitiatorHandshake(
        from: near, to: far.publicKey, ephemeralKey: PrivateKey(from: &entropy), index: indexes[0],
        payload: InitiationPayload(ciphers: CipherMask([cipher]), presharedKeyIDs: [], bootID: 1, counter: 1),
        cookie: nil),
      let opened = ResponderHandshake(opening: attempt.initiation, with: far),
      let answer = opened.respond(
        ephemeralKey: PrivateKey(from: &entropy), index: indexes[1], cipher: cipher, presharedKey: nil),
      let result = attempt.open(answer.response, presharedKeys: [])
    else { preconditionFailure("two ends without weather agree") }
    keys = [result.keys(index: indexes[0]), answer.keys()].map { Keys(sealing: $0.sealing, opening: $0.opening) }
  }
}
