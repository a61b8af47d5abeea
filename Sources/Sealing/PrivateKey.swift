import CSodium

/// The private key of an endpoint, static or ephemeral, in locked memory. Never printed.
/// - SeeAlso: RFC 7748, section 5.
package final class PrivateKey: Sendable {
  private let secret: SecretBytes
  package let publicKey: PublicKey

  /// A new key. Clamped, as `wg genkey` does, so that equal keys have equal text.
  package convenience init(from entropy: inout some Entropy) {
    let secret = entropy.secret(byteCount: PublicKey.byteCount)
    secret.bytes[0] &= 0xF8
    secret.bytes[31] = secret.bytes[31] & 0x7F | 0x40
    self.init(secret)
  }

  /// Reads 44 characters of base64, which the caller wipes where they are secret. Nil for anything else.
  package convenience init?(base64 characters: Span<UInt8>) {
    let secret = SecretBytes(byteCount: PublicKey.byteCount)
    guard KeyText.decode(characters, into: secret.bytes) else { return nil }
    self.init(secret)
  }

  /// The same from a text, which nobody can wipe: not for the keys of a running agent.
  package convenience init?(base64 text: String) {
    self.init(base64: Array(text.utf8).span)
  }

  /// Takes 32 bytes over. The multiplication clamps, so that every key has a public one of full order.
  init(_ secret: SecretBytes) {
    precondition(secret.byteCount == PublicKey.byteCount)
    self.secret = secret
    var point = [UInt8](repeating: 0, count: PublicKey.byteCount)
    // SAFETY: 32 bytes each; libsodium reads and writes no more.
    crypto_scalarmult_base(&point, secret.bytes.octets)
    guard let publicKey = PublicKey(beforeAgreement: point.span) else { preconditionFailure("32 bytes are a key") }
    self.publicKey = publicKey
  }

  /// The text that a key file has: to be written to its owner and nowhere else.
  package var exportedText: SecretText { SecretText(base64: UnsafeRawBufferPointer(secret.bytes)) }

  /// The same in a String, which nobody can wipe: not for the keys of a running agent.
  package var exportedBase64: String { KeyText.encode(UnsafeRawBufferPointer(secret.bytes)) }

  /// Writes the secret that both sides share into `shared`, 32 bytes. False where the other key is of low order.
  // SAFETY: `shared` is the caller's and has 32 bytes; the key's bytes live as long as `self`.
  func agree(with other: PublicKey, into shared: UnsafeMutableRawBufferPointer) -> Bool {
    precondition(shared.count == PublicKey.byteCount)
    return crypto_scalarmult(
      shared.octets,
      secret.bytes.octets, other.bytes) == 0
  }

  /// Whether what was written as a public key is this key itself, in constant time.
  package func hasBytes(of other: PublicKey) -> Bool {
    sodium_memcmp(secret.bytes.octets, other.bytes, PublicKey.byteCount) == 0
  }

  /// Whether both are the same key, in constant time.
  package func isEqual(to other: PrivateKey) -> Bool { SecretBytes.areEqual(secret, other.secret) }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "private key" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
