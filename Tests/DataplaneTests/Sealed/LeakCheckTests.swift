import Sealing
import TestKit
import Testing

@testable import Dataplane

struct LeakCheckTests {
  private static func run(_ byteCount: Int, _ start: UnsafeMutableRawPointer) -> Sealer.Run {
    Sealer.Run(start: start, count: 1, frameByteCount: byteCount, lastFrameByteCount: byteCount)
  }

  /// Whether a frame shows in `sealed`.
  private static func isShown(_ frame: [UInt8], in sealed: [UInt8]) -> Bool {
    var check = LeakCheck()
    return frame.withUnsafeBytes { frame in
      sealed.withUnsafeBytes { sealed in
        guard let from = frame.baseAddress, let to = sealed.baseAddress else { return false }
        check.remember(from, of: run(frame.count, UnsafeMutableRawPointer(mutating: from)), now: 0)
        return check.isShown(in: to)
      }
    }
  }

  @Test func `eight bytes in their place are a leak`() {
    let frame = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let other = frame.map { ~$0 }
    #expect(!Self.isShown(frame, in: other) && Self.isShown(frame, in: frame))
    var part = other
    part.replaceSubrange(992..<1_000, with: frame[992..<1_000])
    #expect(Self.isShown(frame, in: part))
    part[999] ^= 1
    #expect(!Self.isShown(frame, in: part))
  }

  @Test func `a look is due once a second, and for what is longer than all before`() {
    var check = LeakCheck()
    var bytes = [UInt8](repeating: 0, count: 200)
    let isDueAtFirst = check.isDue(frameByteCount: 100, now: 5)
    bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      check.remember(start, of: Self.run(100, start), now: 5)
    }
    let later = [(100, 6), (101, 6), (14, 4 + LeakCheck.interval), (14, 5 + LeakCheck.interval)]
    let areDue = later.map { byteCount, now in check.isDue(frameByteCount: byteCount, now: now) }
    #expect(isDueAtFirst && areDue == [false, true, false, true])
  }
}
