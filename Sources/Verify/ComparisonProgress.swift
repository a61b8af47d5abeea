import Capture

/// How far two captures have been read, told now and then.
final class ComparisonProgress {
  /// Packets between two tellings.
  private static let stride = 1 << 14

  private let tell: (Int, Int) -> Void
  private var byteCount = 0
  private var packetCount = 0

  /// - Parameter tell: takes the bytes of all packets so far, and how many they were.
  init(_ tell: @escaping (Int, Int) -> Void) { self.tell = tell }

  func note(_ packet: CapturedPacket) {
    byteCount &+= packet.bytes.count
    packetCount &+= 1
    if packetCount % Self.stride == 0 { tell(byteCount, packetCount) }
  }
}

extension Int64 {
  /// The difference, or the end of the range that it would lie beyond.
  func clampedDifference(from other: Int64) -> Int64 {
    let (difference, isBeyond) = subtractingReportingOverflow(other)
    guard isBeyond else { return difference }
    return self < other ? .min : .max
  }
}
