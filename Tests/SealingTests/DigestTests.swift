import Sealing
import Testing

@Suite("Digest")
struct DigestTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("it is BLAKE2b with 32 bytes of output")
  func known() {
    var digest = Digest()
    digest.update(Array("abc".utf8)[...])
    #expect(hex(digest.finish()) == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
    #expect(hex(Digest().finish()) == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
  }

  @Test("pieces give the hash of the whole, and one changed bit another")
  func pieces() {
    let bytes = (0..<1000).map { UInt8($0 & 0xFF) }
    var whole = Digest()
    whole.update(bytes[...])
    let expected = whole.finish()
    var parts = Digest()
    for start in stride(from: 0, to: 1000, by: 7) { parts.update(bytes[start..<min(1000, start + 7)]) }
    #expect(parts.finish() == expected)
    var changed = Digest()
    changed.update((bytes.dropLast() + [bytes[999] ^ 1])[...])
    #expect(changed.finish() != expected)
  }
}
