import CSodium

/// A cipher's key in locked memory, ready for use. A session's two share one block, because locked memory comes in
/// pages. Wiped with the object.
final class PreparedKey: Sendable {
  let cipher: Cipher
  private let block: SecretBytes
  private let offset: Int

  // SAFETY: inside of `block`, which lives as long as the object; a multiple of 64, as the block's start.
  var pointer: UnsafeMutableRawPointer { UnsafeMutableRawPointer(block.bytes.octets + offset) }

  /// The key of `cipher` that comes from `secret`, prepared at `offset` in `block`.
  convenience init(_ cipher: Cipher, _ secret: SecretBytes, in block: SecretBytes, at offset: Int) {
    self.init(
      TransportKey(index: 0, cipher: cipher, secret: Self.derive(cipher, from: secret)), in: block, at: offset)
  }

  /// `key`, prepared at `offset` in `block`.
  init(_ key: TransportKey, in block: SecretBytes, at offset: Int) {
    precondition(offset.isMultiple(of: 64) && offset + Cipher.preparedKeyByteCount <= block.byteCount)
    cipher = key.cipher
    self.block = block
    self.offset = offset
    withExtendedLifetime(key) { cipher.prepare(key: $0.bytes, into: pointer) }
  }

  /// BLAKE2b-256(key = `secret`, "vtep-transport" | cipher's bit number), of which the key is the first bytes.
  static func derive(_ cipher: Cipher, from secret: SecretBytes) -> SecretBytes {
    let key = SecretBytes(byteCount: 32)
    var hash = BLAKE2b(byteCount: key.byteCount, key: UnsafeRawBufferPointer(secret.bytes))
    hash.update("vtep-transport")
    hash.update(CollectionOfOne(cipher.rawValue))
    hash.finish(into: key.bytes)
    return key
  }

  deinit {
    sodium_memzero(pointer, Cipher.preparedKeyByteCount)
  }
}
