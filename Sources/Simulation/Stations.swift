import VXLAN

/// The stations of a world: which segment and host each belongs to. The first of a host in a segment never moves.
struct Stations {
  struct Place {
    let segment: Int
    var host: Int
    let mayMove: Bool
    /// Until then it sends nothing of its own.
    var silentUntil = Instant(nanoseconds: 0)
  }

  private var places: [Place] = []
  private(set) var moveCount = 0
  /// By segment.
  private(set) var bySegment: [[Int]]
  private var numbers: [Int]

  init(_ plan: WorldPlan) {
    bySegment = Array(repeating: [], count: plan.segments.count)
    numbers = Array(repeating: 0, count: plan.segments.count)
    for (number, segment) in plan.segments.enumerated() {
      for host in segment.hosts {
        for index in 0..<segment.stationsPerHost {
          bySegment[number].append(places.count)
          places.append(Place(segment: number, host: host, mayMove: index > 0))
        }
      }
    }
  }

  var count: Int { places.count }

  subscript(station: Int) -> Place { places[station] }

  /// The stations of a segment behind a host, in order.
  func stations(of segment: Int, at host: Int) -> [Int] { bySegment[segment].filter { places[$0].host == host } }

  /// The one that never moves.
  func first(of segment: Int, at host: Int) -> Int? {
    bySegment[segment].first { places[$0].host == host && !places[$0].mayMove }
  }

  mutating func move(_ station: Int, to host: Int) {
    precondition(places[station].mayMove)
    places[station].host = host
    moveCount += 1
  }

  mutating func silence(_ station: Int, until end: Instant) { places[station].silentUntil = end }

  /// Of the next frame of a segment.
  mutating func nextNumber(of segment: Int) -> Int {
    numbers[segment] += 1
    return numbers[segment]
  }
}
