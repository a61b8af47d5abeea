import Dataplane
import Forwarding
import Sealing
import TestKit
import VXLAN

/// Whole agents on one underlay in memory, on one clock that nobody waits for: engines, tables, sessions, keys, the
/// probing of paths, changes of configuration and ageing are those of the program; TAPs, sockets and wires are lists.
///
/// One thread, and every choice comes from one seed: the same plan and seed give the same run, byte for byte, which
/// `digest` shows. What holds at every step is judged by the `Witness`.
package final class World {
  /// Datagrams that wait for a host that is not scheduled, at most; what comes beyond them is lost.
  private static let waitingDatagramCountMax = 2048

  let plan: WorldPlan
  let hosts: [Host]
  var wires: Wires
  var stations: Stations
  var witness: Witness
  var generator: SeededGenerator
  package private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var stepNumber = 0
  package private(set) var digest = TraceDigest()
  /// What is broken on purpose.
  let sabotage: Sabotage?
  var sabotageCount = 0
  private(set) var surroundings: Host.Surroundings
  private var due: [(at: Instant, order: Int, action: (World) -> Void)] = []
  /// The next last.
  private var isDueSorted = true
  private var scheduledCount = 0
  private(set) var tally = WorldTally()

  package init(_ plan: WorldPlan, sabotage: Sabotage? = nil) {
    var generator = SeededGenerator(seed: plan.seed)
    var entropy = SimulatedEntropy(seed: generator.next())
    let keys = (0..<plan.hostCount).map { _ in PrivateKey(from: &entropy) }
    let sealed = SharedSegments(plan)
    surroundings = Host.Surroundings(plan: plan, publicKeys: keys.map(\.publicKey), haveKeys: sealed.haveKeys)
    hosts = (0..<plan.hostCount).map { Host($0, configuration: Self.configuration(of: $0, plan), privateKey: keys[$0]) }
    wires = Wires(hostCount: plan.hostCount)
    stations = Stations(plan)
    witness = Witness(plan)
    self.plan = plan
    self.sabotage = sabotage
    self.generator = generator
  }

  static func configuration(of host: Int, _ plan: WorldPlan) -> HostConfiguration {
    var configuration = HostConfiguration(segments: [], peersBySegment: [:])
    for (number, segment) in plan.segments.enumerated() where segment.hosts.contains(host) {
      configuration.segments.append(number)
      configuration.peersBySegment[number] = segment.hosts.filter { $0 != host }
    }
    return configuration
  }

  /// Since the world began.
  package var elapsed: Duration { now.since(Instant(nanoseconds: 1_000_000_000)) }

  // What hosts do

  func start(_ host: Int) {
    hosts[host].start(surroundings, now: now, &generator)
    hosts[host].agent?.willAccept = { [unowned self] index in witness.nonces.noteKey(ofHost: host, index: index) }
    if sabotage == .noAgeing { hosts[host].ages = false }
    tally.startCount += 1
  }

  func startAll() {
    for host in hosts.indices { start(host) }
  }

  /// The numbers of an agent that ends are kept.
  func kill(_ host: Int) {
    noteCounters(of: host)
    hosts[host].kill()
  }

  func reload(_ host: Int, replacingPeers peers: Set<Int> = [], replacingSegments segments: Set<Int> = []) {
    guard hosts[host].agent != nil else { return }
    // An agent that is not scheduled hears of it when it is.
    guard !hosts[host].isPaused else {
      return schedule(after: .milliseconds(100)) {
        $0.reload(host, replacingPeers: peers, replacingSegments: segments)
      }
    }
    tally.reloadCount += 1
    hosts[host].work(now: now)
    collect(hosts[host])
    hosts[host].reload(surroundings, replacingPeers: peers, replacingSegments: segments)
    witness.note(hosts[host], self, wasScanned: false)
  }

  /// A host has other keys from its next start on, and whoever is told of them.
  func renewKeys(of host: Int) {
    var entropy = SimulatedEntropy(seed: generator.next())
    hosts[host].privateKey = PrivateKey(from: &entropy)
    surroundings.publicKeys[host] = hosts[host].privateKey.publicKey
  }

  /// Does something later.
  func schedule(after delay: Duration, _ action: @escaping (World) -> Void) {
    scheduledCount += 1
    due.append((now + delay, scheduledCount, action))
    isDueSorted = false
  }

  private func performDue(until end: Instant) {
    while true {
      if !isDueSorted { due.sort { ($0.at, $0.order) > ($1.at, $1.order) } }
      isDueSorted = true
      guard let next = due.last, next.at <= end else { return }
      due.removeLast()
      next.action(self)
    }
  }

  /// Whatever is wrong ends now, all at once, and everybody hears of it.
  func endFaults() {
    for host in hosts where host.isPaused {
      host.isPaused = false
      host.hasInput = true
    }
    performDue(until: Instant(nanoseconds: .max))
    wires.heal()
  }

  var hasScheduled: Bool { !due.isEmpty }

  /// Hands a frame to the TAP of a station's host. False: there is no such TAP now.
  @discardableResult
  func offer(_ frame: [UInt8], from station: Int, number: Int) -> Bool {
    let place = stations[station]
    let host = hosts[place.host]
    guard let agent = host.agent, !host.isPaused, let slot = host.slots[place.segment] else {
      return false
    }
    agent.workers[number % agent.workers.count].taps[slot].waiting.append(frame)
    host.offeredFrames += 1
    host.hasInput = true
    tally.offeredCount += 1
    return true
  }

  /// Lets a station send to another, nil: to all of its segment. Answers the number of the frame in its segment; nil:
  /// its host has no TAP for it now.
  @discardableResult
  func send(from station: Int, to receiver: Int?, byteCount: Int = 60) -> Int? {
    let segment = stations[station].segment
    let number = stations.nextNumber(of: segment)
    let name = FrameName(number: number, segment: segment, station: station)
    let frame = name.frame(
      to: receiver.map { WorldPlan.mac(ofStation: $0) } ?? .broadcast, byteCount: byteCount,
      isMarked: plan.segments[segment].isSealed)
    return offer(frame, from: station, number: number) ? number : nil
  }

  // Time

  /// One step: time passes, what is due happens and arrives, every agent works, and all of it is judged.
  package func step() throws(Violation) {
    stepNumber += 1
    let isIdle = wires.inFlightCount == 0 && !hosts.contains { $0.hasInput }
    now = now + (isIdle ? plan.idleStepDuration : plan.stepDuration)
    performDue(until: now)
    for flight in wires.arrivals(step: stepNumber) { arrive(flight) }
    for host in hosts where host.turn(now: now) {
      collect(host)
      witness.checkAccounting(of: host, self)
    }
    witness.checkTables(self)
    if let violation = witness.violation { throw violation }
  }

  package func run(for duration: Duration) throws(Violation) {
    let end = now + duration
    while now < end { try step() }
  }

  private func arrive(_ flight: Wires.Flight) {
    let host = hosts[flight.target]
    guard let agent = host.agent else { return tally.unheardCount += 1 }
    // Any worker must do: what the kernel steers by is nothing to rely on.
    let worker = agent.workers[Int(truncatingIfNeeded: host.offeredDatagrams) % agent.workers.count]
    let port = flight.isSealed ? worker.sealedSockets : worker.sockets
    guard !host.isPaused || port.waiting.count < Self.waitingDatagramCountMax else {
      return tally.overflowCount += 1
    }
    host.offeredDatagrams += 1
    if isSabotaged(.losesCount) { return }
    port.waiting.append(flight.datagram)
    host.hasInput = true
  }

  /// Whether this is where something is to be broken, once.
  func isSabotaged(_ kind: Sabotage) -> Bool {
    guard sabotage == kind, stepNumber > 100, sabotageCount == 0 else { return false }
    sabotageCount += 1
    return true
  }

  // What comes out

  private func collect(_ host: Host) {
    guard let agent = host.agent else { return }
    for worker in agent.workers {
      for slot in agent.topology.segments.indices where !worker.taps[slot].written.isEmpty {
        for frame in worker.taps[slot].written { deliver(frame, host, slot) }
        worker.taps[slot].written.removeAll(keepingCapacity: true)
      }
      for sent in worker.sockets.sent {
        let target = agent.topology.peers[sent.peer].endpoint
        launch(sent.payload, to: target, from: host.number, isSealed: false, sourcePort: 49152)
      }
      worker.sockets.sent.removeAll(keepingCapacity: true)
    }
    for sent in agent.takeSent() {
      launch(sent.bytes, to: sent.to, from: host.number, isSealed: true, sourcePort: sent.sourcePort)
    }
    if sabotage == .ignoresPath {
      for slot in agent.topology.peers.indices { agent.topology.limits.setPathMTU(plan.routeMTU, ofPeer: slot) }
    }
  }

  private func deliver(_ frame: [UInt8], _ host: Host, _ slot: Int) {
    digest.add(UInt64(host.number) << 32 | UInt64(slot))
    digest.add(frame)
    tally.deliveredCount += 1
    var segment = host.segments[slot]
    if isSabotaged(.otherSegment) { segment += 1 }
    var seen = frame
    if isSabotaged(.alter) { seen[20] ^= 1 }
    witness.delivered(seen, segment: segment, host: host.number, self)
    if plan.segments[host.segments[slot]].isSealed, isSabotaged(.repeatDelivery) {
      witness.delivered(frame, segment: segment, host: host.number, self)
    }
  }

  private func launch(_ bytes: [UInt8], to target: Endpoint, from sender: Int, isSealed: Bool, sourcePort: UInt16) {
    let receiver = WorldPlan.host(at: target.address)
    digest.add(UInt64(sender) << 32 | UInt64(receiver))
    digest.add(bytes)
    tally.datagramCount += 1
    let kind = isSealed ? SealedHeader(parsing: bytes.span)?.kind : nil
    tally.note(kind)
    witness.sent(bytes, isSealed: isSealed, to: receiver, self)
    if kind == .frame, isSabotaged(.repeatNonce) { witness.sent(bytes, isSealed: true, to: receiver, self) }
    if kind == .frame, isSabotaged(.leak) {
      witness.sent([8, 0, 0, 0, 0, 0, 42, 0] + FrameName.marker, isSealed: false, to: receiver, self)
    }
    var datagram = FakeDatagramPort.Received(bytes, from: WorldPlan.address(ofHost: sender))
    datagram.sourcePort = sourcePort
    let flight = Wires.Flight(target: receiver, isSealed: isSealed, datagram: datagram)
    switch wires.carry(flight, from: sender, step: stepNumber, &generator) {
    case .carried(let copies):
      if copies > 1, !isSealed { witness.doubled(bytes, host: receiver) }
    case .swallowed: if kind == .frame { tally.lastSwallowed = now }
    case .lost: break
    }
  }

  // Numbers

  /// Adds what the agent of a host counted since the last call.
  func noteCounters(of host: Int) {
    guard let agent = hosts[host].agent else { return }
    tally.add(agent.snapshot())
  }

  /// The numbers of all hosts, up to now.
  package func currentTally() -> WorldTally {
    var sum = tally
    for host in hosts {
      if let agent = host.agent { sum.add(agent.snapshot()) }
    }
    (sum.lostCount, sum.doubledCount, sum.swallowedCount) = (wires.lostCount, wires.doubledCount, wires.swallowedCount)
    (sum.nonceCount, sum.keyCount) = (witness.nonces.count, witness.nonces.keyCount)
    sum.moveCount = stations.moveCount
    sum.agedCount = hosts.reduce(0) { $0 + $1.agedCount }
    return sum
  }
}

/// Which hosts share a sealed segment.
private struct SharedSegments {
  /// By host, a bit for each sealed segment.
  private var memberships: [[UInt64]]

  init(_ plan: WorldPlan) {
    let wordCount = plan.segments.count / 64 + 1
    memberships = Array(repeating: Array(repeating: 0, count: wordCount), count: plan.hostCount)
    for (number, segment) in plan.segments.enumerated() where segment.isSealed {
      for host in segment.hosts { memberships[host][number / 64] |= 1 << UInt64(number % 64) }
    }
  }

  func haveKeys(_ one: Int, _ other: Int) -> Bool {
    zip(memberships[one], memberships[other]).contains { $0 & $1 != 0 }
  }
}
