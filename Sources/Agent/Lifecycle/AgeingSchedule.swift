import VXLAN

/// When each segment's tables are to be scanned for what has aged: every tenth of its ageing time, and at least every
/// 10 s; also where entries do not age, since moves and bindings do. Pure: time is an argument.
struct AgeingSchedule {
  private static let intervalMax: Duration = .seconds(10)

  private struct Turn {
    let segment: Int
    let interval: Duration
    var at: Instant
  }

  private var turns: [Turn] = []

  /// - Parameter ageingTimes: by segment slot; zero: entries never age.
  init(_ ageingTimes: [Duration], now: Instant) {
    for (segment, ageingTime) in ageingTimes.enumerated() {
      let interval = ageingTime > .zero ? min(Self.intervalMax, ageingTime / 10) : Self.intervalMax
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

  /// The next moment at which one is due; nil: there is none.
  var next: Instant? { turns.map(\.at).min() }
}
