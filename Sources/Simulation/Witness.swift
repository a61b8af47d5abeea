import Dataplane
import Forwarding
import Sealing
import VXLAN

/// Sees every datagram that is sent and every frame that comes out of a TAP, and keeps the first that should not be.
struct Witness {
  /// Between two looks at the tables of all hosts.
  private static let tableInterval = Duration.seconds(1)

  var nonces = NonceLedger()
  private(set) var violation: Violation?
  /// Called with every frame that came out of a TAP as it should.
  var onDelivery: (_ name: FrameName, _ host: Int) -> Void = { _, _ in }
  private let plan: WorldPlan
  /// By segment and host, the numbers of frames that came out there.
  private var delivered: [NumberSet]
  /// Copies of plain frames that wires made and that did not come out yet.
  private var copies: [UInt64: Int] = [:]
  private var nextTableCheck = Instant(nanoseconds: 0)

  init(_ plan: WorldPlan) {
    self.plan = plan
    delivered = Array(repeating: NumberSet(), count: plan.segments.count * plan.hostCount)
  }

  mutating func report(_ invariant: Invariant, _ world: World, _ what: @autoclosure () -> String) {
    guard violation == nil else { return }
    violation = Violation(invariant: invariant, what: what(), step: world.stepNumber, time: world.elapsed)
  }

  /// An agent put a datagram on the wire.
  mutating func sent(_ bytes: [UInt8], isSealed: Bool, to host: Int, _ world: World) {
    if Self.hasMarker(bytes) { report(.clear, world, "a frame of a sealed segment, to host \(host)") }
    guard isSealed, let header = SealedHeader(parsing: bytes.span), header.kind != .handshake else { return }
    if !nonces.note(header.word, toHost: host) {
      let word = header.word
      report(.nonce, world, "index \(word.index), lane \(word.lane), counter \(word.counter) to host \(host)")
    }
  }

  /// A wire made a copy of a plain datagram.
  mutating func doubled(_ bytes: [UInt8], host: Int) {
    guard let name = FrameName(of: bytes, at: 8) else { return }
    copies[Self.key(name, host), default: 0] += 1
  }

  /// A frame came out of the TAP of a segment.
  mutating func delivered(_ frame: [UInt8], segment: Int, host: Int, _ world: World) {
    guard let name = FrameName(of: frame), plan.segments.indices.contains(name.segment) else {
      return report(.madeUp, world, "\(frame.count) bytes at host \(host)")
    }
    guard name.segment == segment else {
      return report(.segment, world, "frame \(name.number) of segment \(name.segment) in \(segment) at host \(host)")
    }
    if !delivered[segment * plan.hostCount + host].insert(name.number) {
      noteRepeated(name, host, world)
    }
    onDelivery(name, host)
  }

  private mutating func noteRepeated(_ name: FrameName, _ host: Int, _ world: World) {
    let key = Self.key(name, host)
    guard !plan.segments[name.segment].isSealed, let count = copies[key], count > 0 else {
      return report(.twice, world, "frame \(name.number) of segment \(name.segment) at host \(host)")
    }
    copies[key] = count > 1 ? count - 1 : nil
  }

  /// Every frame that an agent was handed is somewhere.
  mutating func checkAccounting(of host: Host, _ world: World) {
    guard let agent = host.agent else { return }
    let counters = agent.snapshot()
    var (frames, datagrams) = (0, 0)
    for worker in agent.workers {
      for slot in agent.topology.segments.indices { frames += worker.taps[slot].waiting.count }
      datagrams += worker.sockets.waiting.count + worker.sealedSockets.waiting.count
    }
    check(counters, .overlay, host, waiting: frames, offered: host.offeredFrames, world)
    check(counters, .underlay, host, waiting: datagrams, offered: host.offeredDatagrams, world)
  }

  private mutating func check(
    _ counters: CounterSnapshot, _ direction: Direction, _ host: Host, waiting: Int, offered: UInt64, _ world: World
  ) {
    let imbalance = counters.imbalance(direction)
    let taken = counters.total(.framesIn, direction) + UInt64(waiting)
    guard imbalance != 0 || taken != offered else { return }
    report(.accounting, world, "host \(host.number), \(direction): \(imbalance) too many, \(taken) of \(offered)")
  }

  /// Every second, and of a host whenever its configuration changed: what the tables point to.
  mutating func checkTables(_ world: World) {
    guard world.now >= nextTableCheck else { return }
    nextTableCheck = world.now + Self.tableInterval
    for host in world.hosts where host.isUp && !host.hasInput { note(host, world, wasScanned: true) }
  }

  /// What the tables of a host point to.
  /// - Parameter wasScanned: for what is old, as of now.
  mutating func note(_ host: Host, _ world: World, wasScanned: Bool) {
    guard let topology = host.agent?.topology else { return }
    if let segment = topology.segments.indices.first, world.isSabotaged(.keepsDeparted) {
      topology.withFDB(ofSegment: segment) {
        _ = $0.set(.init(rawValue: 2), at: .peer(8000), by: .configuration, now: 0)
      }
    }
    let seconds = host.time(world.now).seconds
    for slot in topology.segments.indices {
      let plan = topology.segments[slot]
      let ageMax = Self.secondsMax(plan.ageingTime, plan)
      let frozenAgeMax = Self.secondsMax(max(plan.ageingTime, .seconds(FDB.freezeSeconds)), plan)
      for entry in topology.withFDB(ofSegment: slot, { $0.entries() }) {
        if let peer = entry.remote.peerSlot, !topology.isPermitted(peer: peer, segment: slot) {
          report(.departed, world, "host \(host.number): \(entry.mac) is at slot \(peer), where no peer is")
        }
        let age = Int64(seconds) - Int64(entry.stamp)
        if wasScanned, entry.state == .dynamic, age > (entry.isFrozen ? frozenAgeMax : ageMax) {
          report(.stale, world, "host \(host.number): \(entry.mac) is \(age) s old")
        }
      }
    }
  }

  /// How old an entry may be when its time has come and a scan is due: stamps and clocks are a second coarse each.
  private static func secondsMax(_ time: Duration, _ plan: SegmentPlan) -> Int64 {
    (time + Host.scanInterval(plan)).components.seconds + 2
  }

  private static func key(_ name: FrameName, _ host: Int) -> UInt64 {
    UInt64(name.segment) << 52 | UInt64(host) << 40 | UInt64(name.number)
  }

  /// Looks at every place: a marker may begin at any.
  private static func hasMarker(_ bytes: [UInt8]) -> Bool {
    let (span, sought) = (bytes.span, FrameName.markerWords)
    for offset in 0..<max(0, span.count - 15) where span.bigEndian64(at: offset) == sought.first {
      if span.bigEndian64(at: offset + 8) == sought.last { return true }
    }
    return false
  }
}
