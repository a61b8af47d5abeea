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

  /// The responder's end of a handshake.
  struct Answer {
    let response: HandshakeMessage
    let keys: (sealing: SealingKey, opening: OpeningKey)
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
    -> Answer?
  {
    guard let handshake = ResponderHandshake(opening: initiation, with: responderKey),
      handshake.initiator == initiatorKey.publicKey,
      let presharedKey = handshake.commonPresharedKey(responderPresharedKeys)
    else { return nil }
    guard
      let result = handshake.respond(
        ephemeralKey: PrivateKey(from: &entropy), index: 0x12345, cipher: cipher, presharedKey: presharedKey)
    else { return nil }
    let response = result.response
    return Answer(response: response, keys: result.keys())
  }

  /// A whole handshake, or nil where either side refuses.
  func run(cipher: Cipher = .chacha20poly1305) throws -> Outcome? {
    let initiator = try initiate()
    guard let answer = respond(to: initiator.initiation, cipher: cipher),
      let result = initiator.open(answer.response, presharedKeys: initiatorPresharedKeys)
    else { return nil }
    let cipher = result.cipher
    return Outcome(cipher: cipher, initiator: result.keys(index: initiator.index), responder: answer.keys)
  }

  /// Whether `response` makes a session of `initiator`'s attempt.
  static func opens(
    _ response: HandshakeMessage, _ initiator: borrowing InitiatorHandshake, presharedKeys: [PresharedKey] = []
  ) -> Bool {
    if initiator.open(response, presharedKeys: presharedKeys) != nil { true } else { false }
  }
}
