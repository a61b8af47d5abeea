/// Whether each cipher of this host does what it should, judged at start by one datagram with a known result: an AEAD
/// that is broken would send clear or unreadable frames for as long as nobody looks.
///
/// The results come from other implementations: OpenSSL for AES-GCM and ChaCha20-Poly1305, and for AEGIS a program
/// written after draft-irtf-cfrg-aegis-aead.
package enum CipherSelfTest {
  /// The ciphers that this host has and that work.
  package static func workingCiphers() -> CipherMask {
    CipherMask(Cipher.allCases.filter { $0.isAvailable && passes($0) })
  }

  /// Whether `cipher`, which is available, seals the known datagram to the known result, opens it again, and refuses it
  /// after a change.
  package static func passes(_ cipher: Cipher) -> Bool {
    passes(cipher, expected: bytes(expected(cipher)))
  }

  /// The same with another result, which proves that the test can fail.
  static func passes(_ cipher: Cipher, expected: [UInt8]) -> Bool {
    let key = SecretBytes(byteCount: cipher.keyByteCount)
    for index in 0..<key.byteCount { key.bytes[index] = UInt8(index) }
    let prepared = SecretBytes(byteCount: Cipher.preparedKeyByteCount)
    // SAFETY: the prepared key lives to the end of the function, the arrays through each call, and all are as long as
    // the ciphers are told.
    return withExtendedLifetime(prepared) {
      let pointer = UnsafeMutableRawPointer(prepared.bytes.octets)
      cipher.prepare(key: UnsafeRawBufferPointer(key.bytes), into: pointer)
      let sealed = seal(plaintext, with: cipher, pointer)
      guard sealed == expected, !sealed.isEmpty else { return false }
      var tampered = sealed
      tampered[0] ^= 1
      return open(sealed, with: cipher, pointer) == plaintext
        && open(tampered, with: cipher, pointer) == nil
    }
  }

  private static let header = bytes("0c0000fe00002a001000050000000007")
  private static let word = SealedHeader.Word(lane: 1, index: 5, counter: 7)
  private static let plaintext = (0..<100).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }

  private static func seal(_ plaintext: [UInt8], with cipher: Cipher, _ key: UnsafeMutableRawPointer) -> [UInt8] {
    var sealed = [UInt8](repeating: 0, count: plaintext.count + cipher.tagByteCount)
    let isSealed = cipher.seal(
      plaintext, byteCount: plaintext.count, to: &sealed, additional: header, additionalByteCount: header.count,
      nonce: Nonce(word), preparedKey: key)
    return isSealed ? sealed : []
  }

  private static func open(_ sealed: [UInt8], with cipher: Cipher, _ key: UnsafeMutableRawPointer) -> [UInt8]? {
    var opened = [UInt8](repeating: 0, count: sealed.count - cipher.tagByteCount)
    let isAuthentic = cipher.open(
      sealed, byteCount: sealed.count, to: &opened, additional: header, additionalByteCount: header.count,
      nonce: Nonce(word), preparedKey: key)
    return isAuthentic ? opened : nil
  }

  /// Ciphertext and tag.
  private static func expected(_ cipher: Cipher) -> String {
    switch cipher {
    case .aes256gcm:
      "4c70fa98c9b111a408b9d5cc4a2c7a0e38f1417cf82535025bd5e609f1ed0a68aebd12bc88365a678a52a947eb59e9014518a608f8b46aac"
        + "532fcc2158f32cb2388612f41aa30725b2afdd6cb492c1336091bc76d30d837ed048cc8a85dead3099f0884a39257afc7f93357b53c7"
        + "d7054dce3a2d"
    case .chacha20poly1305:
      "a1573a007fe6a38a90a3ff38e441efc05bb52eac523f8d51231bb5391f4bc24284e0c4e5331ec13dfee2398c920f9d5da3524126516b952b"
        + "6929c6d4164689878fc5b1573d282c7e706290992509a34bfc1c6696c0e6c5c4ade0ce95f05e9c2e95330965b803eb9008ef9b197ffa"
        + "86394341fdcd"
    case .aegis128l:
      "f79e8631dd6ea2c9ab0247abcef4706c828dcaed72b32c800c4a975b8d70442c5ae6b080c1c36c6a214c7daf92dcc9124a4f308020702b3d"
        + "3d5ed4652e8954c0a298b0a4f57614dbca4ddf50ff531c78bf01cd9e4720da695f81e8d1ceba12aa402e5320"
        + "78d9ae775d32fbf0a76bce6c4a7217babe188807abc27c341405d81b9ca3e62a"
    }
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
