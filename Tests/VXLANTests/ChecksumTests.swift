import Testing
import TestKit
import VXLAN

@Suite("Checksum")
struct ChecksumTests {
  @Test("the example of RFC 1071, section 3")
  func example() {
    let bytes: [UInt8] = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]
    #expect(Checksum.sum(bytes) == 0x2DDF0)
    #expect(Checksum.finish(0x2DDF0) == ~0xDDF2)
  }

  @Test("an IPv4 header with its checksum in place sums up to zero")
  func header() {
    // A well-known header: 45 00 00 73 … with checksum b861.
    let bytes: [UInt8] = [
      0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xB8, 0x61,
      0xC0, 0xA8, 0x00, 0x01, 0xC0, 0xA8, 0x00, 0xC7,
    ]
    #expect(Checksum.finish(Checksum.sum(bytes)) == 0)
    var blank = bytes
    blank.replaceSubrange(10..<12, with: [0, 0])
    #expect(Checksum.finish(Checksum.sum(blank)) == 0xB861)
  }

  @Test("nothing sums up to zero, an odd byte counts as the high half of a word, a sum goes on from another")
  func edges() {
    let none: [UInt8] = []
    #expect(Checksum.sum(none) == 0 && Checksum.finish(0) == 0xFFFF)
    #expect(Checksum.sum([0x12, 0x34, 0x56]) == 0x1234 + 0x5600)
    #expect(Checksum.sum([0x12, 0x34], initial: 5) == 0x1239)
    #expect(Checksum.finish(.max) == 0)
    #expect(Checksum.finish(0xFFFF) == 0 && Checksum.finish(0x10000) == 0xFFFE)
  }

  @Test("adjusting for one changed word gives what computing anew gives, in 100,000 cases")
  func adjusted() {
    let seed = TestSeed.fixed("Checksum.adjusted")
    var random = SeededGenerator(seed: seed)
    // Words near the ends of ones' complement arithmetic come often: RFC 1624 was written for them.
    func word() -> UInt16 {
      let edges: [UInt16] = [0, 1, 0xFFFE, 0xFFFF]
      guard random.isOne(in: 3) else { return .random(in: 0...0xFFFF, using: &random) }
      return edges[Int.random(in: 0..<4, using: &random)]
    }
    var wrong = 0
    for _ in 0..<100_000 {
      // The first word is never zero, as that of an IP header never is.
      var words: [UInt16] = [0x4500 | word() & 0xFF, word(), word()]
      let before = Checksum.finish(words.reduce(0) { $0 + UInt64($1) })
      let old = words[1]
      words[1] = word()
      let anew = Checksum.finish(words.reduce(0) { $0 + UInt64($1) })
      if Checksum.adjusted(before, replacing: old, with: words[1]) != anew { wrong += 1 }
    }
    #expect(wrong == 0, "seed \(seed)")
  }
}
