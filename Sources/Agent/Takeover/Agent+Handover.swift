import Dataplane
import Forwarding
import Glibc
import LinuxIO
import VXLAN

/// What this agent hands over to one that takes over from it. On the thread of the offer.
extension Agent: TakeoverSource {
  private static let entriesPerPage = 4_096

  /// Whether another process has everything, so that this one is to end.
  package var isHandedOver: Bool { retirement.isOver }

  /// Whether another process has everything already.
  package var hasSuccessor: Bool { retirement.successor != nil }

  /// Keeps what is open with the service manager, if that keeps descriptors. To be called when it has changed, too.
  func keepDescriptors() throws(Errno) {
    try descriptorStore?.follow(openDescriptors())
  }

  func descriptorsToHandOver() -> [(name: DescriptorName, descriptor: Int32)] {
    offeredChangeCount = changeCount
    return openDescriptors()
  }

  private func openDescriptors() -> [(name: DescriptorName, descriptor: Int32)] {
    var all: [(name: DescriptorName, descriptor: Int32)] = []
    for (worker, underlay) in underlays.enumerated() { all.append((.plain(worker: worker), underlay.pollDescriptor)) }
    for (worker, underlay) in (sealed?.underlays ?? []).enumerated() {
      all.append((.sealed(worker: worker), underlay.pollDescriptor))
    }
    for (number, descriptor) in underlays[0].senders.pollDescriptors.enumerated() {
      all.append((.source(number), descriptor))
    }
    for (_, device) in carriedDevices {
      for (number, queue) in device.tap.queues.enumerated() {
        all.append((.tap(vni: device.segment.vni.rawValue, queue: number), queue.pollDescriptor))
      }
    }
    return all
  }

  func whileUnchanged<Value>(_ body: () throws(TakeoverError) -> Value) throws(TakeoverError) -> Value {
    try access.withLock { _ throws(TakeoverError) in try body() }
  }

  func freeze() throws(TakeoverError) {
    guard changeCount == offeredChangeCount else {
      throw TakeoverError("the running agent has other segments or peers than a moment ago; start the new one again")
    }
    guard let paused = PausedWorkers(workers) else {
      throw TakeoverError("a worker of the running agent does not come to the end of its batch")
    }
    retirement.pause(paused)
  }

  func thaw() { retirement.resume() }

  func handedOver(to pid: pid_t) {
    retirement.noteSuccessor(pid)
  }

  func end() {
    retirement.noteOver()
    wakeMain()
  }

  func stateToHandOver() throws(TakeoverError) -> CarriedState {
    guard let paused = retirement.paused else { throw TakeoverError("the workers of the running agent do not stand") }
    var state = CarriedState()
    let (devices, peers) = (carriedDevices, carriedPeers)
    let sessions = sessions?.statuses() ?? [:]
    state.segments = devices.map { slot, device in segmentState(slot, device) }
    state.peers = peers.map { slot, peer in peerState(slot, peer, sessions[slot]?.endpoint) }
    state.workers = paused.counters.map { counters in
      CarriedState.Worker(
        segments: devices.map { CarriedCounters(of: counters, segment: $0.slot) },
        none: CarriedCounters(of: counters, segment: Counters.noSegment),
        peers: peers.map { counters.peers.indices.contains($0.slot) ? counters.peers[$0.slot] : PeerTraffic() },
        batches: counters.batches)
    }
    if let counts = sealed?.counters.counts {
      state.handshakes = .init(consumed: counts.consumed, refused: counts.refused, bytes: counts.bytes)
    }
    return state
  }

  func forEachEntry(
    in state: CarriedState, _ body: ([CarriedEntry]) throws(TakeoverError) -> Void
  ) throws(TakeoverError) {
    let places = Dictionary(uniqueKeysWithValues: carriedPeers.enumerated().map { ($1.slot, $0) })
    for (slot, device) in carriedDevices {
      let vni = device.segment.vni.rawValue
      var last: MACAddress?
      while true {
        let page = topology.withFDB(ofSegment: slot) { $0.entries(after: last, countMax: Self.entriesPerPage) }
        let entries = page.compactMap { entry in Self.carried(entry, vni: vni, places: places) }
        for start in stride(from: 0, to: entries.count, by: TakeoverMessage.entryCountMax) {
          try body(Array(entries[start..<min(entries.count, start + TakeoverMessage.entryCountMax)]))
        }
        guard page.count == Self.entriesPerPage else { break }
        last = page.last?.mac
      }
    }
  }

  /// Nil for what the other has from its own configuration, and for addresses that move too often: they have no way,
  /// and are learned from the next frame on.
  private static func carried(_ entry: FDBEntry, vni: UInt32, places: [Int: Int]) -> CarriedEntry? {
    guard entry.origin != .configuration, !entry.isFrozen else { return nil }
    guard let slot = entry.remote.peerSlot else {
      return CarriedEntry(vni: vni, mac: entry.mac, peer: nil, origin: entry.origin, stamp: entry.stamp)
    }
    return places[slot].map {
      CarriedEntry(vni: vni, mac: entry.mac, peer: $0, origin: entry.origin, stamp: entry.stamp)
    }
  }

  private func segmentState(_ slot: Int, _ device: OverlayDevice) -> CarriedState.Segment {
    CarriedState.Segment(
      vni: device.segment.vni.rawValue, tap: device.segment.tap, isSealed: device.segment.sealed,
      addresses: device.segment.addresses.map(\.description), bridge: device.segment.bridge,
      ownsBridge: device.ownsBridge, history: topology.withFDB(ofSegment: slot) { $0.history() })
  }

  private func peerState(_ slot: Int, _ peer: Configuration.Peer, _ present: Endpoint?) -> CarriedState.Peer {
    let moved = present.flatMap { $0 == peer.sealedEndpoint ? nil : $0 }
    return CarriedState.Peer(
      name: peer.name, address: peer.address.description, publicKey: peer.publicKey?.base64,
      presentAddress: moved?.address.description, presentPort: moved?.udpPort,
      pathMTU: topology.limits.pathMTU(ofPeer: slot))
  }

  /// By slot.
  var carriedDevices: [(slot: Int, device: OverlayDevice)] { devices.indices.map { ($0, devices[$0]) } }
  /// By slot.
  var carriedPeers: [(slot: Int, peer: Configuration.Peer)] {
    generation.peers.indices.map { ($0, generation.peers[$0]) }
  }
}
