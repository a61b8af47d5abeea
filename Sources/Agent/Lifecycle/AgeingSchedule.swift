import VXLAN

/// When each segment's table is to be scanned for entries that have aged: every tenth of its ageing time, at most every
/// 10 s. Pure: time is an argument.
struct AgeingSchedule {
  private static let intervalMax: Duration = .seconds(10)

  private struct Turn {
    let segment: Int
    let interval: Duration
    var at: Instant
  }

  private var turns: [Turn] = []

  /// - Parameter ageingTimes: by segment slot; zero: never.
  init(_ ageingTimes: [Duration], now: Instant) {
    for (segment, ageingTime) in ageingTimes.enumerated() where ageingTime > .zero {
      let interval = min(Self.intervalMax, ageingTime / 10)
      turns.append(Turn(segment: segment, interval: interval, at: now + interval))
    }
  }

  /// The segments whose time has come; each is scheduled anew from `now`.
  mutating func due(now: Instant) -> [Int] {
    var segments: [Int] = []
    for index in turns.indices where turns[index].at <= now {
      segments.append(turns[index].segment)
      turns[index].at = now + turns[index].interval
    }
    return segments
  }

  /// The next moment at which one is due; nil: never.
  var next: Instant? { turns.map(\.at).min() }
}
