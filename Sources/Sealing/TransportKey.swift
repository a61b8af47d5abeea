/// The key of one direction of a session by the name that its receiver gave it: what a key log holds.
///
/// *Ownership.* The bytes are wiped with the last copy.
package struct TransportKey: Sendable {
  /// How the receiver names the session: 20 bits.
  package let index: UInt32
  package let cipher: Cipher
  /// `cipher.keyByteCount` at least, of which the first count.
  let secret: SecretBytes

  init(index: UInt32, cipher: Cipher, secret: SecretBytes) {
    precondition(index <= SealedHeader.Word.indexMax && secret.byteCount >= cipher.keyByteCount)
    self.index = index
    self.cipher = cipher
    self.secret = secret
  }

  /// The bytes of the key itself.
  // SAFETY: owned by `secret`; callers keep the key alive.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(secret.part(0..<cipher.keyByteCount)) }
}

extension SessionSecrets {
  /// What a key log is to hold of one side's keys: what it sends with, then what it receives with. The arguments are
  /// those of `keys(initiator:cipher:sendIndex:receiveIndex:)`.
  package borrowing func transportKeys(
    initiator isInitiator: Bool, cipher: Cipher, sendIndex: UInt32, receiveIndex: UInt32
  ) -> [TransportKey] {
    let (send, receive) = isInitiator ? (toResponder, toInitiator) : (toInitiator, toResponder)
    return [(send, sendIndex), (receive, receiveIndex)].map { secret, index in
      TransportKey(index: index, cipher: cipher, secret: PreparedKey.derive(cipher, from: secret))
    }
  }
}
