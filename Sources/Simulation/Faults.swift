import TestKit
import VXLAN

/// Chooses what goes wrong next in a world, and when it ends.
struct Faults {
  /// What may happen, each as often as it is listed.
  enum Kind: String, CaseIterable, Sendable {
    case loss, doubling, delay, partition, cut, blackHole, kill, newKeys, pause, leaveSegment, forgetPeer, replacePeer
    case replaceSegment, moveStation, silence
  }

  let kinds: [Kind]
  /// Between two faults, at most.
  let pauseMax: Duration
  /// Of each kind, in the order of declaration.
  private(set) var counts: [Int]
  private var next = Instant(nanoseconds: 0)

  init(_ kinds: [Kind] = Kind.allCases, pauseMax: Duration = .seconds(2)) {
    self.kinds = kinds
    self.pauseMax = pauseMax
    counts = Array(repeating: 0, count: Kind.allCases.count)
  }

  /// How often each kind happened.
  var summary: String {
    zip(Kind.allCases, counts).filter { $1 > 0 }.map { "\($0.rawValue) \($1)" }.joined(separator: ", ")
  }

  /// Something goes wrong if it is time.
  mutating func advance(_ world: World) {
    guard world.now >= next else { return }
    next = world.now + world.random(.milliseconds(50)..<pauseMax)
    guard let kind = kinds.randomElement(using: &world.generator) else { return }
    if begin(kind, world), let index = Kind.allCases.firstIndex(of: kind) { counts[index] += 1 }
  }

  private func begin(_ kind: Kind, _ world: World) -> Bool {
    let host = world.randomHost()
    switch kind {
    case .loss: world.beginWeather { $0.lossOneIn = $1 }
    case .doubling: world.beginWeather { $0.duplicateOneIn = $1 }
    case .delay: world.beginWeather { $0.delayStepMax = $1 }
    case .partition: world.beginPartition()
    case .cut: world.beginCut(from: host, to: world.randomHost())
    case .blackHole: world.beginBlackHole(from: host, to: world.randomHost())
    case .kill: return world.beginAbsence(of: host, withNewKeys: false)
    case .newKeys: return world.beginAbsence(of: host, withNewKeys: true)
    case .pause: return world.beginPause(of: host)
    case .leaveSegment: return world.beginLeaving(host)
    case .forgetPeer: return world.beginForgetting(world.randomHost(), by: host)
    case .replacePeer: world.replacePeer(world.randomHost(), by: host)
    case .replaceSegment: world.replaceSegment(of: host)
    case .moveStation: return world.moveStation()
    case .silence: world.silenceStation()
    }
    return true
  }
}

extension World {
  func random(_ range: Range<Duration>) -> Duration {
    .nanoseconds(
      Int64(UInt64.random(in: range.lowerBound.nanosecondCount..<range.upperBound.nanosecondCount, using: &generator)))
  }

  func randomHost() -> Int { Int.random(in: 0..<hosts.count, using: &generator) }

  fileprivate func beginWeather(_ change: @escaping (inout Wires.Weather, Int) -> Void) {
    change(&wires.weather, Int.random(in: 2...25, using: &generator))
    schedule(after: random(.seconds(1)..<(.seconds(5)))) { world in
      var calm = Wires.Weather()
      calm.duplicateOneIn = 50
      world.wires.weather = calm
    }
  }

  fileprivate func beginPartition() {
    for host in hosts.indices { wires.sides[host] = Int.random(in: 0...1, using: &generator) }
    schedule(after: random(.seconds(1)..<(.seconds(25)))) { world in
      world.wires.sides = Array(repeating: 0, count: world.hosts.count)
    }
  }

  fileprivate func beginCut(from sender: Int, to receiver: Int) {
    let way = wires.way(sender, receiver)
    wires.cuts.insert(way)
    schedule(after: random(.seconds(1)..<(.seconds(30)))) { $0.wires.cuts.remove(way) }
  }

