import Dataplane
import Forwarding
import LinuxIO
import VXLAN

/// One engine with fake ports: frames and datagrams go in, and what comes out is there to look at.
package final class EngineBench {
  /// By segment slot; of a slot that is vacant, the last segment's.
  package private(set) var taps: [FakeFramePort]
  package let sockets = FakeDatagramPort()
  /// The sealed port.
  package let sealedSockets = FakeDatagramPort()
  package private(set) var topology: Topology
  private let mergeable: MergeableTraffic
  private var engine: Engine
  package var now = Instant(nanoseconds: 1_000_000_000_000)

  package init(
    segments: [SegmentPlan], peers: [PeerPlan], sourcePortCount: Int = 64,
    hash: KeyedHash = KeyedHash(key0: 1, key1: 2),
    mergeable: MergeableTraffic = MergeableTraffic(mergesTCP: false, mergesUDP: false),
    sealed: (Topology, FakeDatagramPort) -> SealedSide? = { _, _ in nil }
  ) {
    self.mergeable = mergeable
    taps = segments.map { _ in FakeFramePort() }
    for tap in taps { tap.mergeable = mergeable }
    topology = Topology(segments: segments, peers: peers, hash: hash, now: now)
    engine = Engine(
      topology: topology, framePorts: taps, datagramPort: sockets, sourcePortCount: sourcePortCount,
      flowKey: KeyedHash(key0: 3, key1: 4), sealed: sealed(topology, sealedSockets))
  }

  /// Another worker's engine over the tables of `other`, with fake ports of its own.
  package init(sharing other: EngineBench, sealed: (FakeDatagramPort) -> SealedSide? = { _ in nil }) {
    mergeable = other.mergeable
    taps = other.taps.map { _ in FakeFramePort() }
    topology = other.topology
    engine = Engine(
      topology: topology, framePorts: taps, datagramPort: sockets, sourcePortCount: 64,
      flowKey: KeyedHash(key0: 3, key1: 4), sealed: sealed(sealedSockets))
    now = other.now
  }

  /// The worker goes by another generation from now on, with fake ports for segments that are new.
  package func adopt(_ next: Topology, sealed: SealedSide? = nil) {
    var added: [Int: any FramePort] = [:]
    for slot in next.segments.indices where !topology.segments.isOccupied(slot) {
      let tap = FakeFramePort()
      tap.mergeable = mergeable
      if slot < taps.count { taps[slot] = tap } else { taps.append(tap) }
      added[slot] = tap
    }
    engine.adopt(next, framePorts: added, sealed: sealed)
    topology = next
  }

  /// The only worker goes by other segments and peers, and what has left is forgotten.
  package func change(_ change: (inout Slots<SegmentPlan>, inout Slots<PeerPlan>) -> Void) {
    var (segments, peers) = (topology.segments, topology.peers)
    change(&segments, &peers)
    let (old, next) = (topology, topology.successor(segments: segments, peers: peers, now: now))
    adopt(next)
    next.settle(after: old, now: now)
  }

  /// Hands frames to the TAP of a segment and lets the engine take all of them. Answers what was sent.
  @discardableResult
  package func fromTAP(_ frames: [[UInt8]], segment: Int = 0) -> [FakeDatagramPort.Sent] {
    let before = sockets.sent.count
    taps[segment].waiting += frames
    while engine.stepOverlay(segment: segment, now: now).count > 0 {}
    return Array(sockets.sent[before...])
  }

  /// Hands datagrams to the sockets and lets the engine take all of them. Answers what was written to each TAP.
  @discardableResult
  package func fromUnderlay(_ datagrams: [FakeDatagramPort.Received]) -> [[[UInt8]]] {
    let before = taps.map(\.written.count)
    sockets.waiting += datagrams
    while engine.stepUnderlay(now: now).count > 0 {}
    topology.flooding.publishGroups(now: now)
    return zip(taps, before).map { Array($0.written[$1...]) }
  }

  /// Hands datagrams to the sealed port and lets the engine take all of them. Answers what was written to each TAP.
  @discardableResult
  package func fromSealedPort(_ datagrams: [FakeDatagramPort.Received]) -> [[[UInt8]]] {
    let before = taps.map(\.written.count)
    sealedSockets.waiting += datagrams
    while engine.stepSealed(now: now).count > 0 {}
    topology.flooding.publishGroups(now: now)
    return zip(taps, before).map { Array($0.written[$1...]) }
  }

  /// What is done when a key was published.
  package func sendWaiting() { engine.sendWaiting(now: now) }
  /// What is done when somebody is to be asked about groups. Answers what was sent to peers in clear.
  package func askForListeners() -> [FakeDatagramPort.Sent] {
    let before = sockets.sent.count
    for (segment, query) in topology.flooding.advance(now: now) { engine.send(query, segment: segment, now: now) }
    return Array(sockets.sent[before...])
  }
  /// What is done every second while frames wait.
  package func expireWaiting() { engine.expireWaiting(now: now) }

  /// Captures go into the ring from now on.
  package func beginCapture(into ring: CaptureRing, _ filter: CaptureFilter) {
    engine.beginCapture(into: ring, filter)
  }
  package func endCapture(into ring: CaptureRing) { engine.endCapture(into: ring) }

  /// One step of each side that has something waiting. Answers whether there was anything.
  package func step() -> Bool {
    var hasWorked = engine.stepUnderlay(now: now).count > 0
    hasWorked = engine.stepSealed(now: now).count > 0 || hasWorked
    for segment in topology.segments.indices {
      hasWorked = engine.stepOverlay(segment: segment, now: now).count > 0 || hasWorked
    }
    return hasWorked
  }

  package func snapshot() -> CounterSnapshot { engine.snapshot() }

  /// All drops under one reason, in both directions.
  package func drops(_ reason: DropReason) -> UInt64 {
    let counters = snapshot()
    return counters.total(reason, .overlay) + counters.total(reason, .underlay)
  }

  /// Entries of a segment's table.
  package func entries(segment: Int = 0) -> [FDBEntry] {
    topology.withFDB(ofSegment: segment) { $0.entries() }
  }
}
