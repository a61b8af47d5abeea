import CSodium

/// Base64 of 32 bytes as `wg` reads and writes it: 44 characters with one `=`, nothing before or behind.
/// - SeeAlso: RFC 4648, section 4.
enum KeyText {
  static let byteCount = 32
  static let characterCount = 44

  /// Decodes into `key`, 32 bytes. False, and `key` wiped, unless the characters are canonical.
  // SAFETY: `key` is the caller's, 32 bytes, and valid for the call; here and below.
  static func decode(_ characters: Span<UInt8>, into key: UnsafeMutableRawBufferPointer) -> Bool {
    precondition(key.count == byteCount)
    guard characters.count == characterCount, isASCII(characters) else {
      sodium_memzero(key.baseAddress, key.count)
      return false
    }
    var decodedCount = 0
    let status = characters.withUnsafeBytes { characters in
      characters.withMemoryRebound(to: CChar.self) {
        sodium_base642bin(
          key.octets, byteCount, $0.baseAddress, $0.count, nil, &decodedCount, nil, sodium_base64_VARIANT_ORIGINAL)
      }
    }
    guard status == 0, decodedCount == byteCount else {
      sodium_memzero(key.baseAddress, key.count)
      return false
    }
    return true
  }

  /// Whether no byte has its highest bit, without a branch for each. libsodium 1.0.18 takes those that have for
  /// characters of the alphabet where `char` is signed.
  private static func isASCII(_ characters: Span<UInt8>) -> Bool {
    var bits: UInt8 = 0
    for index in characters.indices { bits |= characters[index] }
    return bits < 0x80
  }

  /// The 44 characters for `key`, 32 bytes.
  static func encode(_ key: UnsafeRawBufferPointer) -> String {
    var text = [UInt8](repeating: 0, count: characterCount + 1)
    text.withUnsafeMutableBytes { encode(key, into: $0) }
    return String(decoding: text.dropLast(), as: UTF8.self)
  }

  /// The same into `text`, which has room for one byte more: libsodium ends it with a zero.
  static func encode(_ key: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) {
    precondition(key.count == byteCount && text.count > characterCount)
    text.octets.withMemoryRebound(to: CChar.self, capacity: text.count) {
      _ = sodium_bin2base64($0, text.count, key.octets, byteCount, sodium_base64_VARIANT_ORIGINAL)
    }
  }
}
