import Dataplane
import Forwarding
import LinuxIO
import Logging
import Sealing
import VXLAN

/// What another agent has left to this one.
struct Inheritance {
  let state: CarriedState
  let takenEntryCount: Int
  /// Of peers and segments that are not configured here, and such that no frame could have taught.
  let leftEntryCount: Int
}

/// Going on from where another agent was. On the main thread, before `init` returns.
extension Agent {
  /// Takes over from an agent that runs: what it has learned goes into the tables. Nil without one.
  static func succeed(
    _ predecessor: Predecessor, _ configuration: Configuration, _ topology: Topology, _ devices: [OverlayDevice],
    _ log: Logger
  ) throws(AgentError) -> Inheritance? {
    guard predecessor.isRunning else {
      if !predecessor.names.isEmpty { discardWhatMayBeSealed(devices) }
      return nil
    }
    var heir: TableHeir?
    let state = try predecessor.takeOver { state, entries in
      let known = heir ?? TableHeir(configuration, topology, of: state)
      heir = known
      for entry in entries { heir?.take(entry) }
    }
    guard let state else {
      discardWhatMayBeSealed(devices)
      log.notice("the agent before has ended by itself: its tables and counters went with it")
      return nil
    }
    let sealed = Set(state.segments.filter(\.isSealed).map(\.vni))
    discardWhatMayBeSealed(devices.filter { sealed.contains($0.segment.vni.rawValue) })
    let heirs = heir ?? TableHeir(configuration, topology, of: state)
    heirs.takeHistories()
    return Inheritance(state: state, takenEntryCount: heirs.takenCount, leftEntryCount: heirs.leftCount)
  }

  /// Throws away what waits in the TAPs of plain segments that were sealed, or may have been: it was not meant to leave
  /// in clear. While nobody reads.
  private static func discardWhatMayBeSealed(_ devices: [OverlayDevice]) {
    for device in devices where !device.segment.sealed {
      for queue in device.tap.queues { queue.discardWaiting(countMax: Configuration.Limits.fdbLimitMax) }
    }
  }

  /// Counters go on from where they were, and devices become what this configuration says.
  func settle(_ inheritance: Inheritance?, of predecessor: Predecessor) {
    let carried = inheritance?.state
    if let inheritance, let pause = predecessor.pause {
      carry(inheritance.state)
      log.notice(
        "taken over",
        metadata: [
          "entries": "\(inheritance.takenEntryCount)", "left": "\(inheritance.leftEntryCount)",
          "pause-ms": "\(Double(pause.nanosecondCount / 10_000) / 100)",
        ])
      tellLeft(inheritance.state)
    }
    netlink.withLock { netlink in
      for (slot, device) in carriedDevices where !device.isSettled { settle(device, slot: slot, carried, &netlink) }
      removeBridges(of: carried, &netlink)
    }
    predecessor.closeRest(log)
  }

  /// What the other had and this configuration has not, which may have been added at run time.
  private func tellLeft(_ state: CarriedState) {
    let peers = state.peers.map(\.name).filter { generation.slot(ofPeer: $0) == nil }
    let vnis = state.segments.filter { segment in !configuration.segments.contains { $0.vni.rawValue == segment.vni } }
    guard !(peers.isEmpty && vnis.isEmpty) else { return }
    log.notice(
      "not taken over: what this configuration does not have",
      metadata: [
        "peers": "\(peers.prefix(20).joined(separator: ","))", "peer-count": "\(peers.count)",
        "vnis": "\(vnis.prefix(20).map { String($0.vni) }.joined(separator: ","))", "segment-count": "\(vnis.count)",
      ])
  }

  private func settle(
    _ device: OverlayDevice, slot: Int, _ carried: CarriedState?, _ netlink: inout NetlinkSocket
  ) {
    let before = carried?.segments.first { $0.tap == device.segment.tap }
    do throws(Errno) {
      try device.settle(after: before, &netlink)
    } catch {
      // Its name may be in use until the other has ended.
      log.info(
        "a TAP is made as soon as the agent before has let go of it",
        metadata: ["vni": "\(device.segment.vni)", "reason": "\(error)"])
      brokenSegments.putBack(slot)
    }
  }

  /// Bridges that the other had created and nobody has a use for.
  private func removeBridges(of carried: CarriedState?, _ netlink: inout NetlinkSocket) {
    let used = Set(carriedDevices.compactMap { $0.device.segment.bridge })
    let left = Set((carried?.segments ?? []).filter(\.ownsBridge).compactMap(\.bridge)).subtracting(used)
    for name in left {
      guard let link = try? netlink.link(named: name), link.kind == "bridge" else { continue }
      // Somebody else may have removed it.
      try? netlink.deleteLink(index: link.index)
    }
  }

  private func carry(_ state: CarriedState) {
    let places = CarriedPlaces(state, carriedDevices.map { ($0.slot, $0.device.segment) }, carriedPeers)
    for (number, counted) in state.workers.enumerated() {
      workers[number % workers.count].post { engine in places.carry(counted, into: &engine) }
    }
    if let counts = state.handshakes {
      // Where there is no sealed port any more they are those of frames of no segment.
      sealed?.counters.carry(consumed: counts.consumed, refused: counts.refused, bytes: counts.bytes)
    }
  }
}

/// Where what was counted belongs now. A value that workers use.
struct CarriedPlaces: Sendable {
  /// By place in the state; nil: there is no such segment, or peer, any more.
  private let segments: [Int?]
  private let peers: [Int?]

  init(
    _ state: CarriedState, _ segments: [(slot: Int, segment: Configuration.Segment)],
    _ peers: [(slot: Int, peer: Configuration.Peer)]
  ) {
    self.segments = state.segments.map { carried in
      segments.first { $0.segment.vni.rawValue == carried.vni }?.slot
    }
    let slots = Dictionary(uniqueKeysWithValues: peers.map { ($0.peer.name, $0) })
    self.peers = state.peers.map { carried in
      slots[carried.name].flatMap { carried.isSame(as: $0.peer) ? $0.slot : nil }
    }
  }

  func carry(_ counted: CarriedState.Worker, into engine: inout Engine) {
    engine.carry(counted.none, segment: Counters.noSegment)
    for (carried, slot) in zip(counted.segments, segments) {
      engine.carry(carried, segment: slot ?? Counters.noSegment)
    }
    for (traffic, slot) in zip(counted.peers, peers) { if let slot { engine.carry(traffic, peer: slot) } }
    engine.carry(counted.batches)
  }

  /// The slot of the peer in a place of the state.
  func peer(_ place: Int) -> Int? { peers.indices.contains(place) ? peers[place] : nil }
}

extension CarriedState.Peer {
  /// Whether the configured peer is who this was, so that what is known of it holds.
  func isSame(as peer: Configuration.Peer) -> Bool {
    peer.name == name && peer.address.description == address && peer.publicKey?.base64 == publicKey
  }

  /// Where it has moved to.
  var presentEndpoint: Endpoint? {
    guard let presentAddress, let presentPort, presentPort > 0, let address = IPAddress(presentAddress) else {
      return nil
    }
    return Endpoint(address: address, udpPort: presentPort)
  }
}
