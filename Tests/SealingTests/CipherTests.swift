import Testing

@testable import Sealing

@Suite("Ciphers")
struct CipherTests {
  static let available = Cipher.allCases.filter(\.isAvailable)

  @Test("each available cipher gives the known result", arguments: available)
  func selfTest(_ cipher: Cipher) {
    #expect(CipherSelfTest.passes(cipher))
    #expect(CipherSelfTest.workingCiphers().contains(cipher))
  }

  @Test("the self-test fails for any other result", arguments: available)
  func selfTestFails(_ cipher: Cipher) {
    #expect(!CipherSelfTest.passes(cipher, expected: []))
    #expect(!CipherSelfTest.passes(cipher, expected: [UInt8](repeating: 0, count: 100 + cipher.tagByteCount)))
  }

  @Test("ChaCha20-Poly1305 is always there, and what is not available is not offered as working")
  func availability() {
    #expect(Cipher.chacha20poly1305.isAvailable)
    for cipher in Cipher.allCases where !cipher.isAvailable {
      #expect(!CipherSelfTest.workingCiphers().contains(cipher))
    }
  }

  @Test("a mask names one cipher only with exactly one known bit")
  func mask() {
    #expect(CipherMask(rawValue: 1).only == .aes256gcm && CipherMask(rawValue: 2).only == .chacha20poly1305)
    #expect(CipherMask(rawValue: 4).only == .aegis128l)
    for raw: UInt16 in [0, 3, 5, 6, 7, 8, 9, 0x8000] { #expect(CipherMask(rawValue: raw).only == nil) }
  }

  @Test("automatic prefers AES in hardware, then ChaCha, and never takes aegis128l")
  func automatic() {
    let all = CipherMask(Cipher.allCases)
    #expect(CipherChoice.automatic.offer(available: all) == CipherMask([.aes256gcm, .chacha20poly1305]))
    #expect(CipherChoice.automatic.pick(from: all, available: all) == .aes256gcm)
    #expect(CipherChoice.automatic.pick(from: all, available: CipherMask([.chacha20poly1305])) == .chacha20poly1305)
    #expect(CipherChoice.automatic.pick(from: CipherMask([.chacha20poly1305]), available: all) == .chacha20poly1305)
    #expect(CipherChoice.automatic.pick(from: CipherMask([.aegis128l]), available: all) == nil)
  }

  @Test("a named cipher is the only one offered and taken", arguments: Cipher.allCases)
  func named(_ cipher: Cipher) {
    let all = CipherMask(Cipher.allCases)
    let choice = CipherChoice.named(cipher)
    #expect(choice.offer(available: all) == CipherMask([cipher]) && choice.pick(from: all, available: all) == cipher)
    #expect(choice.pick(from: all.subtracting(CipherMask([cipher])), available: all) == nil)
    #expect(choice.pick(from: all, available: all.subtracting(CipherMask([cipher]))) == nil)
  }

  @Test("sizes are those of the wire")
  func sizes() {
    #expect(Cipher.allCases.map(\.tagByteCount) == [16, 16, 32])
    #expect(Cipher.allCases.map(\.keyByteCount) == [32, 32, 16])
    #expect(Cipher.allCases.map(\.failureCountMax) == [1 << 23, 1 << 36, 1 << 36])
  }
}
