import Testing

@testable import Sealing

@Suite("Texts of keys")
struct SecretTextTests {
  /// RFC 7748, section 6.1.
  private let alice = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="

  private func shown(_ text: borrowing SecretText) -> String {
    text.withBytes { bytes in String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self) }
  }

  @Test("a key's text is its 44 characters, with room for one newline and no more")
  func exported() throws {
    var text = try #require(PrivateKey(base64: alice)).exportedText
    #expect(shown(text) == alice && text.byteCount == 44)
    let hasRoom = text.append(0x0A)
    let hasMore = text.append(0x0A)
    #expect(hasRoom && !hasMore)
    #expect(shown(text) == alice + "\n")
    let preshared = try #require(PresharedKey(base64: alice)).exportedText
    #expect(shown(preshared) == alice)
  }

  @Test("a text takes as many bytes as it has room for, in their order")
  func append() {
    var text = SecretText(byteCountMax: 3)
    #expect(shown(text).isEmpty)
    let taken = (0x61...0x64).map { text.append($0) }
    #expect(taken == [true, true, true, false])
    #expect(shown(text) == "abc" && text.byteCount == 3)
  }

  @Test("what is dropped from the end goes up to the last byte that is kept, and may be all")
  func dropLast() {
    var text = SecretText(byteCountMax: 8)
    let taken = "a b  \n".utf8.allSatisfy { text.append($0) }
    #expect(taken)
    text.dropLast { $0 > 0x20 }
    #expect(shown(text) == "a b")
    text.dropLast { _ in false }
    #expect(text.byteCount == 0 && shown(text).isEmpty)
    let again = text.append(0x63)
    #expect(again && shown(text) == "c")
  }
}
