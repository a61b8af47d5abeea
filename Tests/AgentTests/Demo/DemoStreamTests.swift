import Testing

@testable import Agent

@Suite("the demonstration's stream")
struct DemoStreamTests {
  private let stream = DemoStream(seed: 42)

  private func bytes(_ count: Int, from offset: Int = 0) -> [UInt8] {
    var buffer = [UInt8](repeating: 0xA5, count: count)
    stream.fill(&buffer, from: offset)
    return buffer
  }

  @Test("it is SplitMix64: the first words for seed 0 are the published ones")
  func knownWords() {
    var buffer = [UInt8](repeating: 0, count: 16)
    DemoStream(seed: 0).fill(&buffer, from: 0)
    let words = [0, 8].map { start in (0..<8).reduce(UInt64(0)) { $0 | UInt64(buffer[start + $1]) << (8 * $1) } }
    #expect(words == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4])
  }

  @Test("any part can be made again by itself")
  func parts() {
    let whole = bytes(4096)
    for offset in stride(from: 0, to: 4096 - 64, by: 8) {
      #expect(bytes(64, from: offset) == Array(whole[offset..<(offset + 64)]))
    }
  }

  @Test("equal bytes show no difference, at any place and length")
  func equal() {
    let whole = bytes(256)
    for offset in 0..<20 {
      for count in 0..<40 {
        #expect(stream.firstDifference(in: whole[offset..<(offset + count)], at: offset) == nil)
      }
    }
  }

  @Test("one flipped bit, a lost, a doubled and a moved word are found where they begin")
  func different() {
    let whole = bytes(800)
    for place in [0, 1, 7, 8, 100, 799] {
      var damaged = whole
      damaged[place] ^= 0x10
      #expect(stream.firstDifference(in: damaged[...], at: 0) == place)
      #expect(stream.firstDifference(in: damaged[(place / 2)...], at: place / 2) == place)
    }
    let lost = whole[..<80] + whole[88...]
    let doubled = whole[..<80] + whole[72...]
    for damaged in [lost, doubled] {
      let place = stream.firstDifference(in: damaged, at: 0)
      #expect(place.map { 80..<88 ~= $0 } == true)
    }
    #expect(stream.firstDifference(in: whole[8...], at: 0) != nil)
  }
}
