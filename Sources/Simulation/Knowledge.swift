/// Which hosts have yet to hear which stations.
final class Knowledge {
  /// By segment and host, the number of the host among those that have the segment.
  private var members: [[Int16]]
  private let segments: [Int]
  private let wordCount: Int
  /// By station, a bit for each host of its segment.
  private var words: [UInt64]
  private(set) var missingCount = 0

  init(_ world: World) {
    let plan = world.plan
    members = plan.segments.map { segment in
      var numbers = Array(repeating: Int16(-1), count: plan.hostCount)
      for (number, host) in segment.hosts.enumerated() { numbers[host] = Int16(number) }
      return numbers
    }
    segments = (0..<world.stations.count).map { world.stations[$0].segment }
    wordCount = ((plan.segments.map(\.hosts.count).max() ?? 0) + 63) / 64
    words = Array(repeating: 0, count: world.stations.count * wordCount)
  }

  /// All hosts of its segment have to hear the station.
  func require(_ station: Int, _ world: World) {
    for host in world.plan.segments[segments[station]].hosts where host != world.stations[station].host {
      require(station, at: host)
    }
  }

  func require(_ station: Int, at host: Int) {
    guard let (word, bit) = place(station, host), words[word] & bit == 0 else { return }
    words[word] |= bit
    missingCount += 1
  }

  func note(_ station: Int, _ host: Int) {
    guard let (word, bit) = place(station, host), words[word] & bit != 0 else { return }
    words[word] &= ~bit
    missingCount -= 1
  }

  /// Stations that a host has yet to hear.
  var missing: [Int] {
    segments.indices.filter { station in
      words[(station * wordCount)..<((station + 1) * wordCount)].contains { $0 != 0 }
    }
  }

  private func place(_ station: Int, _ host: Int) -> (word: Int, bit: UInt64)? {
    let member = Int(members[segments[station]][host])
    guard member >= 0 else { return nil }
    return (station * wordCount + member / 64, 1 << UInt64(member % 64))
  }
}
