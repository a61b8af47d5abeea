import TestKit
import VXLAN

/// A fabric of many hosts, each with a tenth of the segments: all start at once, a tenth is killed and comes back, a
/// tenth leaves the segments and joins them again. Of each storm it is measured how long it takes until every host
/// knows every station of its segments.
///
/// The agents are whole, and each has all it needs of its own. Two segments of a hundred are sealed: hosts have keys of
/// those alone with whom they share one of them.
struct ScaleRun {
  private static let sealedOneIn = 50
  private static let hostsPerSegment = 100
  private static let timeMax = Duration.seconds(30)
  private static let leaveTime = Duration.seconds(5)
  private static let lagMax = Duration.seconds(1)
  private static let announceInterval = Duration.seconds(2)

  private let world: World
  private let knowledge: Knowledge

  init(_ plan: ScenarioPlan) {
    var generator = SeededGenerator(seed: plan.seed)
    let segmentCount = max(1, plan.hostCount / 10)
    let membersPerSegment = min(Self.hostsPerSegment, plan.hostCount)
    let segments = (0..<segmentCount).map { number in
      WorldPlan.Segment(
        isSealed: number % Self.sealedOneIn == 0,
        hosts: Array((0..<plan.hostCount).shuffled(using: &generator).prefix(membersPerSegment)).sorted(),
        stationsPerHost: 10)
    }
    var world = WorldPlan(hostCount: plan.hostCount, segments: segments, seed: plan.seed)
    world.stepDuration = .milliseconds(10)
    world.idleStepDuration = .milliseconds(50)
    self.world = World(world, sabotage: plan.sabotage)
    knowledge = Knowledge(self.world)
  }

  func run(_ onProgress: (String) -> Void) throws(Violation) -> ScenarioReport {
    world.witness.onDelivery = { [knowledge] name, host in knowledge.note(name.station, host) }
    defer { world.witness.onDelivery = { _, _ in } }
    let tenth = Array(world.hosts.indices.filter { $0 % 10 == 3 })
    var figures = [
      (
        name: "fabric",
        value: "\(world.hosts.count) hosts, \(world.stations.count) stations, \(world.plan.segments.count) segments"
      )
    ]
    let memoryBefore = ResidentMemory.byteCount
    func measure(_ name: String, _ begin: () throws(Violation) -> Void) throws(Violation) {
      let sentBefore = world.currentTally().datagramCount
      try begin()
      let duration = try converge()
      let sent = world.currentTally().datagramCount - sentBefore
      figures.append((name, "all known after \(duration.tenths), \(sent / world.hosts.count) datagrams a host"))
      onProgress("\(name): \(figures[figures.count - 1].value)")
    }
    try measure("start of all", startAll)
    let memory = (ResidentMemory.byteCount - memoryBefore) / world.hosts.count
    figures.append(("memory", "\(memory / 1024) KiB a host, with its share of the wires and of the judge"))
    try measure("restart of a tenth") { () throws(Violation) in restart(tenth) }
    try measure("leave and join") { () throws(Violation) in try leaveAndJoin(tenth) }
    try checkTables()
    return ScenarioReport(world, figures: figures)
  }

  private func startAll() {
    world.startAll()
    for station in 0..<world.stations.count { knowledge.require(station, world) }
  }

  /// Killed and started at once: they know nothing, the others know them.
  private func restart(_ hosts: [Int]) {
    for host in hosts {
      world.kill(host)
      world.start(host)
      requireOthers(at: host)
    }
  }

  /// Out of every segment and of every other host's configuration, and in again: measured from then on.
  private func leaveAndJoin(_ hosts: [Int]) throws(Violation) {
    setMembership(of: hosts, isThere: false)
    try world.run(for: Self.leaveTime)
    setMembership(of: hosts, isThere: true)
    for host in hosts {
      requireOthers(at: host)
      for segment in world.hosts[host].configuration.segments {
        for station in world.stations.stations(of: segment, at: host) { knowledge.require(station, world) }
      }
    }
  }

  private func requireOthers(at host: Int) {
    for segment in world.hosts[host].configuration.segments {
      for other in world.plan.segments[segment].hosts where other != host {
        guard let station = world.stations.first(of: segment, at: other) else { continue }
        knowledge.require(station, at: host)
      }
    }
  }

  /// Each host is told of all of them at once, each at a time of its own.
  private func setMembership(of hosts: [Int], isThere: Bool) {
    var isConcerned = Array(repeating: false, count: world.hosts.count)
    for (number, segment) in world.plan.segments.enumerated() {
      for leaver in segment.hosts where hosts.contains(leaver) {
        world.hosts[leaver].configuration.set(number, isThere: isThere)
        for other in segment.hosts where other != leaver {
          world.hosts[other].configuration.setPeer(leaver, of: number, isThere: isThere)
          isConcerned[other] = true
        }
        isConcerned[leaver] = true
      }
    }
    for host in world.hosts.indices where isConcerned[host] {
      world.schedule(after: world.random(.milliseconds(1)..<Self.lagMax)) { $0.reload(host) }
    }
  }

  /// Until all that is to be known is known. A station that is not known everywhere speaks up once in each two seconds.
  private func converge() throws(Violation) -> Duration {
    let start = world.now
    var announcements: [(at: Instant, station: Int)] = []
    var nextRound = start
    while knowledge.missingCount > 0 {
      if world.now.since(start) > Self.timeMax {
        world.witness.report(.connectivity, world, "\(knowledge.missingCount) times a host does not know a station")
      }
      if world.now >= nextRound {
        announcements += knowledge.missing.map { (world.now + world.random(.zero..<(.seconds(1))), $0) }
        announcements.sort { ($0.at, $0.station) > ($1.at, $1.station) }
        nextRound = nextRound + Self.announceInterval
      }
      while let last = announcements.last, last.at <= world.now {
        announcements.removeLast()
        world.send(from: last.station, to: nil)
      }
      try world.step()
    }
    let duration = world.now.since(start)
    while world.hasScheduled { try world.step() }
    return duration
  }

  /// What frames that came say is what the tables say.
  private func checkTables() throws(Violation) {
    try world.run(for: .seconds(1))
    for host in world.hosts where host.number % 10 == 0 {
      guard let topology = host.agent?.topology else { continue }
      for slot in topology.segments.indices {
        let stations = world.stations.bySegment[host.segments[slot]]
        let entries = topology.withFDB(ofSegment: slot) { $0.entries() }
        let isRight = entries.allSatisfy { entry in
          let at = world.stations[Int(entry.mac.rawValue & 0xFFFF_FFFF)].host
          return entry.remote.peerSlot.map { host.peers[$0] == at } ?? (at == host.number)
        }
        if !isRight || entries.count != stations.count {
          world.witness.report(
            .connectivity, world, "host \(host.number) has \(entries.count) of \(stations.count) entries, or wrong ones"
          )
        }
      }
    }
    try world.step()
  }
}
