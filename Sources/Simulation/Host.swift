import Dataplane
import Forwarding
import Sealing
import TestKit
import VXLAN

/// One simulated host: its configuration, its clock, and the agent that runs on it, if one does. An agent that is
/// started again knows nothing of the one before.
final class Host {
  /// What all hosts know of each other.
  struct Surroundings {
    let plan: WorldPlan
    /// By host, as configured everywhere.
    var publicKeys: [PublicKey]
    /// By host and host: whether both have keys of each other, since they share a sealed segment.
    let haveKeys: (Int, Int) -> Bool
  }

  let number: Int
  var configuration: HostConfiguration
  var privateKey: PrivateKey
  private(set) var agent: SealedAgent?
  /// Agents that were started here.
  private(set) var startCount = 0
  /// By slot, which segment and which host.
  private(set) var segments = Slots<Int>() {
    didSet { slots = Dictionary(uniqueKeysWithValues: segments.indices.map { (segments[$0], $0) }) }
  }
  /// By segment.
  private(set) var slots: [Int: Int] = [:]
  private(set) var peers = Slots<Int>()
  /// The agent is not scheduled: what comes waits for it.
  var isPaused = false
  /// Something waits for the agent.
  var hasInput = false
  /// Since the agent was started, what was handed to it.
  var offeredFrames: UInt64 = 0
  var offeredDatagrams: UInt64 = 0
  /// Entries of all its agents that went because nothing came from them.
  private(set) var agedCount = 0
  private var clock = HostClock()
  private var nextAdvance = Instant(nanoseconds: 0)
  private var nextScans: [Int: Instant] = [:]
  private static let advanceInterval = Duration.milliseconds(250)
  private static let stepsPerTurnMax = 64

  init(_ number: Int, configuration: HostConfiguration, privateKey: PrivateKey) {
    self.number = number
    self.configuration = configuration
    self.privateKey = privateKey
  }

  var isUp: Bool { agent != nil && !isPaused }

  /// The host's clock when the world's is at `now`.
  func time(_ now: Instant) -> Instant { clock.time(at: now) }

  // The agent

  /// Starts an agent with what the configuration says. Its clock has nothing to do with that of any before.
  func start(_ surroundings: Surroundings, now: Instant, _ generator: inout SeededGenerator) {
    clock = HostClock(startingAt: now, &generator)
    let names = configuration.peers
    segments = Slots(configuration.segments)
    peers = Slots(names)
    let slots = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    var setup = SealedAgent.Setup(
      segments: configuration.segments.map { plan(ofSegment: $0, slots, surroundings.plan) },
      peers: names.map { Self.plan(ofPeer: $0, surroundings.plan) }, privateKey: privateKey,
      peerKeys: names.map { surroundings.haveKeys(number, $0) ? surroundings.publicKeys[$0] : nil },
      cipher: surroundings.plan.cipher, seed: generator.next())
    setup.workerCount = surroundings.plan.workerCount
    setup.now = time(now)
    let agent = SealedAgent(setup)
    agent.setRoutes(pathMTU: surroundings.plan.routeMTU)
    self.agent = agent
    startCount += 1
    (offeredFrames, offeredDatagrams, isPaused, hasInput) = (0, 0, false, true)
    nextAdvance = now
    nextScans = [:]
  }

  /// As if it was killed: all that it knew is gone.
  func kill() { (agent, isPaused) = (nil, false) }

  /// Goes by the configuration as it is now. Nothing that came is to wait for the agent, and nothing that it sent to be
  /// collected.
  /// - Parameters:
  ///   - replacedPeers: whose keys are others.
  ///   - replacedSegments: that get another slot.
  func reload(
    _ surroundings: Surroundings, replacingPeers replacedPeers: Set<Int> = [],
    replacingSegments replacedSegments: Set<Int> = []
  ) {
    guard let agent else { return }
    let state = agent.topology.state
    guard
      let segmentPlan = SlotPlan(
        inUse: segments, wanted: configuration.segments, replacing: replacedSegments, busy: state.busySegmentSlots(),
        slotCount: Dataplane.Limits.segmentSlotCount),
      let peerPlan = SlotPlan(
        inUse: peers, wanted: configuration.peers, replacing: replacedPeers, busy: state.busyPeerSlots(),
        slotCount: Forwarding.Limits.peerSlotCount)
    else { preconditionFailure("there are slots enough") }
    var (segmentPlans, peerPlans) = (Slots<SegmentPlan>(), Slots<PeerPlan>())
    peers = Slots<Int>()
    for peer in configuration.peers {
      guard let slot = peerPlan.slots[peer] else { continue }
      peerPlans[slot] = Self.plan(ofPeer: peer, surroundings.plan)
      peers[slot] = peer
    }
    var names = Slots<Int>()
    for segment in configuration.segments {
      guard let slot = segmentPlan.slots[segment] else { continue }
      segmentPlans[slot] = plan(ofSegment: segment, peerPlan.slots, surroundings.plan)
      names[slot] = segment
    }
    segments = names
    var keys: [Int: PublicKey] = [:]
    for slot in peerPlan.fresh where surroundings.haveKeys(number, peers[slot]) {
      keys[slot] = surroundings.publicKeys[peers[slot]]
    }
    agent.change(segments: segmentPlans, peers: peerPlans, vacated: peerPlan.vacated, peerKeys: keys)
    agent.setRoutes(pathMTU: surroundings.plan.routeMTU)
    hasInput = true
  }

