import Testing
import VXLAN

@testable import Sealing

/// Two endpoints with fixed keys and a handshake between them.
final class HandshakePair {
  let initiatorKey: PrivateKey
  let responderKey: PrivateKey
  var initiatorPresharedKeys: [PresharedKey] = []
  var responderPresharedKeys: [PresharedKey] = []
  var entropy: SeededEntropy
  let payload: InitiationPayload

  /// What each side has after a handshake.
  struct Outcome {
    let cipher: Cipher
    let initiator: (sealing: SealingKey, opening: OpeningKey)
    let responder: (sealing: SealingKey, opening: OpeningKey)
  }

  init(seed: UInt64 = 1, ciphers: CipherMask = CipherMask([.aes256gcm, .chacha20poly1305])) {
    entropy = SeededEntropy(seed: seed)
    initiatorKey = PrivateKey(from: &entropy)
    responderKey = PrivateKey(from: &entropy)
    payload = InitiationPayload(ciphers: ciphers, presharedKeyIDs: [], bootID: 0x0102_0304_0506_0708, counter: 9)
  }

  /// The handshake could not begin: no test wants that.
  struct NoInitiation: Error {}

  func initiate(cookie: Cookie? = nil) throws -> InitiatorHandshake {
    var payload = payload
    payload.presharedKeyIDs = initiatorPresharedKeys.map(\.id)
    guard
      let handshake = InitiatorHandshake(
        from: initiatorKey, to: responderKey.publicKey, ephemeralKey: PrivateKey(from: &entropy), index: 0xABCDE,
        payload: payload, cookie: cookie)
    else { throw NoInitiation() }
    return handshake
  }

  /// The answer to `initiation`, or nil where there is none.
  func respond(to initiation: HandshakeMessage, cipher: Cipher = .chacha20poly1305)
    -> ResponderHandshake.Result?
  {
    guard let handshake = ResponderHandshake(opening: initiation, with: responderKey),
      handshake.initiator == initiatorKey.publicKey,
      let presharedKey = handshake.commonPresharedKey(responderPresharedKeys)
    else { return nil }
    return handshake.respond(
      ephemeralKey: PrivateKey(from: &entropy), index: 0x12345, cipher: cipher, presharedKey: presharedKey)
  }

  /// A whole handshake, or nil where either side refuses.
  func run(cipher: Cipher = .chacha20poly1305) throws -> Outcome? {
    let initiator = try initiate()
    guard let answer = respond(to: initiator.initiation, cipher: cipher),
      let result = initiator.open(answer.response, presharedKeys: initiatorPresharedKeys)
    else { return nil }
    return Outcome(
      cipher: result.cipher,
      initiator: result.secrets.keys(
        initiator: true, cipher: result.cipher, sendIndex: result.remoteIndex, receiveIndex: initiator.index),
      responder: answer.secrets.keys(
        initiator: false, cipher: cipher, sendIndex: initiator.index, receiveIndex: result.remoteIndex))
  }
}
