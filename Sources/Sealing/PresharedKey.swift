import CSodium

/// A key that all hosts of a network have, mixed into every handshake. In locked memory, never printed.
package final class PresharedKey: Sendable {
  package static let byteCount = 32

  let secret: SecretBytes
  /// What names the key in an initiation: the first four bytes of BLAKE2b-256("vtep-psk-id" | key). Never 0.
  package let id: UInt32

  /// A new key.
  package convenience init(from entropy: inout some Entropy) {
    var secret = entropy.secret(byteCount: Self.byteCount)
    while Self.id(of: secret) == 0 { secret = entropy.secret(byteCount: Self.byteCount) }
    self.init(secret, id: Self.id(of: secret))
  }

  /// Reads 44 characters of base64, which the caller wipes where they are secret. Nil for anything else, and for the
  /// one key in 2^32 whose name says "none".
  package convenience init?(base64 characters: Span<UInt8>) {
    let secret = SecretBytes(byteCount: Self.byteCount)
    guard KeyText.decode(characters, into: secret.bytes) else { return nil }
    self.init(secret)
  }

  /// The same from a text, which nobody can wipe: not for the keys of a running agent.
  package convenience init?(base64 text: String) {
    self.init(base64: Array(text.utf8).span)
  }

  /// Takes 32 bytes over. Nil when their name would be 0.
  convenience init?(_ secret: SecretBytes) {
    precondition(secret.byteCount == Self.byteCount)
    let id = Self.id(of: secret)
    guard id != 0 else { return nil }
    self.init(secret, id: id)
  }

  private init(_ secret: SecretBytes, id: UInt32) {
    self.secret = secret
    self.id = id
  }

  /// The text that a key file has: to be written to its owner and nowhere else.
  package var exportedText: SecretText { SecretText(base64: UnsafeRawBufferPointer(secret.bytes)) }

  /// The same in a String, which nobody can wipe: not for the keys of a running agent.
  package var exportedBase64: String { KeyText.encode(UnsafeRawBufferPointer(secret.bytes)) }

  private static func id(of secret: SecretBytes) -> UInt32 {
    var hash = BLAKE2b(byteCount: 32)
    hash.update("vtep-psk-id")
    // SAFETY: only read, and alive through the call.
    hash.update(UnsafeRawBufferPointer(secret.bytes))
    return hash.finish().prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension PresharedKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "pre-shared key" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
