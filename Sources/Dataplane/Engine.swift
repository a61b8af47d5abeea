import Forwarding
import LinuxIO
import VXLAN

/// The data path of one worker: what turns frames into datagrams and datagrams into frames.
///
/// It makes no system call and reads no clock itself: frames and datagrams go through its ports, time comes as an
/// argument. So the same code runs on TAPs and sockets and under the simulation. Encapsulation.swift and
/// Decapsulation.swift tell its two ways from end to end.
///
/// *Threads.* One, the worker's.
package struct Engine: ~Copyable {
  /// What one step did.
  package struct Step: Equatable, Sendable {
    /// Frames or datagrams that were taken from the port.
    package var count = 0
    /// The `errno` of a port that is broken; 0 while it works.
    package var failure: Int32 = 0
  }

  let topology: Topology
  let framePorts: [any FramePort]
  let datagramPort: any DatagramPort
  /// Sending sockets that flows are spread over.
  let sourcePortCount: Int
  let flowKey: KeyedHash

  var counters: Counters
  var frames = FrameBatch()
  var received = DatagramBatch()
  var outgoing = OutgoingDatagrams()
  var deliveries = OutgoingFrames(capacity: LinuxIO.Limits.datagramsPerBatch)
  /// Of the flooded frame whose copies are being settled: whether one went out, and why the last one did not.
  var floodHasSucceeded = false
  var floodFailure: Int32 = 0

  /// - Parameters:
  ///   - framePorts: by segment slot.
  ///   - sourcePortCount: of `datagramPort`, at least 1.
  ///   - flowKey: secret; the same for all workers of an agent, so that a flow keeps its port.
  package init(
    topology: Topology, framePorts: [any FramePort], datagramPort: any DatagramPort, sourcePortCount: Int,
    flowKey: KeyedHash
  ) {
    precondition(framePorts.count == topology.segments.count && sourcePortCount > 0)
    self.topology = topology
    self.framePorts = framePorts
    self.datagramPort = datagramPort
    self.sourcePortCount = sourcePortCount
    self.flowKey = flowKey
    self.counters = Counters(segmentCount: topology.segments.count, peerCount: topology.peers.count)
  }

  /// Takes one batch of frames from the TAP of the segment in `slot` and sends it to the peers.
  package mutating func stepOverlay(segment slot: Int, now: Instant) -> Step {
    frames.clear()
    let failure = framePorts[slot].receive(into: &frames)
    if frames.count > 0 { encapsulate(segment: slot, now: now) }
    return Step(count: frames.count, failure: failure)
  }

  /// Takes one batch of datagrams from the underlay and delivers it to the TAPs.
  package mutating func stepUnderlay(now: Instant) -> Step {
    let failure = datagramPort.receive(into: &received)
    if received.count > 0 { decapsulate(now: now) }
    return Step(count: received.count, failure: failure)
  }

  /// The counters as they stand. Between two steps only, like everything here.
  package borrowing func snapshot() -> CounterSnapshot {
    counters.snapshot()
  }
}
