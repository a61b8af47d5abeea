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
    follow(ageingTimes.enumerated().map { (segment: $0, ageingTime: $1) }, now: now)
  }

  /// Segments that stay keep their turn, unless their ageing time is another now.
  mutating func follow(_ segments: [(segment: Int, ageingTime: Duration)], now: Instant) {
    let before = Dictionary(uniqueKeysWithValues: turns.map { ($0.segment, $0) })
    turns = segments.map { segment, ageingTime in
      let interval = ageingTime > .zero ? min(Self.intervalMax, ageingTime / 10) : Self.intervalMax
      if let turn = before[segment], turn.interval == interval { return turn }
      return Turn(segment: segment, interval: interval, at: now + interval)
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
