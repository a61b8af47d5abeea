import Forwarding
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing
import VXLAN

@testable import Dataplane

/// Threads that carry frames while the generations change under them.
@Suite("Workers and generations")
struct WorkerAdoptionTests {
  private static let workerCount = 2

  /// Datagrams of peers as fast as a worker takes them, each in turn from one of `peerCount` addresses; what is sent is
  /// counted.
  private final class EndlessUnderlay: DatagramPort, @unchecked Sendable {
    let ends: (readEnd: Int32, writeEnd: Int32)
    let isEnding = Atomic<Bool>(false)
    private let peerCount: Int
    private var number = 0
    /// By slot of the peer; the worker's own.
    private(set) var sentCount: [Int: Int] = [:]
    private(set) var receivedCount = 0

    /// - Parameter isQuiet: nothing ever comes.
    init(peerCount: Int, isQuiet: Bool) {
      self.peerCount = peerCount
      ends = makePipe()
      var byte: UInt8 = 0
      // It is readable for ever.
      if !isQuiet { precondition(write(ends.writeEnd, &byte, 1) == 1) }
    }

    deinit {
      _ = close(ends.readEnd)
      _ = close(ends.writeEnd)
    }

    func receive(into batch: inout DatagramBatch) -> Int32 {
      batch.clear()
      guard !isEnding.load(ordering: .relaxed) else { return 0 }
      while batch.hasRoom {
        number += 1
        let (peer, segment) = (number % peerCount, number / peerCount % WorkerAdoptionTests.segmentCount)
        let frame = Frames.ethernet(
          to: .broadcast, from: .station(1000 + number % 64 * peerCount + peer),
          payload: [UInt8](repeating: 0, count: 46))
        batch.append(
          Frames.vxlan(vni: WorkerAdoptionTests.vni(segment), frame), from: peerAddress(peer))
        receivedCount += 1
      }
      return 0
    }

    func send(_ runs: inout OutgoingRuns) {
      for index in 0..<runs.count {
        sentCount[runs[index].key.peer, default: 0] += runs[index].datagramCount
        runs.setResult(sentCount: runs[index].datagramCount, failure: 0, at: index)
      }
    }
  }

  private static let segmentCount = 4
  private static let peerCount = 6
  private static func vni(_ segment: Int) -> UInt32 { 42 + UInt32(segment) }

  private static func segment(_ number: Int, peers: [Int]) -> SegmentPlan {
    var plan = SegmentPlan(vni: VNI(unchecked: vni(number)), overlayMTU: 1450, ownMAC: .station(1))
    plan.peers = peers
    return plan
  }

  /// Workers of one overlay, which begins with segment 0 and peer 0 in their slots.
  private final class Overlay {
    let underlays: [EndlessUnderlay]
    let taps: [[PipePort]]
    let workers: [Worker]
    var topology: Topology
    /// By slot, the number of the segment or peer.
    var segments = Slots([0])
    var peers = Slots([0])

    init(isQuiet: Bool = false) throws {
      underlays = (0..<workerCount).map { _ in EndlessUnderlay(peerCount: peerCount, isQuiet: isQuiet) }
      taps = (0..<workerCount).map { _ in (0..<segmentCount).map { _ in PipePort() } }
      let topology = Topology(
        segments: [segment(0, peers: [0])],
        peers: [PeerPlan(endpoint: Endpoint(address: peerAddress(0), udpPort: 4789))],
        hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0), workerCount: workerCount)
      self.topology = topology
      var workers: [Worker] = []
      for number in 0..<workerCount {
        let engine = Engine(
          topology: topology, framePorts: [taps[number][0]], datagramPort: underlays[number], sourcePortCount: 1,
          flowKey: KeyedHash(key0: 3, key1: 4))
        workers.append(
          try Worker(
            number: number, engine: engine, tapDescriptors: [taps[number][0].readEnd],
            underlayDescriptor: underlays[number].ends.readEnd, onFailure: { _ in }))
      }
      self.workers = workers
    }

