import Testing
import VXLAN

@Suite("KeyedHash")
struct KeyedHashTests {
  /// The bytes 00 to 0f, the key of the reference's vectors.
  private static let key = KeyedHash(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)

  @Test("the hash of nothing is the first reference vector of SipHash-1-3")
  func empty() {
    var state = KeyedHash.State(Self.key)
    #expect(state.finish().littleEndian == UInt64(littleEndian: 0xABAC_0158_050F_C4DC))
  }

  /// From an implementation of the paper of our own, in another language, that gives the paper's vector for 2-4.
  private static let oneWord: [(UInt64, UInt64)] = [
    (0x0706_0504_0302_0100, 0x3690_9511_8D29_9A8E), (0, 0x5CB9_6F6B_A2A4_FCFC), (.max, 0x823F_3073_1145_3347),
  ]

  @Test("one word", arguments: oneWord)
  func one(word: UInt64, expected: UInt64) {
    #expect(Self.key(word) == expected)
  }

  private static let twoWords: [(UInt64, UInt64, UInt64)] = [
    (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, 0xCC4F_DD1A_7D90_8B66), (0, 0, 0x403E_4B0D_4F19_F787),
    (.max, 1, 0x7B44_C8FD_3FB5_BE36),
  ]

  @Test("two words", arguments: twoWords)
  func two(first: UInt64, second: UInt64, expected: UInt64) {
    #expect(Self.key(first, second) == expected)
  }

  @Test("three words, one after the other")
  func three() {
    var state = KeyedHash.State(Self.key)
    for word: UInt64 in [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, 0x0706_0504_0302_0100] { state.combine(word) }
    #expect(state.finish() == 0x05AF_83BF_7D05_8D5F)
  }

  @Test("each half of the key matters")
  func keys() {
    let others = [KeyedHash(key0: 1, key1: 2), KeyedHash(key0: 1, key1: 3), KeyedHash(key0: 2, key1: 2)]
    #expect(Set(others.map { $0(7) }).count == 3)
  }
}
