// HOT: sealing and opening one datagram. No allocation, no reference, no lock.
import CSodium

/// The three ciphers over raw bytes, with their key prepared beforehand.
// SAFETY: callers pass buffers that have the sizes stated and live through the call; a prepared key is as `prepare`
// left it, at a multiple of 64.
extension Cipher {
  /// Bytes that the prepared key of any cipher fits into: AES-GCM's key schedule and hash key.
  static let preparedKeyByteCount = 512

  /// Whether this processor and this libsodium can do it. aes256gcm needs AES in hardware; aegis128l libsodium 1.0.19.
  package var isAvailable: Bool {
    precondition(sodium_init() >= 0, "libsodium cannot be initialised")
    switch self {
    case .aes256gcm: return crypto_aead_aes256gcm_is_available() == 1
    case .chacha20poly1305: return true
    case .aegis128l: return csodium_has_aegis128l() == 1
    }
  }

  /// What does the work of all of them: `libsodium 1.0.18`.
  package static var library: String { "libsodium \(String(cString: sodium_version_string()))" }

  /// Writes what sealing and opening need into `prepared`: 512 bytes at a multiple of 64.
  func prepare(key: UnsafeRawBufferPointer, into prepared: UnsafeMutableRawPointer) {
    precondition(key.count == keyByteCount && isAvailable)
    precondition(crypto_aead_aes256gcm_statebytes() <= Self.preparedKeyByteCount)
    switch self {
    case .aes256gcm: crypto_aead_aes256gcm_beforenm(Self.schedule(prepared), key.octets)
    case .chacha20poly1305, .aegis128l: prepared.copyMemory(from: key.octets, byteCount: key.count)
    }
  }

  /// Encrypts `byteCount` bytes from `plaintext` to `ciphertext`, which may be the same, and appends the tag. False
  /// where the cipher fails: then nobody may see what lies there.
  @inline(__always)
  func seal(
    _ plaintext: UnsafePointer<UInt8>, byteCount: Int, to ciphertext: UnsafeMutablePointer<UInt8>,
    additional: UnsafePointer<UInt8>, additionalByteCount: Int, nonce: borrowing Nonce,
    preparedKey: UnsafeMutableRawPointer
  ) -> Bool {
    let size = UInt64(truncatingIfNeeded: byteCount)
    let additionalSize = UInt64(truncatingIfNeeded: additionalByteCount)
    return nonce.withPointer(for: self) { nonce in
      switch self {
      case .aes256gcm:
        crypto_aead_aes256gcm_encrypt_afternm(
          ciphertext, nil, plaintext, size, additional, additionalSize, nil, nonce, Self.schedule(preparedKey)) == 0
      case .chacha20poly1305:
        crypto_aead_chacha20poly1305_ietf_encrypt(
          ciphertext, nil, plaintext, size, additional, additionalSize, nil, nonce, Self.octets(preparedKey)) == 0
      case .aegis128l:
        csodium_aegis128l_encrypt(
          ciphertext, plaintext, size, additional, additionalSize, nonce, Self.octets(preparedKey)) == 0
      }
    }
  }

  /// Decrypts `byteCount` bytes, of which the last are the tag, from `ciphertext` to `plaintext`, which may be the
  /// same. False where the tag does not fit; then `plaintext` holds nothing of use.
  @inline(__always)
  func open(
    _ ciphertext: UnsafePointer<UInt8>, byteCount: Int, to plaintext: UnsafeMutablePointer<UInt8>,
    additional: UnsafePointer<UInt8>, additionalByteCount: Int, nonce: borrowing Nonce,
    preparedKey: UnsafeMutableRawPointer
  ) -> Bool {
    let size = UInt64(truncatingIfNeeded: byteCount)
    let additionalSize = UInt64(truncatingIfNeeded: additionalByteCount)
    return nonce.withPointer(for: self) { nonce in
      switch self {
      case .aes256gcm:
        crypto_aead_aes256gcm_decrypt_afternm(
          plaintext, nil, nil, ciphertext, size, additional, additionalSize, nonce, Self.schedule(preparedKey)) == 0
      case .chacha20poly1305:
        crypto_aead_chacha20poly1305_ietf_decrypt(
          plaintext, nil, nil, ciphertext, size, additional, additionalSize, nonce, Self.octets(preparedKey)) == 0
      case .aegis128l:
        csodium_aegis128l_decrypt(
          plaintext, ciphertext, size, additional, additionalSize, nonce, Self.octets(preparedKey)) == 0
      }
    }
  }

  @inline(__always)
  private static func schedule(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<crypto_aead_aes256gcm_state>
  {
    pointer.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
  }

  @inline(__always)
  private static func octets(_ pointer: UnsafeMutableRawPointer) -> UnsafePointer<UInt8> {
    UnsafePointer(pointer.assumingMemoryBound(to: UInt8.self))
  }
}
