import Testing

@testable import Verify

@Suite struct RecentTableTests {
  /// Puts in so many keys, one after the other.
  /// - Returns: how many are still there, how many were forgotten, and how many were there before.
  private static func filled(entryCountMax: Int, keyCount: UInt64) -> (left: Int, forgotten: Int, known: Int) {
    var table = RecentTable(entryCountMax: entryCountMax)
    var knownCount = 0
    for key in 1...keyCount {
      if table.exchange(key &* 0x9E37_79B9, key, packet: 0, stamp: UInt32(key)) != nil { knownCount += 1 }
    }
    let left = (1...keyCount).count { table.entry($0 &* 0x9E37_79B9)?.value == $0 }
    return (left, table.evictedCount, knownCount)
  }

  @Test func `A table that is half full has forgotten next to nothing, however it has grown`() {
    let result = Self.filled(entryCountMax: 1 << 12, keyCount: 1 << 11)
    #expect(result.left + result.forgotten == 1 << 11)
    #expect(result.forgotten < 20)
    #expect(result.known == 0)
  }

  @Test func `A full table forgets, and counts what it forgot`() {
    let result = Self.filled(entryCountMax: 256, keyCount: 10_000)
    #expect(result.left > 200 && result.left <= 256)
    #expect(result.left + result.forgotten == 10_000)
  }
}