  /// Lets the agent work on all that waits, if it is time. False: there was nothing to do.
  func turn(now: Instant) -> Bool {
    guard let agent, !isPaused, hasInput || now >= nextAdvance else { return false }
    work(now: now)
    scan(agent, now: now)
    hasInput = false
    return true
  }

  /// Lets the agent look at its clock and work on all that waits.
  func work(now: Instant) {
    guard let agent else { return }
    agent.advance(to: time(now))
    nextAdvance = now + Self.advanceInterval
    for _ in 0..<Self.stepsPerTurnMax where !agent.step() { return }
  }

  /// As the thread that ages entries does: every tenth of the ageing time, at least every 10 s.
  private func scan(_ agent: SealedAgent, now: Instant) {
    guard ages else { return }
    for slot in agent.topology.segments.indices {
      guard let due = nextScans[slot], due <= now else {
        if nextScans[slot] == nil { nextScans[slot] = now + Self.scanInterval(agent.topology.segments[slot]) }
        continue
      }
      let plan = agent.topology.segments[slot]
      nextScans[slot] = now + Self.scanInterval(plan)
      let seconds = time(now).seconds
      agedCount += agent.topology.withFDB(ofSegment: slot) { $0.age(now: seconds, ageingTime: plan.ageingTime) }
      agent.topology.neighbors[slot].sweep(now: seconds)
    }
  }

  /// Whether it forgets what is old.
  var ages = true

  static func scanInterval(_ plan: SegmentPlan) -> Duration { min(.seconds(10), plan.ageingTime / 10) }

  // Its plans

  private func plan(ofSegment segment: Int, _ slots: [Int: Int], _ world: WorldPlan) -> SegmentPlan {
    let own = WorldPlan.mac(ofHost: number, segment: segment)
    let vni = WorldPlan.vni(ofSegment: segment).rawValue
    var plan = SealedNetwork.segment(vni, ownMAC: own, peers: 0, cipher: world.cipher)
    if !world.segments[segment].isSealed {
      plan.isSealed = false
      plan.overhead = Overhead(family: .ipv4)
      plan.overlayMTU = world.routeMTU - plan.overhead.byteCount
    }
    plan.ageingTime = world.segments[segment].ageingTime
    plan.fdbLimit = world.segments[segment].fdbLimit
    plan.peers = configuration.peers(of: segment).compactMap { slots[$0] }.sorted()
    return plan
  }

  private static func plan(ofPeer peer: Int, _ world: WorldPlan) -> PeerPlan {
    var plan = PeerPlan(endpoint: Endpoint(address: WorldPlan.address(ofHost: peer), udpPort: 4789))
    plan.pathMTU = world.routeMTU
    return plan
  }
}

/// The clock of one agent: it begins anywhere and goes a little too fast or too slowly.
private struct HostClock {
  private var base: UInt64 = 1_000_000_000
  private var start = Instant(nanoseconds: 0)
  private var partsPerMillion: Int64 = 0

  init() {}

  /// Up to ten years and 100 parts in a million off.
  init(startingAt now: Instant, _ generator: inout SeededGenerator) {
    start = now
    base = UInt64.random(in: 1...315_000_000, using: &generator) * 1_000_000_000
    partsPerMillion = Int64.random(in: -100...100, using: &generator)
  }

  func time(at now: Instant) -> Instant {
    let passed = Int64(now.nanoseconds &- start.nanoseconds)
    return Instant(nanoseconds: base &+ UInt64(passed + passed / 1_000_000 * partsPerMillion))
  }
}
