/// What the comparison of two captures found.
package struct ComparisonReport: Encodable, Equatable, Sendable {
  package struct Capture: Encodable, Equatable, Sendable {
    let file: String
    let packets: UInt64
    let frames: UInt64
    /// Frames that could not be compared: cut short, or sealed and no key opens them.
    let unreadable: UInt64
    /// Why the rest of the file was not read.
    let message: String?
  }

  package struct Way: Encodable, Equatable, Sendable {
    let vni: UInt32?
    let direction: String
    let matched: UInt64
    let lost: UInt64
    let duplicated: UInt64
    let reordered: UInt64
    let equalByBytes: UInt64
    let latency: Latency?

    private enum CodingKeys: String, CodingKey {
      case vni, direction, matched, lost, duplicated, reordered, latency
      case equalByBytes = "equal-by-bytes"
    }
  }

  package struct Latency: Encodable, Equatable, Sendable {
    let leastNanoseconds: Int64
    let medianNanoseconds: Int64
    let share99Nanoseconds: Int64
    let mostNanoseconds: Int64
    let histogram: [Step]

    private enum CodingKeys: String, CodingKey {
      case histogram
      case leastNanoseconds = "min-ns"
      case medianNanoseconds = "p50-ns"
      case share99Nanoseconds = "p99-ns"
      case mostNanoseconds = "max-ns"
    }
  }

  package struct Step: Encodable, Equatable, Sendable {
    /// Nil: all above the step before.
    let upToNanoseconds: Int64?
    let count: UInt64

    private enum CodingKeys: String, CodingKey {
      case count
      case upToNanoseconds = "up-to-ns"
    }
  }

  package let a: Capture
  package let b: Capture
  /// `shared`, or `relative` where each capture's times count from its first packet.
  package let clock: String
  /// Frames that are remembered at most, and how many were judged early for want of room.
  package let window: Int
  package let judgedEarly: UInt64
  package let ways: [Way]
  package let verdict: String

  package var isEqual: Bool { verdict == "equal" }

  private enum CodingKeys: String, CodingKey {
    case a, b, clock, window, ways, verdict
    case judgedEarly = "judged-early"
  }

  init(_ readers: [ComparisonReader], _ window: ComparisonWindow, isShared: Bool) {
    let captures = zip(readers, window.frameCounts).map { reader, frames in
      Capture(
        file: reader.path, packets: reader.packetCount, frames: frames, unreadable: reader.unreadableCount,
        message: reader.message)
    }
    (a, b) = (captures[0], captures[1])
    clock = isShared ? "shared" : "relative"
    (self.window, judgedEarly) = (ComparisonWindow.frameCountMax, window.judgedEarlyCount)
    ways = window.counts.map(Way.init).sorted { ($0.vni ?? 0, $0.direction) < ($1.vni ?? 0, $1.direction) }
    let isWhole = captures.allSatisfy { $0.unreadable == 0 && $0.message == nil }
    verdict = window.counts.values.allSatisfy(\.isEqual) ? (isWhole ? "equal" : "undecided") : "different"
  }
}

extension ComparisonReport.Way {
  fileprivate init(_ key: ComparisonKey, _ counts: ComparisonCounts) {
    self.init(
      vni: key.vni?.rawValue, direction: key.direction.rawValue, matched: counts.matched, lost: counts.lost,
      duplicated: counts.duplicated, reordered: counts.reordered, equalByBytes: counts.equalByBytes,
      latency: ComparisonReport.Latency(counts.latency))
  }
}

extension ComparisonReport.Latency {
  fileprivate init?(_ histogram: LatencyHistogram) {
    guard let median = histogram.limit(ofShare: 0.5), let share99 = histogram.limit(ofShare: 0.99) else { return nil }
    let limits = LatencyHistogram.limits
    self.init(
      leastNanoseconds: histogram.least, medianNanoseconds: median, share99Nanoseconds: share99,
      mostNanoseconds: histogram.most,
      histogram: histogram.counts.enumerated().filter { $1 > 0 }.map { index, count in
        ComparisonReport.Step(upToNanoseconds: index < limits.count ? limits[index] : nil, count: count)
      })
  }
}
