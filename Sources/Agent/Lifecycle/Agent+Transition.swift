import Dataplane
import Dispatch
import Forwarding
import LinuxIO
import Logging
import Sealing
import VXLAN

/// Taking over what was prepared. Nothing here can fail, unless another agent has everything by now: what a device
/// refuses is mended later, as what somebody did to it would be. All of it belongs to the main thread.
///
///     1  workers go by what stays; what leaves or is replaced is out of service
///     2  sessions of peers that leave end, and what was known of them and of the segments is forgotten
///     3  workers go by all that is wanted
///     4  devices, sessions and housekeeping follow
extension Agent {
  /// - Parameter keys: what key files say now; nil where it is what it was.
  /// - Throws: `.failed` where another agent has taken over meanwhile; what was prepared is given up then.
  func commit(_ transition: Transition, keys: KeyNews?) throws(AgentError) {
    // What is told of slots is told of those that are in them.
    nextEventLook = nil
    _ = followEvents()
    let isDone = access.withLock { _ -> Bool in
      guard !hasSuccessor else { return false }
      // Under the lock, so that none is lost that a command adds just now.
      let entries = entriesToKeep(transition)
      exchange(transition, keys: keys)
      setKept(entries)
      changeCount &+= 1
      return true
    }
    guard isDone else {
      undo(transition)
      throw Self.followed
    }
    settleHousekeeping(transition)
  }

  private func exchange(_ transition: Transition, keys: KeyNews?) {
    let now = Instant(nanoseconds: Clock.now())
    let old = generation
    var current = topology
    if let first = transition.firstTopology(after: current, now: now) {
      adopt(workers.map { _ in Worker.Adoption(of: first) })
      endSessions(transition, keys: keys)
      first.settle(after: current, now: now)
      awaitWorkers()
      current = first
    } else {
      endSessions(transition, keys: keys)
    }
    handOver(transition)
    let last = transition.lastTopology(after: current, now: now)
    for slot in transition.slots.peers.fresh {
      underlays[0].senders.setDestination(transition.plan.peers[slot].endpoint, ofPeer: slot)
    }
    adopt(workers.indices.map { transition.adoption(of: last, byWorker: $0, slots: Set(transition.devices.keys)) })
    last.settle(after: current, now: now)
    follow(transition, last, after: old)
  }

  private func adopt(_ adoptions: [Worker.Adoption]) {
    let answers = zip(workers, adoptions).map { worker, adoption in worker.adopt(adoption) }
    for answer in answers where answer.wait() != true {
      log.critical("a worker does not go on; changes wait for it")
    }
    awaitWorkers()
  }

  /// Returns when every worker has passed a boundary between two batches, with all that it was given before.
  private func awaitWorkers() {
    for worker in workers {
      while worker.ask({ _ in true }).wait() != true {
        log.error("a worker holds up a change", metadata: ["worker": "\(worker.number)"])
      }
    }
  }

  /// The devices of the new generation, and what those of the old one leave to them.
  private func follow(_ transition: Transition, _ last: Topology, after old: AgentGeneration) {
    var devices = old.devices.only(transition.slots.segments.kept)
    for (slot, device) in transition.devices { devices[slot] = device }
    generation = AgentGeneration(transition.wanted, last, transition.slots, devices: devices)
    for slot in transition.slots.peers.fresh { peerEvents.names.set(generation.name(ofPeer: slot), ofPeer: slot) }
    netlink.withLock { netlink in
      for slot in devices.indices { setUp(slot, after: old, &netlink) }
      let staying = Set(devices.map(ObjectIdentifier.init))
      for device in old.devices where !staying.contains(ObjectIdentifier(device)) {
        for heir in devices { heir.inherit(from: device) }
        formerTAPDropCount &+= device.kernelDropCount(&netlink)
        device.remove(&netlink)
      }
    }
    startSessions(transition)
  }

  /// Asks the kernel for what is another now; what it refuses is asked for again until it does not.
  private func setUp(_ slot: Int, after old: AgentGeneration, _ netlink: inout NetlinkSocket) {
    let (device, segment, plan) = (devices[slot], generation.segments[slot], topology.segments[slot])
    let isOther =
      device.segment.addresses != segment.addresses || device.segment.bridge != segment.bridge
      || device.mac != plan.ownMAC
    let isResized = old.segments.element(at: slot).map { $0.mtu != segment.mtu || $0.vlan != segment.vlan } ?? true
    do throws(Errno) {
      if isOther {
        try device.follow(segment, plan, &netlink)
        try device.restore(&netlink)
      } else {
        device.note(segment, plan)
      }
      if isResized { try device.follow(overlayMTU: plan.overlayMTU, &netlink) }
    } catch {
      brokenSegments.putBack(slot)
      throttledLog.log(
        .warning, class: "tap-not-changed", "TAP cannot be set up yet",
        metadata: ["vni": "\(segment.vni)", "error": "\(error)"])
    }
  }

  /// Devices that another segment takes over, or the same one anew, have nothing that was meant for the former.
  private func handOver(_ transition: Transition) {
    for (slot, device) in transition.devices where !transition.made.contains(slot) {
      for queue in device.tap.queues { queue.discardWaiting(countMax: Configuration.Limits.fdbLimitMax) }
      for (number, worker) in workers.enumerated() {
        do throws(Errno) {
          try worker.prepare(transition.adoption(of: topology, byWorker: number, slots: [slot]).withoutSealed)
        } catch {
          brokenSegments.putBack(slot)
        }
      }
    }
  }

