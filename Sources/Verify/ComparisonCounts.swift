import VXLAN

/// One of the two captures.
package enum ComparisonSide: Int, Sendable {
  case a, b

  package var other: Self { self == .a ? .b : .a }
}

/// What became of frames of one segment on their way from one host to the other.
package struct ComparisonCounts: Equatable, Sendable {
  package enum Direction: String, CaseIterable, Sendable {
    case aToB = "a-b"
    case bToA = "b-a"

    init(from side: ComparisonSide) { self = side == .a ? .aToB : .bToA }
  }

  /// Captured on both hosts.
  package var matched: UInt64 = 0
  /// Captured where they came from alone.
  package var lost: UInt64 = 0
  /// Captured where they went to more often than where they came from.
  package var duplicated: UInt64 = 0
  /// Captured where they went to behind one that had left later.
  package var reordered: UInt64 = 0
  /// TCP segments that the two hosts captured as frames of other sizes, all bytes of which were there.
  package var equalByBytes: UInt64 = 0
  package var latency = LatencyHistogram()

  package var isEqual: Bool { lost == 0 && duplicated == 0 && reordered == 0 }
}

/// Which counts.
package struct ComparisonKey: Hashable, Sendable {
  /// Nil: neither capture tells.
  package let vni: VNI?
  package let direction: ComparisonCounts.Direction
  /// Of all segments that came when as many as have counts of their own were there.
  package var isOfFurtherSegments = false
}
