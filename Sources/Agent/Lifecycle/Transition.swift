import Dataplane
import Forwarding
import LinuxIO
import Sealing
import VXLAN

/// All that a change of the configuration needs, made before anything of it is in use: so that taking it over cannot
/// fail, and giving it up leaves no trace.
///
/// *Threads.* The main thread.
struct Transition {
  let wanted: Configuration
  let difference: ConfigurationDifference
  let slots: AgentSlots
  let plan: AgentPlan
  /// Of segments that are in their slots anew.
  var devices: [Int: OverlayDevice] = [:]
  /// Those of `devices` that did not exist.
  var made: Set<Int> = []
  /// The sealed side, where there was none.
  var sealed: SealedParts?
  /// Of `sealed`, without peers.
  var sessions: SessionService?
  var sealing: SealingReport?
  /// Whether sessions are agreed on anew for another cipher.
  let isOtherCipher: Bool

  /// What the workers go by first: nothing of what leaves or is replaced.
  func firstTopology(after old: Topology, now: Instant) -> Topology? {
    guard !slots.segments.vacated.isEmpty || !slots.peers.vacated.isEmpty else { return nil }
    let peers = plan.peers.only(slots.peers.kept)
    var segments = plan.segments.only(slots.segments.kept)
    for slot in segments.indices {
      segments[slot].peers.removeAll { !peers.isOccupied($0) }
      segments[slot].staticEntries.removeAll { !peers.isOccupied($0.peer) }
    }
    return old.successor(segments: segments, peers: peers, now: now)
  }

  /// What they go by in the end.
  func lastTopology(after old: Topology, now: Instant) -> Topology {
    old.successor(segments: plan.segments, peers: plan.peers, now: now)
  }

  /// What worker `number` gets in the end, but for what it has already.
  func adoption(of topology: Topology, byWorker number: Int, slots: Set<Int>) -> Worker.Adoption {
    var adoption = Worker.Adoption(of: topology)
    for (slot, device) in devices where slots.contains(slot) {
      let queue = device.tap.queues[number]
      adoption.added[slot] = Worker.Queue(queue, descriptor: queue.pollDescriptor)
    }
    if let sealed {
      adoption.sealed = Worker.Queue(
        sealed.side(ofWorker: number), descriptor: sealed.underlays[number].pollDescriptor)
    }
    return adoption
  }
}

/// Preparing. Nothing is in use yet.
extension Agent {
  /// - Throws: `.refused` for what the configuration asks in vain, `.failed` for what the system refuses. Nothing has
  ///   changed then.
  func prepare(_ wanted: Configuration, _ secrets: LocalSecrets?) throws(AgentError) -> Transition {
    guard !hasSuccessor else { throw Self.followed }
    let difference = ConfigurationDifference(from: configuration, to: wanted)
    let slots = AgentSlots(
      after: generation, for: wanted, replacingSegments: difference.replacedSegments, peers: difference.replacedPeers)
    guard let slots else { throw AgentError(.failed, "too many segments or peers would change at once; ask again") }
    let localEnd = try localEnd(for: wanted, secrets)
    var transition = try netlink.withLock { netlink throws(AgentError) in
      var transition = Transition(
        wanted: wanted, difference: difference, slots: slots,
        plan: try AgentPlan(wanted, slots: slots, judging: difference.resizedSegments, netlink: &netlink),
        isOtherCipher: wanted.cipherChoice != configuration.cipherChoice)
      try makeDevices(&transition, &netlink)
      return transition
    }
    do throws(AgentError) {
      transition.sealed = try Self.openSealed(
        localEnd, wanted, beside: underlays, topology: topology, keyLog: keyLog, log: log)
      if transition.sealed != nil { transition.sealing = localEnd.map { SealingReport($0, wanted) } }
      transition.sessions = try Self.startSessions(
        transition.sealed, wanted, peers: [], workers: workers, topology: topology, doubtRoutes: noteNews,
        events: peerEvents, log: log, throttledLog: throttledLog)
      // Without sessions nobody would agree on a key: the port is not held for that.
      if transition.sessions == nil { (transition.sealed, transition.sealing) = (nil, nil) }
      try prepareWorkers(transition)
    } catch {
      undo(transition)
      throw error
    }
    return transition
  }

  /// Why nothing is changed any more.
  static var followed: AgentError { AgentError(.failed, "another agent has taken over; ask again, and it answers") }

  /// Gives up what was prepared.
  func undo(_ transition: Transition) {
    transition.sessions?.stop()
    netlink.withLock { netlink in
      for slot in transition.made { transition.devices[slot]?.remove(&netlink) }
    }
  }

  /// The own end of sessions, where there is none and some are to be had.
  private func localEnd(for wanted: Configuration, _ secrets: LocalSecrets?) throws(AgentError) -> LocalEnd? {
    guard sealed == nil else {
      try SealingStart.judgeChange(from: configuration, to: wanted, ciphers: .probe())
      return nil
    }
    return try SealingStart.unlessNeeded(by: wanted, log) { () throws(AgentError) in
      try SealingStart.localEnd(for: wanted, secrets: secrets, keyLife: keyLife, ciphers: .probe())
    }
  }

  /// A TAP that a segment gives up goes to the one that wants it.
  private func makeDevices(_ transition: inout Transition, _ netlink: inout NetlinkSocket) throws(AgentError) {
    let leaving = transition.slots.segments.vacated.map { ($0, devices[$0].segment.tap) }
    let slotByTAP = Dictionary(leaving.map { ($1, $0) }) { first, _ in first }
    for segment in transition.wanted.segments {
      guard let slot = transition.slots.segments.slots[segment.vni], transition.slots.segments.fresh.contains(slot)
      else { continue }
      if let former = slotByTAP[segment.tap] {
        transition.devices[slot] = devices[former]
        continue
      }
      do throws(AgentError) {
        transition.devices[slot] = try OverlayDevice(
          segment, transition.plan.segments[slot], usesOffloads: transition.wanted.local.offload == .auto,
          steering: steering, netlink: &netlink)
        transition.made.insert(slot)
      } catch {
        for slot in transition.made { transition.devices[slot]?.remove(&netlink) }
        throw error
      }
    }
  }

  /// Each worker's poller gets to know what is new.
  private func prepareWorkers(_ transition: Transition) throws(AgentError) {
    for (index, worker) in workers.enumerated() {
      do throws(Errno) {
        try worker.prepare(transition.adoption(of: topology, byWorker: index, slots: transition.made))
      } catch {
        for (number, worker) in workers[..<index].enumerated() {
          worker.cancel(transition.adoption(of: topology, byWorker: number, slots: transition.made))
        }
        throw .failed("preparing the workers", error)
      }
    }
  }
}
