import Dataplane
import Forwarding
import Sealing
import VXLAN

/// One agent with sealed segments, and plain ones as well: workers with fake ports, and what the thread of the sessions
/// does, on a simulated clock.
package final class SealedAgent {
  /// What an agent is told of itself and its peers.
  package struct Setup {
    package var segments: [SegmentPlan]
    package var peers: [PeerPlan]
    package var privateKey: PrivateKey
    /// By peer slot; nil: a peer without keys, which has plain segments only.
    package var peerKeys: [PublicKey?]
    package var cipher: Cipher
    package var workerCount = 1
    package var seed: UInt64
    package var now = Instant(nanoseconds: 1_000_000_000_000)

    package init(
      segments: [SegmentPlan], peers: [PeerPlan], privateKey: PrivateKey, peerKeys: [PublicKey?], cipher: Cipher,
      seed: UInt64
    ) {
      self.segments = segments
      self.peers = peers
      self.privateKey = privateKey
      self.peerKeys = peerKeys
      self.cipher = cipher
      self.seed = seed
    }
  }

  private static let udpPort: UInt16 = 4790

  /// By lane.
  package let workers: [EngineBench]
  package let keyring: Keyring
  package let inbox: SealedInbox
  package let waiting: WaitingBudget
  package let table: SessionTable
  package let counters = SealedCounters()
  /// By peer slot.
  private var peerKeys = Slots<PublicKey>()
  private var slots: [PublicKey: Int] = [:]
  /// Handshakes and control messages on their way out.
  private var outgoing: [(bytes: [UInt8], to: Endpoint)] = []
  /// Peers that were given a new key to send with, in order.
  package private(set) var sealedPeers: [Int] = []
  /// Called with the index of each key that is accepted from now on.
  package var willAccept: (_ index: UInt32) -> Void = { _ in }
  package private(set) var now: Instant

  package init(_ setup: Setup) {
    now = setup.now
    let inbox = SealedInbox {}
    let waiting = WaitingBudget()
    let mac = HandshakeMAC(to: setup.privateKey.publicKey)
    var keyrings: [Keyring] = []
    func side(_ port: FakeDatagramPort, lane: UInt8) -> SealedSide {
      SealedSide(port: port, keyring: keyrings[0], inbox: inbox, mac: mac, waiting: waiting, lane: lane)
    }
    let first = EngineBench(
      segments: setup.segments, peers: setup.peers,
      mergeable: MergeableTraffic(mergesTCP: true, mergesUDP: true)
    ) { topology, port in
      keyrings.append(Keyring(gracePeriod: topology.gracePeriod))
      return side(port, lane: 0)
    }
    first.now = setup.now
    let others = (1..<max(1, setup.workerCount)).map { lane in
      EngineBench(sharing: first) { side($0, lane: UInt8(lane)) }
    }
    workers = [first] + others
    keyring = keyrings[0]
    self.inbox = inbox
    self.waiting = waiting
    table = SessionTable(Self.localEnd(setup), now: setup.now)
    for (slot, peer) in setup.peers.enumerated() { join(slot, peer, setup.peerKeys[slot]) }
  }

  /// The generation that all workers go by.
  package var topology: Topology { workers[0].topology }

  /// Goes by other segments and peers from now on, one worker after the other, and forgets who has left.
  /// - Parameters:
  ///   - vacated: slots of peers that leave; where there is a peer afterwards, it is another one.
  ///   - peerKeys: of the peers in slots that are new.
  package func change(
    segments: Slots<SegmentPlan>, peers: Slots<PeerPlan>, vacated: Set<Int>, peerKeys: [Int: PublicKey]
  ) {
    let old = topology
    let next = old.successor(segments: segments, peers: peers, now: now)
    for worker in workers { worker.adopt(next) }
    for slot in vacated.sorted() { leave(slot) }
    for slot in peers.indices where !old.peers.isOccupied(slot) { join(slot, peers[slot], peerKeys[slot]) }
    next.settle(after: old, now: now)
    perform()
    _ = keyring.collect()
  }

  private func join(_ slot: Int, _ peer: PeerPlan, _ key: PublicKey?) {
    let endpoint = Self.endpoint(at: peer.endpoint.address)
    keyring.move(peer: slot, to: endpoint)
    guard let key else { return }
    peerKeys[slot] = key
    slots[key] = slot
    table.add(key, at: endpoint, now: now)
  }

  private func leave(_ slot: Int) {
    if let key = peerKeys.element(at: slot) {
      perform(table.remove(key, now: now))
      slots[key] = nil
      peerKeys.vacate(slot)
    }
    keyring.vacate(peer: slot)
  }

  /// The route to every peer with keys takes packets of so many bytes: paths are probed from then on.
  package func setRoutes(pathMTU: Int) {
    for slot in peerKeys.indices {
      table.setRoute(pathMTU: pathMTU, to: peerKeys[slot], isOther: false, now: now)
    }
    perform()
  }

  /// Where an agent at `address` takes sealed datagrams.
  package static func endpoint(at address: IPAddress) -> Endpoint {
    Endpoint(address: address, udpPort: udpPort)
  }

  private static func localEnd(_ setup: Setup) -> LocalEnd {
    do throws(SealingFailure) {
      return try LocalEnd(
        privateKey: setup.privateKey, presharedKeys: [], choice: .named(setup.cipher),
        available: CipherMask([setup.cipher]), entropy: SimulatedEntropy(seed: setup.seed))
    } catch {
      preconditionFailure("one cipher and no pre-shared key: \(error)")
    }
  }

  /// What came out of its TAPs' other side: everything on the sealed port, and handshakes.
  package func takeSent() -> [(bytes: [UInt8], to: Endpoint, sourcePort: UInt16)] {
    var sent = outgoing.map { (bytes: $0.bytes, to: $0.to, sourcePort: Self.udpPort) }
    outgoing = []
    for worker in workers {
      sent += worker.sealedSockets.sent.compactMap { datagram in
        datagram.destination.map { (datagram.payload, $0, UInt16(49152 + datagram.sourcePortIndex)) }
      }
      worker.sealedSockets.sent.removeAll(keepingCapacity: true)
    }
    return sent
  }

  /// Moves time on and does what is due.
  package func advance(to time: Instant) {
    now = time
    for worker in workers { worker.now = time }
    table.advance(to: time)
    perform()
    if waiting.hasAny { for worker in workers { worker.expireWaiting() } }
    _ = keyring.collect()
  }

  /// Lets the workers and the thread of the sessions work once. Answers whether there was anything to do.
  package func step() -> Bool {
    var hasWorked = false
    for worker in workers { hasWorked = worker.step() || hasWorked }
    let (items, isUnderLoad) = inbox.take()
    for item in items { judge(item, isUnderLoad: isUnderLoad) }
    perform()
    return hasWorked || !items.isEmpty
  }

  /// The sum over all workers and what became of handshakes.
  package func snapshot() -> CounterSnapshot {
    counters.added(to: workers.dropFirst().reduce(workers[0].snapshot()) { $0 + $1.snapshot() })
  }

  /// Whether there is a session to send to the peer with.
  package func hasSession(toPeer slot: Int) -> Bool {
    peerKeys.element(at: slot).flatMap { table.current($0)?.sealing } != nil
  }

  private func judge(_ item: SealedInbox.Item, isUnderLoad: Bool) {
    switch item {
    case .handshake(let bytes, let source):
      switch table.receive(bytes.span, from: source, isUnderLoad: isUnderLoad, now: now) {
      case .consumed: counters.noteConsumed(bytes: bytes.count)
      case .refused: counters.noteRefused(bytes: bytes.count)
      }
    case .control(let plaintext, let word, let source):
      table.receive(control: plaintext.span, word, from: source, now: now)
    case .unknownSession(let source): table.noteUnknownSession(from: source, now: now)
    }
  }

  private func perform() { perform(table.takeActions()) }

  private func perform(_ actions: [SessionAction]) {
    for action in actions {
      switch action {
      case .send(let bytes, let destination): outgoing.append((bytes, destination))
      case .receive(let key, let peer):
        willAccept(key.index)
        if let slot = slots[peer] { keyring.accept(key, fromPeer: slot, until: now + .seconds(180)) }
      case .seal(let key, let peer):
        guard let slot = slots[peer] else { continue }
        keyring.seal(with: key, until: table.current(peer)?.endsAt ?? now, toPeer: slot)
        if key != nil { sealedPeers.append(slot) }
        for worker in workers { worker.sendWaiting() }
      case .retire(let index): keyring.retire(index: index)
      case .move(let peer, let endpoint): if let slot = slots[peer] { keyring.move(peer: slot, to: endpoint) }
      case .setPathMTU(let byteCount, let peer, _):
        if let slot = slots[peer] { topology.limits.setPathMTU(byteCount, ofPeer: slot) }
      case .log: break
      }
    }
  }
}