  fileprivate func beginBlackHole(from sender: Int, to receiver: Int) {
    let way = wires.way(sender, receiver)
    wires.sizeLimits[way] = Int.random(in: 1280...1480, using: &generator)
    schedule(after: random(.seconds(5)..<(.seconds(40)))) { $0.wires.sizeLimits[way] = nil }
  }

  /// An agent is killed and started again, as itself or with keys that the others hear of one by one.
  fileprivate func beginAbsence(of host: Int, withNewKeys hasNewKeys: Bool) -> Bool {
    guard hosts[host].agent != nil else { return false }
    kill(host)
    if hasNewKeys {
      renewKeys(of: host)
      for other in hosts.indices where other != host && hosts[other].configuration.peers.contains(host) {
        schedule(after: random(.milliseconds(10)..<(.seconds(5)))) { $0.reload(other, replacingPeers: [host]) }
      }
    }
    schedule(after: random(.milliseconds(100)..<(.seconds(10)))) { $0.start(host) }
    return true
  }

  fileprivate func beginPause(of host: Int) -> Bool {
    guard hosts[host].isUp else { return false }
    hosts[host].isPaused = true
    let startCount = hosts[host].startCount
    schedule(after: random(.milliseconds(500)..<(.seconds(20)))) { world in
      guard world.hosts[host].startCount == startCount else { return }
      world.hosts[host].isPaused = false
      world.hosts[host].hasInput = true
    }
    return true
  }

  /// A host leaves a segment for a while; it and the others hear of both at times of their own.
  fileprivate func beginLeaving(_ host: Int) -> Bool {
    guard let segment = hosts[host].configuration.segments.randomElement(using: &generator) else { return false }
    changeMembership(of: host, in: segment, isThere: false)
    schedule(after: random(.seconds(5)..<(.seconds(20)))) { world in
      world.changeMembership(of: host, in: segment, isThere: true)
    }
    return true
  }

  /// - Parameter lagMax: after which everybody has heard of it.
  func changeMembership(of host: Int, in segment: Int, isThere: Bool, lagMax: Duration = .seconds(3)) {
    schedule(after: random(.milliseconds(10)..<lagMax)) { world in
      world.hosts[host].configuration.set(segment, isThere: isThere)
      world.reload(host)
    }
    for other in plan.segments[segment].hosts where other != host {
      schedule(after: random(.milliseconds(10)..<lagMax)) { world in
        world.hosts[other].configuration.setPeer(host, of: segment, isThere: isThere)
        world.reload(other)
      }
    }
  }

  fileprivate func beginForgetting(_ peer: Int, by host: Int) -> Bool {
    guard peer != host, hosts[host].configuration.forgotten.insert(peer).inserted else { return false }
    reload(host)
    schedule(after: random(.seconds(1)..<(.seconds(10)))) { world in
      world.hosts[host].configuration.forgotten.remove(peer)
      world.reload(host)
    }
    return true
  }

  fileprivate func replacePeer(_ peer: Int, by host: Int) {
    reload(host, replacingPeers: Set(hosts[host].configuration.peers).intersection([peer]))
  }

  fileprivate func replaceSegment(of host: Int) {
    guard let segment = hosts[host].configuration.segments.randomElement(using: &generator) else { return }
    reload(host, replacingSegments: [segment])
  }

  /// A station says nothing for up to five times as long as its segment remembers it.
  fileprivate func silenceStation() {
    let station = Int.random(in: 0..<stations.count, using: &generator)
    let memory = plan.segments[stations[station].segment].ageingTime
    stations.silence(station, until: now + random(memory..<(memory * 5)))
  }

  /// A station goes to another host of its segment and, some time after, says so.
  fileprivate func moveStation() -> Bool {
    guard let station = (0..<stations.count).randomElement(using: &generator), stations[station].mayMove,
      let host = plan.segments[stations[station].segment].hosts.randomElement(using: &generator),
      host != stations[station].host
    else { return false }
    stations.move(station, to: host)
    schedule(after: random(.milliseconds(100)..<(.seconds(3)))) { $0.send(from: station, to: nil) }
    return true
  }
}
