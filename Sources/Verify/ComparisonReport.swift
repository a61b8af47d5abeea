/// What the comparison of two captures found.
package struct ComparisonReport: Encodable, Equatable, Sendable {
  package struct Capture: Encodable, Equatable, Sendable {
    let file: String
    let packets: UInt64
    let frames: UInt64
    /// Frames that could not be compared: cut short, or sealed and no key opens them.
    let unreadable: UInt64
    /// Frames of times at which the other was not captured: not judged.
    let outside: UInt64
    /// Datagrams between hosts of which the other has none: not compared.
    let elsewhere: UInt64
    /// Why the rest of the file was not read.
    let message: String?
  }

  package struct Way: Encodable, Equatable, Sendable {
    let vni: UInt32?
    /// How many segments these are, where they are the rest that has no counts of its own.
    let furtherSegments: Int?
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
      case furtherSegments = "further-segments"
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

  private enum CodingKeys: String, CodingKey {
    case a, b, clock, window, ways, verdict
    case judgedEarly = "judged-early"
  }

  init(_ readers: [ComparisonReader], _ window: ComparisonWindow, isShared: Bool) {
    let captures = readers.indices.map { index in
      Capture(
        file: readers[index].path, packets: readers[index].packetCount, frames: window.frameCounts[index],
        unreadable: readers[index].unreadableCount, outside: window.outsideCounts[index],
        elsewhere: readers[index].elsewhereCount, message: readers[index].message)
    }
    (a, b) = (captures[0], captures[1])
    clock = isShared ? "shared" : "relative"
    (self.window, judgedEarly) = (ComparisonWindow.frameCountMax, window.judgedEarlyCount)
    let furtherCount = window.furtherSegmentCount
    ways = window.counts.map { Way($0, $1, furtherCount: furtherCount) }.sorted { $0.order < $1.order }
    let isWhole = captures.allSatisfy { $0.unreadable == 0 && $0.message == nil } && !ways.isEmpty
    verdict = window.counts.values.allSatisfy(\.isEqual) ? (isWhole ? "equal" : "undecided") : "different"
  }
}

extension ComparisonReport.Way {
  /// Further segments are the last ones.
  fileprivate var order: (UInt32, String) { (furtherSegments == nil ? vni ?? 0 : .max, direction) }

  fileprivate init(_ key: ComparisonKey, _ counts: ComparisonCounts, furtherCount: Int) {
    self.init(
      vni: key.vni?.rawValue, furtherSegments: key.isOfFurtherSegments ? furtherCount : nil,
      direction: key.direction.rawValue, matched: counts.matched, lost: counts.lost,
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
