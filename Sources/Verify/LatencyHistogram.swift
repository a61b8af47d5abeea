/// Times from one host to another, counted in steps of 1, 2 and 5 from a microsecond to ten seconds.
package struct LatencyHistogram: Equatable, Sendable {
  /// Upper ends of the steps in nanoseconds; what is longer has the last step.
  static let limits: [Int64] = (0..<8).reduce(into: []) { limits, decade in
    let unit = (0..<decade).reduce(Int64(1_000)) { value, _ in value * 10 }
    limits += [unit, 2 * unit, 5 * unit].prefix(decade == 7 ? 1 : 3)
  }

  package private(set) var counts = [UInt64](repeating: 0, count: limits.count + 1)
  package private(set) var count: UInt64 = 0
  /// Nanoseconds, as the next one.
  package private(set) var least = Int64.max
  package private(set) var most = Int64.min

  package mutating func note(_ nanoseconds: Int64) {
    counts[Self.limits.firstIndex { nanoseconds <= $0 } ?? Self.limits.count] += 1
    count += 1
    least = min(least, nanoseconds)
    most = max(most, nanoseconds)
  }

  /// The upper end of the step that the share of the times does not exceed; nil without times.
  package func limit(ofShare share: Double) -> Int64? {
    guard count > 0 else { return nil }
    var sum: UInt64 = 0
    for (index, count) in counts.enumerated() {
      sum += count
      if Double(sum) >= Double(self.count) * share {
        return min(index < Self.limits.count ? Self.limits[index] : most, most)
      }
    }
    return most
  }
}
