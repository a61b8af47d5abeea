// Only with AEGIS=1 (scripts/test): built against a libsodium that has the cipher.
#if AEGIS
  import CSodium
  import Testing

  @testable import Sealing

  @Suite("AEGIS-128L with a libsodium that has it")
  struct AEGISTests {
    @Test("it is there, works, and is among the ciphers that every other test here is run with")
    func available() {
      #expect(Cipher.aegis128l.isAvailable)
      #expect(CipherSelfTest.workingCiphers().contains(.aegis128l))
      #expect(CipherTests.available.contains(.aegis128l))
    }

    /// Additional data, plaintext, ciphertext and tag of 256 bits, all under one key and nonce.
    /// - SeeAlso: RFC 10032 (draft-irtf-cfrg-aegis-aead), test vectors 1 to 3 of AEGIS-128L.
    static let published = [
      (
        "", "00000000000000000000000000000000", "c1c0e58bd913006feba00f4b3cc3594e",
        "25835bfbb21632176cf03840687cb968cace4617af1bd0f7d064c639a5c79ee4"
      ),
      ("", "", "", "1360dc9db8ae42455f6e5b6a9d488ea4f2184c4e12120249335c4ee84bafe25d"),
      (
        "0001020304050607", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "79d94593d8c2119d7e8fd9b8fc77845c5c077a05b2528b6ac54b563aed8efe84",
        "022cb796fe7e0ae1197525ff67e309484cfbab6528ddef89f17d74ef8ecd82b3"
      ),
    ]

    @Test("the published vectors come out, with the long tag", arguments: published)
    func publishedVectors(_ additional: String, _ plaintext: String, _ ciphertext: String, _ tag: String) {
      let key = Hex.bytes("10010000000000000000000000000000")
      let nonce = Hex.bytes("10000200000000000000000000000000")
      let (message, data) = (Hex.bytes(plaintext), Hex.bytes(additional))
      var sealed = [UInt8](repeating: 0, count: message.count + 32)
      #expect(
        csodium_aegis128l_encrypt(&sealed, message, UInt64(message.count), data, UInt64(data.count), nonce, key) == 0)
      #expect(Hex.text(sealed) == ciphertext + tag)
      var opened = [UInt8](repeating: 0, count: message.count + 1)
      #expect(
        csodium_aegis128l_decrypt(&opened, sealed, UInt64(sealed.count), data, UInt64(data.count), nonce, key) == 0)
      #expect(opened.dropLast() == message[...])
    }
  }
#endif
