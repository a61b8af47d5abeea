import VXLAN

/// An initiation that was sent and what is needed to understand its answer. One owner, one thread. Its secrets are
/// wiped with it.
package struct InitiatorHandshake: ~Copyable {
  /// What begins every prologue; the header of the initiation follows.
  static let prologueLabel = Array("vtep-1".utf8)

  /// A session that the responder has proved to know the keys of.
  package struct Result: ~Copyable {
    package let secrets: SessionSecrets
    package let cipher: Cipher
    /// How the responder names the session.
    package let remoteIndex: UInt32

    /// The initiator's keys; `index` is its own name for the session.
    package consuming func keys(index: UInt32) -> (sealing: SealingKey, opening: OpeningKey) {
      secrets.keys(initiator: true, cipher: cipher, sendIndex: remoteIndex, receiveIndex: index)
    }

    /// The same for a key log.
    borrowing func transportKeys(index: UInt32) -> [TransportKey] {
      secrets.transportKeys(initiator: true, cipher: cipher, sendIndex: remoteIndex, receiveIndex: index)
    }
  }

  /// Our name for the session to be.
  package let index: UInt32
  /// The message of 176 bytes.
  package let initiation: HandshakeMessage
  private let noise: NoiseHandshake
  private let offered: CipherMask

  /// Writes an initiation. Nil where the agreement fails, which it does not for keys that exist.
  package init?(
    from staticKey: PrivateKey, to responder: PublicKey, ephemeralKey: PrivateKey, index: UInt32,
    payload: InitiationPayload, cookie: Cookie?
  ) {
    let header = HandshakeMessage.header(.initiation, index: index)
    var noise = NoiseHandshake(
      .ikPSK2, as: .initiator, prologue: Self.prologueLabel + header,
      keys: .init(staticKey: staticKey, ephemeralKey: ephemeralKey, remoteStatic: responder))
    guard let body = noise.write(payload: payload.bytes) else { return nil }
    let bytes = HandshakeMAC(to: responder).appended(to: header + body, cookie: cookie)
    guard let initiation = HandshakeMessage(parsing: bytes.span) else { return nil }
    self.index = index
    self.initiation = initiation
    self.noise = noise
    offered = payload.ciphers
  }

  /// What a response proves, tried with each of our pre-shared keys; without any, with none. Nil, and nothing changed,
  /// where it is not authentic or names a cipher that was not offered. The caller has checked `mac1` and index.
  package func open(_ response: HandshakeMessage, presharedKeys: [PresharedKey]) -> Result? {
    guard response.kind == .response, response.index == index else { return nil }
    let candidates: [PresharedKey?] = presharedKeys.isEmpty ? [nil] : presharedKeys
    for key in candidates {
      var attempt = noise.copy()
      attempt.setPresharedKey(key)
      guard let bytes = attempt.read(response.noise) else { continue }
      guard let payload = ResponsePayload(parsing: bytes.span), offered.contains(payload.cipher) else { return nil }
      let (first, second) = attempt.split()
      return Result(
        secrets: SessionSecrets(toResponder: first, toInitiator: second), cipher: payload.cipher,
        remoteIndex: payload.index)
    }
    return nil
  }

  /// The cookie in an answer to this initiation, or nil.
  package func openCookie(_ reply: HandshakeMessage, responder: PublicKey) -> Cookie? {
    guard reply.index == index else { return nil }
    return CookieReply.open(reply, mac: Array(HandshakeMAC.first(of: initiation)), responder: responder)
  }
}
