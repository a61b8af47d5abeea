/// This process as its peers see it: its keys, what it offers, and the numbers that it never gives twice. Belongs to
/// the control thread.
package final class LocalEnd {
  package private(set) var privateKey: PrivateKey
  /// Preferred first; two at most.
  package private(set) var presharedKeys: [PresharedKey]
  package private(set) var choice: CipherChoice
  /// The ciphers that passed the self-test.
  package let available: CipherMask
  /// Random, of this process.
  let bootID: UInt64
  private var initiationCounter: UInt64 = 0
  var indexes = SessionIndexes()
  var entropy: any Entropy
  private(set) var mac: HandshakeMAC
  package let keyLife: KeyLife
  /// Whether the keys of sessions are given away for a key log.
  package var logsKeys = false

  /// - Parameter keyLife: shorter in tests only.
  /// - Throws: when no cipher could be offered, and for more pre-shared keys than an initiation names.
  package init(
    privateKey: PrivateKey, presharedKeys: [PresharedKey], choice: CipherChoice, available: CipherMask,
    entropy: any Entropy, keyLife: KeyLife = .standard
  ) throws(SealingFailure) {
    guard !choice.offer(available: available).isEmpty else { throw .noCipher(choice) }
    guard presharedKeys.count <= InitiationPayload.presharedKeyCountMax else {
      throw .tooManyPresharedKeys(presharedKeys.count)
    }
    self.privateKey = privateKey
    self.presharedKeys = presharedKeys
    self.choice = choice
    self.available = available
    self.entropy = entropy
    self.keyLife = keyLife
    bootID = self.entropy.next()
    mac = HandshakeMAC(to: privateKey.publicKey)
  }

  var publicKey: PublicKey { privateKey.publicKey }

  /// Other pre-shared keys from the next handshake on. False, and nothing changed, for too many.
  func setPresharedKeys(_ keys: [PresharedKey]) -> Bool {
    guard keys.count <= InitiationPayload.presharedKeyCountMax else { return false }
    presharedKeys = keys
    return true
  }

  /// Another own key. What was agreed on with the one before is to be ended first.
  func setPrivateKey(_ key: PrivateKey) {
    privateKey = key
    mac = HandshakeMAC(to: key.publicKey)
  }

  /// Other ciphers are offered from the next handshake on. The caller has made sure that one of them is available.
  func setChoice(_ choice: CipherChoice) {
    precondition(!choice.offer(available: available).isEmpty)
    self.choice = choice
  }

  /// What the next initiation says.
  func nextPayload() -> InitiationPayload {
    initiationCounter += 1
    return InitiationPayload(
      ciphers: choice.offer(available: available), presharedKeyIDs: presharedKeys.map(\.id), bootID: bootID,
      counter: initiationCounter)
  }

  func newEphemeralKey() -> PrivateKey { PrivateKey(from: &entropy) }
}
