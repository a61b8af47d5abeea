import TestKit
import VXLAN

/// The underlay between simulated hosts: it loses, doubles, delays, cuts and swallows what is large, as it is told.
struct Wires {
  struct Weather {
    /// One datagram in so many; 0 = none.
    var lossOneIn = 0
    var duplicateOneIn = 0
    /// A datagram arrives after 1 to so many steps; above 1 they overtake each other.
    var delayStepMax = 1
  }

  struct Flight {
    let target: Int
    let isSealed: Bool
    let datagram: FakeDatagramPort.Received
  }

  static let delayStepMax = 255

  var weather = Weather()
  /// By host: only those of one side reach each other.
  var sides: [Int]
  /// By sender and receiver: nothing passes that way.
  var cuts: Set<Int> = []
  /// By sender and receiver: larger IP packets are swallowed without a word.
  var sizeLimits: [Int: Int] = [:]
  private(set) var lostCount = 0
  private(set) var doubledCount = 0
  private(set) var swallowedCount = 0
  private(set) var inFlightCount = 0
  private let hostCount: Int
  private var flights: [[Flight]] = Array(repeating: [], count: Wires.delayStepMax + 1)

  init(hostCount: Int) {
    self.hostCount = hostCount
    sides = Array(repeating: 0, count: hostCount)
  }

  /// What stands for the way from one host to another.
  func way(_ sender: Int, _ receiver: Int) -> Int { sender * hostCount + receiver }

  /// What becomes of a datagram.
  enum Fate: Equatable {
    case carried(copies: Int)
    case lost
    /// It was larger than the way takes.
    case swallowed
  }

  /// Puts a datagram on its way. Answers what becomes of it.
  mutating func carry(
    _ flight: Flight, from sender: Int, step: Int, _ generator: inout SeededGenerator
  ) -> Fate {
    guard sides[sender] == sides[flight.target], !cuts.contains(way(sender, flight.target)) else { return lose() }
    if let limit = sizeLimits[way(sender, flight.target)], flight.datagram.payload.count + 28 > limit {
      swallowedCount += 1
      return .swallowed
    }
    if weather.lossOneIn > 0, generator.isOne(in: weather.lossOneIn) { return lose() }
    let copies = weather.duplicateOneIn > 0 && generator.isOne(in: weather.duplicateOneIn) ? 2 : 1
    doubledCount += copies - 1
    for _ in 0..<copies {
      let delay = weather.delayStepMax > 1 ? Int.random(in: 1...weather.delayStepMax, using: &generator) : 1
      flights[(step + delay) & Self.delayStepMax].append(flight)
      inFlightCount += 1
    }
    return .carried(copies: copies)
  }

  private mutating func lose() -> Fate {
    lostCount += 1
    return .lost
  }

  /// What arrives with this step.
  mutating func arrivals(step: Int) -> [Flight] {
    let due = flights[step & Self.delayStepMax]
    inFlightCount -= due.count
    flights[step & Self.delayStepMax].removeAll(keepingCapacity: true)
    return due
  }

  /// Whatever was wrong is no more.
  mutating func heal() {
    weather = Weather()
    sides = Array(repeating: 0, count: hostCount)
    cuts = []
    sizeLimits = [:]
  }
}
