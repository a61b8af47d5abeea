import Forwarding
import LinuxIO
import VXLAN

/// The data path of one worker: what turns frames into datagrams and datagrams into frames.
///
/// It makes no system call and reads no clock itself: frames and datagrams go through its ports, time comes as an
/// argument. So the same code runs on TAPs and sockets and under the simulation. Encapsulation.swift and
/// Decapsulation.swift tell its two ways from end to end, SealedEncapsulation.swift and SealedDecapsulation.swift what
/// sealed segments add.
///
/// *Threads.* One, the worker's.
package struct Engine: ~Copyable {
  /// What one step did.
  package struct Step: Equatable, Sendable {
    /// Frames or datagrams that were taken from the port.
    package var count = 0
    /// Their bytes.
    package var byteCount = 0
    /// The `errno` of a port that is broken; 0 while it works.
    package var failure: Int32 = 0
    /// The kernel refused a datagram as too large for the way to its peer (EMSGSIZE).
    package var isPathInDoubt = false
    /// What sealed datagrams cost that no key had made, in bytes of frames that take as long.
    package var forgedCost = 0
    /// A frame was above the rate of its segment, the first since the last look; or somebody is to be asked about
    /// groups.
    package var hasFloodNews = false
  }

  /// A VXLAN header and the segment that it names.
  struct LastHeader {
    /// The 8 bytes as they lie.
    var bytes: UInt64 = 0
    /// At the beginning a peer that nobody is: -1 is every stranger, and what a stranger sends may be all zero.
    var peer = Int.min
    var segment = -1
  }

  /// A source address that the table knows, as of one second, while no entry of it changes.
  struct LastLearned {
    var mac = MACAddress.zero
    var remote = Remote.local
    var segment = -1
    var second: UInt32 = 0
    /// `FDB.changeCount` before it was looked up.
    var changeCount: UInt64 = 0
  }

  /// The generation in use.
  var topology: Topology
  /// The topology's, whichever generation.
  let floods: FloodControl.Parts
  var framePorts: [any FramePort]
  var plain: PlainSide
  /// Nil where no segment is sealed; of it, what every batch needs, follows.
  var sealed: SealedSide?
  var sealedPort: any DatagramPort
  var keyring: Keyring
  var lane: Int
  /// Sending sockets that flows are spread over.
  let sourcePortCount: Int
  let flowKey: KeyedHash

  var counters: Counters
  var batches = BatchCounters()
  var drops: DropSampling
  var captures = Captures()
  var frames: FrameBatch
  var received: DatagramBatch
  var outgoing: OutgoingRuns
  /// Runs of flooded frames, one for each peer; their bytes are those of `outgoing`.
  var copies: OutgoingRuns
  var deliveries = OutgoingFrames(capacity: LinuxIO.Limits.deliveryCountMax)
  var coalescing = Coalescing()
  /// By segment slot, what its TAP takes as superframes.
  var offloads: [MergeableTraffic]
  /// What the last datagram and the last frame were found to be: consecutive ones are mostly of one flow, and one
  /// comparison then stands for three look-ups.
  var lastHeader = LastHeader()
  var lastLearned = LastLearned()
  var lastDestination = LastDestination()
  /// The last station that came from a peer to behind a TAP, and in which second.
  var lastComer = (mac: MACAddress(rawValue: 0), second: UInt32(0))
  /// Of the segment whose batch is under way: groups with listeners. Nil: every group is flooded.
  var groups: MulticastSnapshot?
  /// The last frame that was taken may come back, so each that continues it is looked at by itself.
  var isLastRemembered = false
  /// The thread that tells of floods is to be woken.
  var hasFloodNews = false
  /// Of the flooded frames whose copies are being settled: how many went out, and why others did not.
  var floodSentCount = 0
  var floodFailure: Int32 = 0
  var neighborAnswer = NeighborAnswer()
  /// Frames of sealed segments without a session.
  var waiting: WaitingFrames
  var scratch: SealedScratch
  var lastSealedPrefix = LastSealedPrefix()
  var leakCheck = LeakCheck()
  /// No unknown session of a peer's address is told of before, and none of any other, in nanoseconds.
  var nextUnknownNote: UInt64 = 0
  var nextStrangerNote: UInt64 = 0
  /// Of the sealed datagrams of this step that failed authentication.
  var forgedCost = 0
  /// When the batch began that is under way.
  var batchTime = Instant(nanoseconds: 0)
  /// A send was answered with EMSGSIZE since it was last asked.
  var isPathInDoubt = false

  /// - Parameters:
  ///   - framePorts: by segment slot.
  ///   - sourcePortCount: of `datagramPort`, at least 1.
  ///   - sealed: nil where no segment is sealed.
  ///   - flowKey: secret; the same for all workers of an agent, so that a flow keeps its port.
  package init(
    topology: Topology, framePorts: [any FramePort], datagramPort: any DatagramPort, sourcePortCount: Int,
    flowKey: KeyedHash, sealed: SealedSide? = nil
  ) {
    precondition(framePorts.count == topology.segments.endIndex && sourcePortCount > 0)
    precondition(sealed != nil || !topology.segments.contains { $0.isSealed })
    self.sealed = sealed
    sealedPort = sealed?.port ?? ClosedPort()
    keyring = sealed?.keyring ?? Keyring(peerCount: 0, gracePeriod: topology.gracePeriod)
    lane = Int(sealed?.lane ?? 0)
    waiting = WaitingFrames(budget: sealed?.waiting ?? WaitingBudget(peerCount: 0))
    scratch = SealedScratch()
    self.topology = topology
    floods = topology.flooding.parts
    self.framePorts = framePorts
    plain = PlainSide(datagramPort, topology)
    self.sourcePortCount = sourcePortCount
    self.flowKey = flowKey
    let memory = BatchMemory(
      pieces: [
        FrameBatch.memoryByteCount, OutgoingRuns.memoryByteCount, DatagramBatch.memoryByteCount,
        OutgoingRuns.memoryByteCount,
      ], wantsHugePages: true)
    frames = FrameBatch(in: memory)
    outgoing = OutgoingRuns(in: memory)
    received = DatagramBatch(in: memory)
    copies = OutgoingRuns(in: memory)
    self.offloads = framePorts.map(\.mergeable)
    drops = DropSampling(workerCount: topology.gracePeriod.readerCount)
    self.counters = Counters(segmentCount: topology.segments.endIndex, peerCount: topology.peers.endIndex)
  }

  /// Takes one batch of frames from the TAP of the segment in `slot` and sends it to the peers.
  package mutating func stepOverlay(segment slot: Int, now: Instant) -> Step {
    frames.clear()
    let failure = framePorts[slot].receive(into: &frames)
    batches.tapReads &+= UInt64(frames.count)
    batchTime = now
    beginDrops()
    if captures.isOn { captureFrames(segment: slot) }
    if frames.count > 0 { encapsulate(segment: slot, now: now) }
    endDrops()
    return Step(
      count: frames.count, byteCount: frames.byteCount, failure: failure, isPathInDoubt: takePathDoubt(),
      hasFloodNews: takeFloodNews())
  }

  /// Whether a datagram was too large for the way to its peer since this was last asked.
  mutating func takePathDoubt() -> Bool {
    defer { isPathInDoubt = false }
    return isPathInDoubt
  }

  /// Takes one batch of datagrams from the underlay and delivers it to the TAPs.
  package mutating func stepUnderlay(now: Instant) -> Step {
    let failure = plain.receive(into: &received)
    batches.receives &+= UInt64(received.count)
    batchTime = now
    beginDrops()
    if captures.isOn { captureReceived(isSealed: false) }
    if received.count > 0 { decapsulate(now: now) }
    endDrops()
    return Step(
      count: received.count, byteCount: received.byteCount, failure: failure, hasFloodNews: takeFloodNews())
  }

  /// The counters as they stand. Between two steps only, like everything here.
  package borrowing func snapshot() -> CounterSnapshot {
    var snapshot = counters.snapshot()
    snapshot.batches = batches
    return snapshot
  }
}
