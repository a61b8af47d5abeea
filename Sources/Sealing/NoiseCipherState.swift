import CSodium

/// A ChaCha20-Poly1305 key of a Noise handshake and its nonce, in locked memory. One owner, one thread.
/// - SeeAlso: Noise, revision 34, sections 5.1 and 12.3.
struct NoiseCipherState: ~Copyable {
  static let keyByteCount = 32
  static let tagByteCount = 16

  private let key = SecretBytes(byteCount: keyByteCount)
  private var nonce: UInt64 = 0
  /// False until the first key: then bytes go through as they are.
  private(set) var hasKey = false

  /// Takes the first 32 of `bytes` as key and starts its nonces anew.
  // SAFETY: only read, and valid for the call.
  mutating func setKey(_ bytes: UnsafeRawBufferPointer) {
    key.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<Self.keyByteCount]))
    nonce = 0
    hasKey = true
  }

  /// A second state that goes on by itself.
  func copy() -> NoiseCipherState {
    var copy = NoiseCipherState()
    copy.key.bytes.copyMemory(from: UnsafeRawBufferPointer(key.bytes))
    copy.nonce = nonce
    copy.hasKey = hasKey
    return copy
  }

  /// Ciphertext and tag.
  mutating func encrypt(_ plaintext: [UInt8], additional: [UInt8]) -> [UInt8] {
    guard hasKey else { return plaintext }
    var sealed = [UInt8](repeating: 0, count: plaintext.count + Self.tagByteCount)
    // SAFETY: the key has 32 bytes and lives as long as `self`; here and below.
    crypto_aead_chacha20poly1305_ietf_encrypt(
      &sealed, nil, plaintext, UInt64(plaintext.count), additional, UInt64(additional.count), nil, nextNonce(),
      key.bytes.octets)
    return sealed
  }

  /// The plaintext, or nil where it is too short or the tag does not fit; then the nonce stays.
  mutating func decrypt(_ sealed: ArraySlice<UInt8>, additional: [UInt8]) -> [UInt8]? {
    guard hasKey else { return Array(sealed) }
    guard sealed.count >= Self.tagByteCount else { return nil }
    var plaintext = [UInt8](repeating: 0, count: sealed.count - Self.tagByteCount)
    let unused = nonce
    let status = sealed.withUnsafeBytes {
      crypto_aead_chacha20poly1305_ietf_decrypt(
        &plaintext, nil, nil, $0.octets, UInt64($0.count), additional, UInt64(additional.count), nextNonce(),
        key.bytes.octets)
    }
    guard status == 0 else {
      nonce = unused
      return nil
    }
    return plaintext
  }

  /// Four zero bytes and the number of the message, little-endian.
  private mutating func nextNonce() -> [UInt8] {
    precondition(nonce < .max, "a handshake has a few messages")
    defer { nonce += 1 }
    return [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: nonce >> UInt64(8 * $0)) }
  }
}
