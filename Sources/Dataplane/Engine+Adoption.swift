import Forwarding
import LinuxIO
import VXLAN

// COLD: between two batches, when segments or peers have changed.
extension Engine {
  /// Goes by another generation from now on. What is under way of segments and peers that have left ends: frames that
  /// wait are dropped, and their counters go to where those of no segment are.
  /// - Parameters:
  ///   - next: of the same state.
  ///   - added: by slot, the port of each segment that is new.
  ///   - sealed: where there was none before.
  package mutating func adopt(
    _ next: Topology, framePorts added: [Int: any FramePort] = [:], sealed side: SealedSide? = nil
  ) {
    let old = topology
    precondition(next.state === old.state, "the generations of one overlay share its state")
    if let side { open(side) }
    precondition(sealed != nil || !next.segments.contains { $0.isSealed })
    // Whoever has a slot in both has it throughout: a slot is vacant for a generation before another gets it.
    let lost = waiting.take { frame in
      ![old, next].allSatisfy { $0.isPermitted(peer: frame.key.peer, segment: frame.key.segment) }
    }
    for frame in lost { endWaiting(frame) }
    captures.publish()
    counters.follow(next, after: old)
    follow(next, after: old, added)
    topology = next
    plain.follow(next)
    lastHeader = LastHeader()
    lastLearned = LastLearned()
    lastDestination = LastDestination()
    lastSealedPrefix = LastSealedPrefix()
  }

  private mutating func open(_ side: SealedSide) {
    precondition(sealed == nil && waiting.count == 0, "an engine gets one sealed side")
    sealed = side
    sealedPort = side.port
    keyring = side.keyring
    lane = Int(side.lane)
    waiting = WaitingFrames(budget: side.waiting)
  }

  private mutating func follow(_ next: Topology, after old: Topology, _ added: [Int: any FramePort]) {
    framePorts = (0..<next.segments.endIndex).map { slot in
      guard next.segments.isOccupied(slot) else { return ClosedFramePort.shared }
      if old.segments.isOccupied(slot) { return framePorts[slot] }
      guard let port = added[slot] else { preconditionFailure("slot \(slot) has a segment without a port") }
      return port
    }
    offloads = framePorts.map(\.mergeable)
  }
}
