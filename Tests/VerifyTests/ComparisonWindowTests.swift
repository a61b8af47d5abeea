import Testing
import TestKit
import VXLAN

@testable import Verify

/// Frames of two hosts as they are noted, and what is counted of them.
struct ComparisonWindowTests {
  private static let key = KeyedHash(key0: 1, key1: 2)
  private var window = ComparisonWindow(capacity: 8)

  private func frame(_ number: UInt8, at time: Int64) -> ComparedFrame {
    let bytes = Underlay.frame() + [number]
    return ComparedFrame(bytes.span, time: time, vni: nil, hashedVNI: nil, key: Self.key)
  }

  private func tcp(_ bytes: [UInt8], sequence: UInt8, at time: Int64) -> ComparedFrame {
    let byteCount = 40 + bytes.count
    let ip: [UInt8] =
      [0x45, 0, 0, UInt8(byteCount), 0, 0, 0x40, 0, 64, 6, 0, 0] + [10, 0, 0, 1] + [10, 0, 0, 2]
    let tcp: [UInt8] = [0, 80, 0, 81, 0, 0, 0, sequence, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, sequence, 0, 0]
    let whole: [UInt8] = [2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 5, 8, 0] + ip + tcp + bytes
    return ComparedFrame(whole.span, time: time, vni: nil, hashedVNI: nil, key: Self.key)
  }

  private func counts(_ direction: ComparisonCounts.Direction = .aToB) -> ComparisonCounts {
    window.counts[ComparisonKey(vni: nil, direction: direction)] ?? ComparisonCounts()
  }

  @Test mutating func `what both have is matched, each way, with its latency`() {
    window.note(frame(1, at: 0), .a)
    window.note(frame(1, at: 40_000), .b)
    window.note(frame(2, at: 50_000), .b)
    window.note(frame(2, at: 51_000), .a)
    window.finish()
    #expect(counts().matched == 1 && counts(.bToA).matched == 1)
    #expect(counts().latency.most == 40_000 && counts(.bToA).latency.most == 1_000)
    #expect(counts().isEqual && counts(.bToA).isEqual)
  }

  @Test mutating func `what one has alone is lost, and what comes twice is a duplicate`() {
    window.note(frame(1, at: 0), .a)
    window.note(frame(2, at: 1), .a)
    window.note(frame(2, at: 2), .b)
    window.note(frame(2, at: 3), .b)
    window.finish()
    #expect(counts().lost == 1 && counts().duplicated == 1 && counts(.bToA) == ComparisonCounts())
  }

  @Test mutating func `of equal frames each stands for one`() {
    for time in 0..<3 { window.note(frame(1, at: Int64(time)), .a) }
    for time in 3..<5 { window.note(frame(1, at: Int64(time)), .b) }
    window.finish()
    #expect(counts().matched == 2 && counts().lost == 1 && counts().duplicated == 0)
  }

  @Test mutating func `what the other side was not there to see is not lost`() {
    window = ComparisonWindow(spans: [0...30, 10...20], capacity: 8)
    for (number, time) in [(1, 9), (2, 10), (3, 20), (4, 21)] { window.note(frame(UInt8(number), at: Int64(time)), .a) }
    window.note(frame(5, at: 15), .b)
    window.finish()
    #expect(window.outsideCounts == [2, 0] && counts().lost == 2 && counts(.bToA).lost == 1)
  }

  @Test mutating func `times at both ends of their range are far apart, and no more`() {
    for (number, times) in [(Int64.min, Int64.max), (.max, .min), (0, .min)].enumerated() {
      window.note(frame(UInt8(number), at: times.0), .a)
      window.note(frame(UInt8(number), at: times.1), .b)
    }
    window.finish()
    #expect(counts().matched == 1 && counts(.bToA).matched == 2)
    #expect(counts().latency.most == .max && counts(.bToA).latency.most == .max)
  }

  @Test mutating func `segments beyond the limit are counted together, and how many they are`() {
    window = ComparisonWindow(capacity: 8, segmentCountMax: 2)
    for (number, vni) in [7, 8, 9, 10, 9, 7].enumerated() {
      let bytes = Underlay.frame() + [UInt8(number)]
      let frame = ComparedFrame(
        bytes.span, time: Int64(number), vni: VNI(vni), hashedVNI: VNI(vni), key: Self.key)
      window.note(frame, .a)
    }
    window.finish()
    let rest = ComparisonKey(vni: nil, direction: .aToB, isOfFurtherSegments: true)
    #expect(window.counts.count == 3 && window.counts[rest]?.lost == 3 && window.furtherSegmentCount == 2)
    #expect(window.counts[ComparisonKey(vni: VNI(7), direction: .aToB)]?.lost == 2)
  }

  @Test mutating func `what is overtaken is reordered`() {
    for number in 1...3 { window.note(frame(UInt8(number), at: Int64(number)), .a) }
    for (place, number) in [2, 3, 1].enumerated() { window.note(frame(UInt8(number), at: Int64(10 + place)), .b) }
    window.finish()
    #expect(counts().matched == 3 && counts().reordered == 1)
  }

  @Test(arguments: [UInt8(0), 1])
  mutating func `a superframe is its segments by their bytes, unless one differs`(change: UInt8) {
    let bytes = (0..<60).map { UInt8($0) }
    window.note(tcp(bytes, sequence: 7, at: 0), .a)
    window.note(tcp(Array(bytes[..<40]), sequence: 7, at: 1), .b)
    window.note(tcp([bytes[40] ^ change] + bytes[41...], sequence: 47, at: 2), .b)
    window.finish()
    #expect(counts().isEqual == (change == 0) && counts().equalByBytes == (change == 0 ? 2 : 0))
  }

  @Test mutating func `checksums that a card writes do not count, and every other byte does`() {
    var bytes = tcpBytes
    let first = ComparedFrame(bytes.span, time: 0, vni: nil, hashedVNI: nil, key: Self.key)
    for offset in bytes.indices {
      bytes[offset] ^= 1
      let other = ComparedFrame(bytes.span, time: 0, vni: nil, hashedVNI: nil, key: Self.key)
      #expect((other.hash == first.hash) == (50...51).contains(offset), "byte \(offset)")
      bytes[offset] ^= 1
    }
  }

  private var tcpBytes: [UInt8] {
    [2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 5, 8, 0, 0x45, 0, 0, 43, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
      + [0, 80, 0, 81, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 1, 2, 0, 0, 9, 9, 9]
  }

  @Test mutating func `what is on its way outlasts a window that others fill and empty`() {
    for number in 0..<103 {
      if number < 100 { window.note(frame(UInt8(number), at: Int64(number * 10)), .a) }
      if number >= 3 { window.note(frame(UInt8(number - 3), at: Int64(number * 10 + 1)), .b) }
    }
    window.finish()
    #expect(counts().matched == 100 && counts().isEqual && window.judgedEarlyCount > 80)
  }

  @Test mutating func `a window that is full judges the oldest, and says so`() {
    for number in 0..<20 { window.note(frame(UInt8(number), at: Int64(number)), .a) }
    #expect(window.judgedEarlyCount == 12 && counts().lost == 12)
    for number in 0..<20 { window.note(frame(UInt8(number), at: 100), .b) }
    window.finish()
    #expect(window.judgedEarlyCount > 12 && !counts().isEqual)
  }
}
