import Testing

@testable import Sealing

@Suite("Keys")
struct KeyTests {
  /// RFC 7748, section 6.1.
  private let alice = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
  private let alicePublic = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

  @Test("a public key comes from the private one, in the text that wg uses")
  func publicKey() throws {
    let key = try #require(PrivateKey(base64: alice))
    #expect(key.publicKey.base64 == alicePublic)
    #expect(key.publicKey == PublicKey(base64: alicePublic))
    #expect(key.exportedBase64 == alice)
  }

  @Test("both sides agree on one secret: RFC 7748, section 6.1")
  func agreement() throws {
    let own = try #require(PrivateKey(base64: alice))
    let bob = try #require(PublicKey(Hex.bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")))
    let shared = SecretBytes(byteCount: 32)
    #expect(own.agree(with: bob, into: shared.bytes))
    #expect(Hex.text(shared.bytes) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
  }

  @Test(
    "a key's text is 44 characters of canonical base64 and nothing else",
    arguments: [
      "", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo", " dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC==", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA",
      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25L-o=", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC\u{0}=",
      "=wdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25Lé=",
    ])
  func refusedText(_ text: String) {
    #expect(PrivateKey(base64: text) == nil)
    #expect(PublicKey(base64: text) == nil)
    #expect(PresharedKey(base64: text) == nil)
  }

  @Test("no byte outside the alphabet is taken for one of it, at any place")
  func everyByteAtEveryPlace() {
    let good = Array(alice.utf8)
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    // The 43rd character has two bits that are zero: every fourth of the alphabet.
    let lastOnes = Set("AEIMQUYcgkosw048".utf8)
    var wrong: [String] = []
    for place in good.indices {
      let allowed = place == 43 ? Set("=".utf8) : place == 42 ? lastOnes : alphabet
      for byte in UInt8.min...UInt8.max {
        var text = good
        text[place] = byte
        if (PrivateKey(base64: text.span) != nil) != allowed.contains(byte) { wrong.append("\(byte) at \(place)") }
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test(
    "row 29: public keys of low order are refused, and nothing is agreed on with them",
    arguments: LowOrderKeys.all)
  func lowOrder(_ text: String) throws {
    var bytes = Hex.bytes(text)
    #expect(PublicKey(bytes) == nil)
    let key = try #require(PrivateKey(base64: alice))
    let received = PublicKey(beforeAgreement: bytes.span)
    let shared = SecretBytes(byteCount: 32)
    #expect(!key.agree(with: try #require(received), into: shared.bytes))
    bytes[31] |= 0x80
    #expect(PublicKey(bytes) == nil, "the highest bit is not part of the key")
  }

  @Test("a public key has 32 bytes, which it gives back, and sorts as unsigned bytes do")
  func publicKeyBytes() throws {
    let low = Hex.bytes("09" + String(repeating: "00", count: 31))
    let high = Hex.bytes("f0" + String(repeating: "00", count: 31))
    let lowKey = try #require(PublicKey(low))
    let highKey = try #require(PublicKey(high))
    #expect(lowKey.bytes == low && highKey.bytes == high && lowKey < highKey && !(highKey < lowKey))
    #expect(PublicKey(Array(low.dropLast())) == nil && PublicKey((low + [0])) == nil)
    var late = low
    late[31] = 1
    #expect(try lowKey < #require(PublicKey(late)))
  }

  @Test("a new key is clamped and never the same")
  func generation() throws {
    var entropy = SystemEntropy()
    let key = PrivateKey(from: &entropy)
    #expect(!key.isEqual(to: PrivateKey(from: &entropy)))
    let again = try #require(PrivateKey(base64: key.exportedBase64))
    #expect(again.isEqual(to: key) && again.publicKey == key.publicKey)
    var bytes = [UInt8](repeating: 0, count: 32)
    #expect(bytes.withUnsafeMutableBytes { KeyText.decode(Array(key.exportedBase64.utf8).span, into: $0) })
    #expect(bytes[0] & 7 == 0 && bytes[31] & 0xC0 == 0x40)
    #expect(PresharedKey(from: &entropy).exportedBase64 != PresharedKey(from: &entropy).exportedBase64)
  }

  @Test("no secret shows in a description, a dump or a mirror")
  func hidden() throws {
    let key = try #require(PrivateKey(base64: alice))
    let preshared = try #require(PresharedKey(base64: alice))
    let holder = (key, preshared, preshared.secret)
    var dumped = ""
    dump(holder, to: &dumped)
    let texts = ["\(holder)", String(reflecting: holder), dumped, "\(key)", String(reflecting: preshared)]
    for text in texts {
      #expect(!text.contains(alice) && !text.lowercased().contains("77076d") && !text.contains("119, 7, 109"))
      #expect(!text.contains("0x"), "not even where it lies")
    }
    #expect(Mirror(reflecting: key).children.isEmpty && Mirror(reflecting: preshared).children.isEmpty)
    #expect(Mirror(reflecting: preshared.secret).children.isEmpty)
  }

  @Test("a pre-shared key is named by the first four bytes of its labelled hash")
  func presharedKeyID() throws {
    var digest = Digest()
    digest.update((Array("vtep-psk-id".utf8) + [UInt8](repeating: 0x5A, count: 32))[...])
    let expected = Hex.text(digest.finish().prefix(4))
    let text = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
    #expect(try Hex.text(#require(PresharedKey(base64: text)).id.bigEndianBytes) == expected)
  }

  @Test("wiped bytes are zero, and equality looks at every byte")
  func secretBytes() {
    let first = [1, 2, 3].withUnsafeBytes { SecretBytes(copying: $0) }
    let second = [1, 2, 3].withUnsafeBytes { SecretBytes(copying: $0) }
    #expect(SecretBytes.areEqual(first, second) && first.byteCount == 24)
    second.bytes[23] = 1
    #expect(!SecretBytes.areEqual(first, second) && !SecretBytes.areEqual(first, SecretBytes(byteCount: 8)))
    first.wipe()
    #expect(first.bytes.allSatisfy { $0 == 0 })
  }
}
