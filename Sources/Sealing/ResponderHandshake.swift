/// An initiation that was received and opened: its sender has the private key of `initiator`, now or in a recording.
/// One owner, one thread. Its secrets are wiped with it.
package struct ResponderHandshake: ~Copyable {
  /// The response, and the session that its receipt will make.
  package struct Result: ~Copyable {
    /// The message of 104 bytes.
    package let response: HandshakeMessage
    package let secrets: SessionSecrets
    package let cipher: Cipher
    /// How the responder names the session.
    package let index: UInt32

    /// The responder's keys.
    package consuming func keys() -> (sealing: SealingKey, opening: OpeningKey) {
      secrets.keys(initiator: false, cipher: cipher, sendIndex: response.index, receiveIndex: index)
    }

    /// The same for a key log.
    borrowing func transportKeys() -> [TransportKey] {
      secrets.transportKeys(initiator: false, cipher: cipher, sendIndex: response.index, receiveIndex: index)
    }
  }

  package let initiator: PublicKey
  package let payload: InitiationPayload
  /// How the initiator names the session to be.
  package let remoteIndex: UInt32
  private let noise: NoiseHandshake

  /// Opens an initiation whose `mac1` is right: two agreements of keys. Nil where it is not authentic or malformed.
  package init?(opening initiation: HandshakeMessage, with staticKey: PrivateKey) {
    guard initiation.kind == .initiation else { return nil }
    var noise = NoiseHandshake(
      .ikPSK2, as: .responder, prologue: InitiatorHandshake.prologueLabel + initiation.header,
      keys: .init(staticKey: staticKey))
    guard let bytes = noise.read(initiation.noise), let payload = InitiationPayload(parsing: bytes.span),
      let initiator = noise.remoteStatic
    else { return nil }
    self.initiator = initiator
    self.payload = payload
    self.remoteIndex = initiation.index
    self.noise = noise
  }

  /// The first of our pre-shared keys that the initiator has too. Nil where there is none though one side wants it:
  /// then there is no answer. `.some(nil)` where neither side has any.
  package func commonPresharedKey(_ own: [PresharedKey]) -> PresharedKey?? {
    if own.isEmpty { return payload.presharedKeyIDs.isEmpty ? .some(nil) : nil }
    return own.first { payload.presharedKeyIDs.contains($0.id) }.map { .some($0) }
  }

  /// Answers: two more agreements of keys. Nil where the initiator's ephemeral key does not let them be made.
  /// - Parameters:
  ///   - cipher: one that the initiation offers.
  ///   - index: our name for the session.
  package func respond(
    ephemeralKey: PrivateKey, index: UInt32, cipher: Cipher, presharedKey: PresharedKey?
  ) -> Result? {
    precondition(payload.ciphers.contains(cipher))
    var noise = noise.copy()
    noise.setEphemeralKey(ephemeralKey)
    noise.setPresharedKey(presharedKey)
    guard let body = noise.write(payload: ResponsePayload(cipher: cipher, index: index).bytes) else { return nil }
    let header = HandshakeMessage.header(.response, index: remoteIndex)
    let bytes = HandshakeMAC(to: initiator).appended(to: header + body, cookie: nil)
    guard let response = HandshakeMessage(parsing: bytes.span) else { return nil }
    let (first, second) = noise.split()
    return Result(
      response: response, secrets: SessionSecrets(toResponder: first, toInitiator: second), cipher: cipher,
      index: index)
  }
}
