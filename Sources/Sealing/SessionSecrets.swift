/// What a handshake leaves behind: the two secrets of Noise's split, from which the keys of any cipher come. They are
/// used up by making keys: a second pair would begin its counters at zero again.
///
/// *Ownership.* One owner; wiped with it.
package struct SessionSecrets: ~Copyable {
  /// T1, from the initiator to the responder, and T2.
  let toResponder: SecretBytes
  let toInitiator: SecretBytes

  /// The keys of one side. `sendIndex` was chosen by the other side, `receiveIndex` by this one.
  package consuming func keys(
    initiator isInitiator: Bool, cipher: Cipher, sendIndex: UInt32, receiveIndex: UInt32
  ) -> (sealing: SealingKey, opening: OpeningKey) {
    let block = SecretBytes(byteCount: 2 * Cipher.preparedKeyByteCount)
    let half = Cipher.preparedKeyByteCount
    let send = PreparedKey(cipher, isInitiator ? toResponder : toInitiator, in: block, at: 0)
    let receive = PreparedKey(cipher, isInitiator ? toInitiator : toResponder, in: block, at: half)
    return (SealingKey(send, index: sendIndex), OpeningKey(receive, index: receiveIndex))
  }
}
