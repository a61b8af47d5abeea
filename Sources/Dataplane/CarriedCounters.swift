/// What one process counted, for the next to go on from: by the names of the counters, since the next may be of another
/// version, and without slots, since it may have others.
package struct CarriedCounters: Codable, Equatable, Sendable {
  /// By name, without zeros.
  package var overlay: [String: UInt64]
  package var underlay: [String: UInt64]

  /// The counters of a segment, or of `Counters.noSegment`.
  package init(of snapshot: CounterSnapshot, segment: Int) {
    overlay = Self.counts(snapshot, .overlay, segment)
    underlay = Self.counts(snapshot, .underlay, segment)
  }

  private static func counts(_ snapshot: CounterSnapshot, _ direction: Direction, _ segment: Int) -> [String: UInt64] {
    var counts: [String: UInt64] = [:]
    for counter in Counter.allCases { counts["\(counter)"] = snapshot.value(counter, direction, segment: segment) }
    for reason in DropReason.allCases { counts[reason.name] = snapshot.value(reason, direction, segment: segment) }
    return counts.filter { $0.value > 0 }
  }

  /// The counts of a direction that can be gone on from. Frames that waited ended with the process, for want of a
  /// session. Frames came as many as ended: reasons that only the other version has are left out with theirs, so that
  /// the identity holds whatever was carried.
  fileprivate func settled(_ direction: Direction) -> (counters: [Counter: UInt64], drops: [DropReason: UInt64]) {
    let counts = direction == .overlay ? overlay : underlay
    var counters: [Counter: UInt64] = [:]
    for counter in Counter.allCases { counters[counter] = counts["\(counter)"] }
    var drops: [DropReason: UInt64] = [:]
    for reason in DropReason.allCases where reason.applies(to: direction) { drops[reason] = counts[reason.name] }
    if let waiting = counters.removeValue(forKey: .waiting), direction == .overlay {
      drops[.noSession, default: 0] &+= waiting
    }
    counters[.framesIn] =
      drops.values.reduce(0, &+) &+ (counters[.framesOut] ?? 0) &+ (counters[.consumed] ?? 0)
    return (counters, drops)
  }
}

// COLD: before frames come, or between two batches.
extension Engine {
  /// Goes on from what another process counted of a segment, or of none.
  package mutating func carry(_ carried: CarriedCounters, segment: Int) {
    for direction in Direction.allCases {
      let (counts, drops) = carried.settled(direction)
      for (counter, count) in counts {
        counters.add(Int(truncatingIfNeeded: count), to: counter, direction, segment: segment)
      }
      for (reason, count) in drops {
        counters.drop(reason, count: Int(truncatingIfNeeded: count), direction, segment: segment)
      }
    }
  }

  /// The same of a peer.
  package mutating func carry(_ traffic: PeerTraffic, peer slot: Int) { counters.carry(traffic, peer: slot) }

  /// The same of calls.
  package mutating func carry(_ carried: BatchCounters) { batches = batches + carried }
}