    /// Everybody goes by these segments and peers, 0 among both, with every peer on every segment.
    func change(segments wantedSegments: [Int], peers wantedPeers: [Int]) throws {
      let segmentSlots = try #require(
        SlotPlan(
          inUse: segments, wanted: wantedSegments, busy: topology.state.busySegmentSlots(),
          slotCount: Limits.segmentSlotCount))
      let peerSlots = try #require(
        SlotPlan(
          inUse: peers, wanted: wantedPeers, busy: topology.state.busyPeerSlots(),
          slotCount: Forwarding.Limits.peerSlotCount))
      var plans = (segments: Slots<SegmentPlan>(), peers: Slots<PeerPlan>())
      (segments, peers) = (Slots(), Slots())
      for (peer, slot) in peerSlots.slots {
        peers[slot] = peer
        plans.peers[slot] = PeerPlan(endpoint: Endpoint(address: peerAddress(peer), udpPort: 4789))
      }
      for (number, slot) in segmentSlots.slots {
        segments[slot] = number
        plans.segments[slot] = segment(number, peers: number == 0 ? [0] : peerSlots.slots.values.sorted())
      }
      let now = Instant(nanoseconds: Clock.now())
      let next = topology.successor(segments: plans.segments, peers: plans.peers, now: now)
      let answers = try workers.map { worker in
        var adoption = Worker.Adoption(of: next)
        for slot in segmentSlots.fresh {
          let tap = taps[worker.number][segments[slot]]
          adoption.added[slot] = Worker.Queue(tap, descriptor: tap.readEnd)
        }
        try worker.prepare(adoption)
        return worker.adopt(adoption)
      }
      for answer in answers { #expect(answer.wait() == true) }
      next.settle(after: topology, now: now)
      topology = next
    }
  }

  @Test("two threads at full rate and hundreds of changes: every sum is exact, and a flow that stays loses nothing")
  func fullRate() throws {
    var generator = SeededGenerator(seed: TestSeed.next("generations under threads"))
    let overlay = try Overlay()
    for worker in overlay.workers { try worker.start() }
    let changeCount = TestSeed.count("VTEP_CHANGES", standard: 300)
    for _ in 0..<changeCount {
      let segments = [0] + (1..<Self.segmentCount).filter { _ in generator.isOne(in: 2) }
      let peers = [0] + (1..<Self.peerCount).filter { _ in generator.isOne(in: 2) }
      for taps in overlay.taps { for tap in taps { tap.offer(3) } }
      try overlay.change(segments: segments, peers: peers)
      for slot in overlay.topology.segments.indices {
        let entries = overlay.topology.withFDB(ofSegment: slot) { $0.entries() }
        let isRight = entries.allSatisfy { entry in
          entry.remote.peerSlot.map { overlay.topology.isPermitted(peer: $0, segment: slot) } ?? true
        }
        #expect(isRight)
      }
    }
    for underlay in overlay.underlays { underlay.isEnding.store(true, ordering: .relaxed) }
    for worker in overlay.workers { worker.stop() }
    let snapshots = try overlay.workers.map { worker in
      let answer = worker.ask { $0.snapshot() }
      // What was asked after the end is done then.
      worker.stop()
      return try #require(answer.wait())
    }
    let counters = snapshots[0] + snapshots[1]
    for direction in Direction.allCases { #expect(counters.imbalance(direction) == 0) }
    let received = overlay.underlays.reduce(0) { $0 + $1.receivedCount }
    #expect(Int(counters.total(.framesIn, .underlay)) == received)
    // Of the flow from peer 0 to segment 0, and from there to it, every frame went on.
    #expect(counters.value(.framesIn, .overlay, segment: 0) == counters.value(.framesOut, .overlay, segment: 0))
    #expect(counters.value(.framesIn, .overlay, segment: 0) >= UInt64(changeCount))
    let ofPeer = received / (Self.peerCount * Self.segmentCount)
    #expect(abs(Int(counters.value(.framesOut, .underlay, segment: 0)) - ofPeer) <= 2 * Self.workerCount)
    print("generations under threads: \(received) datagrams, \(changeCount) changes")
  }

  @Test("a TAP that is prepared in a hole and not adopted keeps no worker awake, and no frame of others waits for it")
  func hole() throws {
    let overlay = try Overlay(isQuiet: true)
    for worker in overlay.workers { try worker.start() }
    defer { for worker in overlay.workers { worker.stop() } }
    try overlay.change(segments: [0, 1, 2], peers: [0])
    try overlay.change(segments: [0, 2], peers: [0])
    try #require(overlay.topology.segments.endIndex == 3 && !overlay.topology.segments.isOccupied(1))
    // Each has something at every look of the poller, and nobody reads it.
    let prepared = overlay.workers.map { _ in PipePort() }
    let adoptions = prepared.map { tap in
      tap.offer(3)
      var adoption = Worker.Adoption(of: overlay.topology)
      adoption.added[1] = Worker.Queue(tap, descriptor: tap.readEnd)
      return adoption
    }
    for (worker, adoption) in zip(overlay.workers, adoptions) { try worker.prepare(adoption) }
    for taps in overlay.taps { taps[0].offer(3) }
    // The hole is behind the last segment now.
    try overlay.change(segments: [0], peers: [0])
    #expect(overlay.topology.segments.endIndex == 1)
    for taps in overlay.taps { taps[0].offer(3) }
    for (worker, adoption) in zip(overlay.workers, adoptions) {
      worker.cancel(adoption)
      // Asleep may also be who has not yet heard of them.
      let hasRead = eventually(within: .seconds(5)) {
        worker.ask { $0.snapshot() }.wait()?.value(.framesIn, .overlay, segment: 0) == 6
      }
      #expect(hasRead)
      #expect(
        eventually(within: .seconds(5)) { worker.progress.isAsleep }, "it is not kept awake by what it does not look at"
      )
      let counted = try #require(worker.ask { $0.snapshot() }.wait())
      #expect(counted.value(.framesIn, .overlay, segment: 0) == 6 && counted.imbalance(.overlay) == 0)
    }
  }

  @Test("what was prepared and given up is not waited for")
  func cancelled() throws {
    let overlay = try Overlay()
    let tap = overlay.taps[0][1]
    var adoption = Worker.Adoption(of: overlay.topology)
    adoption.added[1] = Worker.Queue(tap, descriptor: tap.readEnd)
    try overlay.workers[0].prepare(adoption)
    // A second registration of the same descriptor is refused, and undoes what was prepared with it.
    #expect(throws: Errno.self) { try overlay.workers[0].prepare(adoption) }
    try overlay.workers[0].prepare(adoption)
    overlay.workers[0].cancel(adoption)
    try overlay.workers[0].prepare(adoption)
  }
}
