import VXLAN

/// Whether a world that is quiet again works: every pair finds together in the stated time, and then nothing is lost.
struct Recovery {
  /// A session whose peer has forgotten it is missed after 15 s of silence at most, and tried again every 5 s.
  static let timeMax = Duration.seconds(25)
  /// Stations speak up so often: what moved is found, as by the ARP of a real one.
  private static let announceInterval = Duration.seconds(2)
  private static let probeInterval = Duration.milliseconds(100)
  /// What is left of attempts that faults cut in half is tried again every 5 s.
  private static let restTime = Duration.seconds(6)
  private static let soundTime = Duration.seconds(3)
  private static let framesPerStep = 20

  /// Ways from a host to another in a segment.
  private final class Ways {
    /// By segment and number, whom a frame has to reach.
    var expected: [UInt64: Set<Int>] = [:]
    /// By segment and number, the way that a probe tries.
    var probes: [UInt64: Int] = [:]
    var isOpen: [Bool]
    var closedCount: Int

    init(count: Int) {
      isOpen = Array(repeating: false, count: count)
      closedCount = count
    }

    static func key(_ segment: Int, _ number: Int) -> UInt64 { UInt64(segment) << 40 | UInt64(number) }

    func note(_ name: FrameName, _ host: Int, receivers: [Int]) {
      let key = Self.key(name.segment, name.number)
      if let way = probes[key], !isOpen[way], receivers[way] == host {
        isOpen[way] = true
        closedCount -= 1
      }
      guard var open = expected[key] else { return }
      open.remove(host)
      expected[key] = open.isEmpty ? nil : open
    }
  }

  private let ends: [(segment: Int, from: Int, to: Int, receiver: Int)]
  private let ways: Ways

  init(_ world: World) {
    var ends: [(segment: Int, from: Int, to: Int, receiver: Int)] = []
    for (number, segment) in world.plan.segments.enumerated() {
      for one in segment.hosts {
        for other in segment.hosts where other != one {
          guard let from = world.stations.first(of: number, at: one),
            let to = world.stations.first(of: number, at: other)
          else { continue }
          ends.append((number, from, to, other))
        }
      }
    }
    self.ends = ends
    ways = Ways(count: ends.count)
  }

  /// To be called when the last fault has ended. Answers how long it took.
  func run(_ world: World) throws(Violation) -> Duration {
    let receivers = ends.map(\.receiver)
    world.witness.onDelivery = { [ways] name, host in ways.note(name, host, receivers: receivers) }
    defer { world.witness.onDelivery = { _, _ in } }
    let start = world.now
    var (nextAnnouncement, nextProbe) = (start, start)
    while ways.closedCount > 0 {
      if world.now.since(start) > Self.timeMax {
        world.witness.report(.connectivity, world, missing(world, start))
      }
      if world.now >= nextAnnouncement {
        for station in 0..<world.stations.count { world.send(from: station, to: nil) }
        nextAnnouncement = nextAnnouncement + Self.announceInterval
      }
      if world.now >= nextProbe {
        probe(world)
        nextProbe = nextProbe + Self.probeInterval
      }
      try world.step()
    }
    let duration = world.now.since(start)
    // What moved during the last faults is announced again before anything is relied on.
    for station in 0..<world.stations.count { world.send(from: station, to: nil) }
    try world.run(for: Self.restTime)
    try checkSoundness(world)
    return duration
  }

  private func missing(_ world: World, _ start: Instant) -> String {
    let closed = ends.indices.filter { !ways.isOpen[$0] }
    let first = closed.first.map { ends[$0] }
    let example = first.map { "segment \($0.segment), to host \($0.receiver)" } ?? ""
    return
      "\(closed.count) of \(ends.count) ways are closed \(world.now.since(start).tenths) after the last fault: "
      + example
  }

  private func probe(_ world: World) {
    for (way, end) in ends.enumerated() where !ways.isOpen[way] {
      guard let number = world.send(from: end.from, to: end.to) else { continue }
      ways.probes[Ways.key(end.segment, number)] = way
    }
  }

  /// On sound wires every frame gets where it is for.
  private func checkSoundness(_ world: World) throws(Violation) {
    let end = world.now + Self.soundTime
    while world.now < end {
      for _ in 0..<Self.framesPerStep { sendSoundly(world) }
      try world.step()
    }
    try world.run(for: .seconds(1))
    guard let lost = ways.expected.min(by: { $0.key < $1.key }) else { return }
    world.witness.report(
      .lost, world,
      "\(ways.expected.count) frames, such as \(lost.key & 0xFF_FFFF_FFFF) of segment \(lost.key >> 40) to hosts "
        + "\(lost.value.sorted())")
    try world.step()
  }

  private func sendSoundly(_ world: World) {
    let station = Int.random(in: 0..<world.stations.count, using: &world.generator)
    let place = world.stations[station]
    guard let receiver = world.stations.bySegment[place.segment].randomElement(using: &world.generator) else { return }
    let isForAll = receiver == station || world.generator.isOne(in: 8)
    let target = world.stations[receiver].host
    let receivers = isForAll ? Set(world.plan.segments[place.segment].hosts) : [target]
    guard let number = world.send(from: station, to: isForAll ? nil : receiver) else { return }
    let others = receivers.subtracting([place.host])
    if !others.isEmpty { ways.expected[Ways.key(place.segment, number)] = others }
  }
}