  private func settleHousekeeping(_ transition: Transition) {
    let now = Instant(nanoseconds: Clock.now())
    ageing.follow(topology.segments.indices.map { ($0, topology.segments[$0].ageingTime) }, now: now)
    for slot in transition.slots.segments.vacated {
      floodWatch.forget(segment: slot)
      strayedSegments.remove(slot)
      tightSegments.withLock { _ = $0.remove(slot) }
    }
    for slot in transition.slots.peers.vacated {
      if !generation.peers.isOccupied(slot) { peerEvents.names.set(nil, ofPeer: slot) }
      routes[slot] = nil
      sealed?.places.forget(peer: slot)
    }
    routes.merge(Self.ways(transition.plan, to: transition.slots.peers.fresh)) { $1 }
    if !devices.contains(where: { $0.segment.bridge != nil }) {
      nextBridgeCheck = nil
    } else if nextBridgeCheck == nil {
      nextBridgeCheck = now
    }
    // What fits is looked at again at once.
    _ = pathNews.note()
  }

  /// What is known of the ways to peers that are new.
  static func ways(_ plan: AgentPlan, to slots: Set<Int>) -> [Int: PeerWay] {
    var ways: [Int: PeerWay] = [:]
    for slot in slots { ways[slot] = PeerWay(pathMTU: plan.peers[slot].pathMTU, route: nil, isRead: false) }
    return ways
  }
}

extension Worker.Adoption {
  /// Of what was prepared before.
  fileprivate var withoutSealed: Worker.Adoption {
    var adoption = self
    adoption.sealed = nil
    return adoption
  }
}

/// Sessions that come and go.
extension Agent {
  /// Keys of peers that leave are in no worker's way afterwards.
  private func endSessions(_ transition: Transition, keys: KeyNews?) {
    guard let sessions else { return }
    var change = SessionKeeper.Change()
    let vacated = transition.slots.peers.vacated
    change.removed = generation.sessionPeers.filter { vacated.contains($0.slot) }.map(\.publicKey)
    change.keys = keys
    let (old, new) = (configuration, transition.wanted)
    if transition.isOtherCipher { change.cipherChoice = new.cipherChoice }
    if new.local.pathMTURaise != old.local.pathMTURaise { change.pathRaiseInterval = new.local.pathMTURaise }
    if let key = keys?.privateKey {
      let mac = HandshakeMAC(to: key.publicKey)
      for worker in workers { worker.post { $0.follow(handshakeMAC: mac) } }
    }
    let done = sessions.follow(change)
    while done.wait(timeout: .now() + .seconds(2)) != .success {
      log.error("the thread of the sessions holds up a change")
    }
    awaitWorkers()
  }

  private func startSessions(_ transition: Transition) {
    var change = SessionKeeper.Change()
    if let fresh = transition.sealed, let started = transition.sessions {
      (sealed, sessions) = (fresh, started)
      sealing.withLock { $0 = transition.sealing }
      change.added = generation.sessionPeers
    } else {
      let fresh = transition.slots.peers.fresh
      change.added = generation.sessionPeers.filter { fresh.contains($0.slot) }
      if transition.isOtherCipher {
        let working = HostCiphers.probe().working
        sealing.withLock { $0?.follow(transition.wanted.cipherChoice, available: working) }
      }
    }
    guard !change.added.isEmpty else { return }
    for peer in change.added {
      change.routes[peer.slot] = PeerRoute(pathMTU: transition.plan.peers[peer.slot].pathMTU, isOther: false)
    }
    _ = sessions?.follow(change)
  }
}

/// Entries that were set by hand, of segments and peers that are replaced.
extension Agent {
  private typealias Kept = (vni: VNI, mac: MACAddress, peer: String)

  private func entriesToKeep(_ transition: Transition) -> [(vni: VNI, mac: MACAddress, peer: String)] {
    let (segments, peers) = (transition.difference.replacedSegments, transition.difference.replacedPeers)
    guard !segments.isEmpty || !peers.isEmpty else { return [] }
    var kept: [Kept] = []
    for slot in topology.segments.indices {
      let vni = topology.segments[slot].vni
      for entry in entriesSetByHand(slot) {
        guard let name = entry.remote.peerSlot.flatMap({ generation.name(ofPeer: $0) }) else { continue }
        if segments.contains(vni) || peers.contains(name) { kept.append((vni, entry.mac, name)) }
      }
    }
    return kept
  }

  /// Page by page, so that a large table costs little.
  private func entriesSetByHand(_ slot: Int) -> [FDBEntry] {
    var (found, last) = ([FDBEntry](), MACAddress?.none)
    while true {
      let page = topology.withFDB(ofSegment: slot) {
        $0.entries(after: last, countMax: ControlLimits.pageEntryCountMax)
      }
      found += page.filter { $0.origin == .command }
      last = page.last?.mac
      guard page.count == ControlLimits.pageEntryCountMax else { return found }
    }
  }

  private func setKept(_ entries: [(vni: VNI, mac: MACAddress, peer: String)]) {
    let now = Instant(nanoseconds: Clock.now()).seconds
    for entry in entries {
      guard let slot = generation.slot(of: entry.vni), let peer = generation.slot(ofPeer: entry.peer),
        topology.segments[slot].peers.contains(peer), topology.segments[slot].ownMAC != entry.mac
      else { continue }
      topology.withFDB(ofSegment: slot) {
        _ = $0.set(entry.mac, at: .peer(peer), by: .command, now: now, replacing: false)
      }
    }
  }
}
