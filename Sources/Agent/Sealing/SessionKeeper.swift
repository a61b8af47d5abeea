import Dataplane
import Glibc
import LinuxIO
import Sealing
import VXLAN

/// Keeps the sessions with all peers: takes what workers handed over, tells the `SessionTable`, and does what that
/// wants. Keys go to the workers through the `Keyring`, everything else leaves by `send`.
///
/// *Threads.* One. The clock comes as a function, because a turn may take long enough for time to matter.
final class SessionKeeper {
  /// What leads out.
  struct Outside {
    let keyring: Keyring
    let inbox: SealedInbox
    let waiting: WaitingBudget
    let counters: SealedCounters
    /// Sends a datagram from the listening socket; 0 or an `errno`.
    let send: (_ datagram: [UInt8], _ destination: Endpoint) -> Int32
    /// Workers are to send what waited for the keys that are there now.
    let sendWaiting: () -> Void
    /// Workers are to drop what has waited too long.
    let expireWaiting: () -> Void
    /// IP packets of so many bytes reach the peer in this slot.
    let setPathMTU: (_ byteCount: Int, _ slot: Int) -> Void
    /// Another number after plain frames were sent to the peer in this slot.
    let plainTrafficMark: (_ slot: Int) -> Int
    /// For those who listen.
    let events: PeerEvents
    /// The peer in this slot is at another address now.
    let noteMove: (_ address: IPAddress, _ slot: Int) -> Void
    /// The kernel refused a datagram as too large for its device: the route says more than is so.
    let doubtRoutes: () -> Void
    let clock: () -> Instant
    /// The keys of a new session with a peer that is here, for the key log.
    var logKeys: (_ keys: [TransportKey], _ peer: Endpoint?) -> Void = { _, _ in }
  }

  /// So many peers are asked at once at the start, the others one by one after this time each: an agreement of keys
  /// takes the most of it.
  static let eagerPeerCount = 32
  static let startInterval = Duration.milliseconds(1)
  /// Handshakes take half a millisecond each, and answers must not wait for all that came with them.
  private static let itemsPerRound = 16
  /// Of what came at once so many refusals are told to the log, which lets even fewer pass: telling costs more than
  /// refusing.
  private static let refusalsPerTurn = 16
  /// What the kernel has no room for is sent after this time; so many messages are kept, the rest is lost.
  private static let retryPause = Duration.milliseconds(10)
  private static let lateCountMax = 256
  /// Between two attempts to let go of keys that a worker may still use.
  private static let collectPause = Duration.milliseconds(10)

  let table: SessionTable
  /// A session neither sends nor receives from this age on: docs/sealing-format.md.
  private let sessionLifetime: Duration
  var peers: [SessionPeer]
  var indexByKey: [PublicKey: Int]
  let outside: Outside
  private let log: SessionLog
  /// Where peers are, by their addresses: configured and moved to.
  var addresses: PeerAddresses
  /// By index in `peers`: whether there is a session.
  var isUp: [Bool]
  /// By index in `peers`: the path MTU that was told last.
  var toldPathMTUs: [Int?]
  /// By index in `peers`: as it was looked at last.
  var plainTrafficMarks: [Int]
  var pace: SessionPace
  private var isCollected = true
  /// Since what came last was taken.
  private var toldRefusals = 0
  /// Whether so much had come at the last turn that more is worth waiting for: a turn for each costs more than they do.
  private(set) var cameMany = false
  /// Whether what is left is not worth doing any more, because the end is near.
  var isStopping: () -> Bool = { false }
  /// What the kernel had no room for, and when to try again.
  private var late: [(bytes: [UInt8], destination: Endpoint)] = []
  private var retryAt = Instant(nanoseconds: 0)

  /// - Parameter pathRaiseInterval: after how long a path that takes less than its route is asked for more.
  init(
    _ local: LocalEnd, peers: [SessionPeer], pathRaiseInterval: Duration, outside: Outside, log: SessionLog
  ) {
    let now = outside.clock()
    self.peers = peers
    self.outside = outside
    self.log = log
    sessionLifetime = local.keyLife.end
    table = SessionTable(local, pathRaiseInterval: pathRaiseInterval, now: now)
    pace = SessionPace(now: now)
    isUp = Array(repeating: false, count: peers.count)
    toldPathMTUs = Array(repeating: nil, count: peers.count)
    plainTrafficMarks = Array(repeating: 0, count: peers.count)
    indexByKey = Dictionary(uniqueKeysWithValues: peers.enumerated().map { ($1.publicKey, $0) })
    addresses = PeerAddresses(peers)
    enlist(peers, now: now)
  }

  /// Has sessions with them from now on; many are asked one after the other.
  func enlist(_ new: [SessionPeer], now: Instant) {
    for (index, peer) in new.enumerated() {
      outside.keyring.move(peer: peer.slot, to: peer.endpoint)
      addresses.add(peer.endpoint.address, of: peer)
      let wait = Self.startInterval * max(0, index - Self.eagerPeerCount)
      table.add(peer.publicKey, at: peer.endpoint, now: now + wait)
      if let formerly = peer.formerly { recall(peer, formerly.endpoint, pathMTU: formerly.pathMTU) }
    }
  }

  /// Goes on from what another agent of this host knew of the peer.
  private func recall(_ peer: SessionPeer, _ endpoint: Endpoint?, pathMTU: Int) {
    table.recall(peer.publicKey, at: endpoint, pathMTU: pathMTU)
    guard let endpoint else { return }
    outside.keyring.move(peer: peer.slot, to: endpoint)
    addresses.add(endpoint.address, of: peer)
    outside.noteMove(endpoint.address, peer.slot)
  }

  /// Does what there is to do. Answers when it wants to be called again, if nothing comes before.
  func turn() -> Instant {
    sendLate()
    takeItems()
    let now = outside.clock()
    if pace.due <= now { advance(now) }
    isCollected = outside.keyring.collect()
    let next = isCollected ? pace.due : min(pace.due, now + Self.collectPause)
    return late.isEmpty ? next : min(next, retryAt)
  }

  /// Pre-shared keys for the handshakes to come. With a private key, another than before, all sessions end, which is no
  /// loss, and every peer is asked again.
  func take(_ news: KeyNews) {
    table.setPresharedKeys(news.presharedKeys)
    guard let privateKey = news.privateKey else { return }
    let now = outside.clock()
    restart { table.setPrivateKey(privateKey, now: now) }
  }

  /// All sessions end by `end`, which is no loss.
  func restart(_ end: () -> Void) {
    let now = outside.clock()
    let wasUp = isUp
    isUp = Array(repeating: false, count: peers.count)
    end()
    perform(table.takeActions(), now: now)
    for (index, peer) in peers.enumerated() where wasUp[index] && !isUp[index] {
      outside.events.session(table.status(peer.publicKey, now: now).state, ofPeer: peer.slot)
    }
    pace.hasten(to: now)
  }

  /// Ends all sessions: no worker finds a key afterwards.
  func end() {
    let now = outside.clock()
    // An end that was asked for is no loss.
    isUp = Array(repeating: false, count: peers.count)
    for peer in peers { perform(table.remove(peer.publicKey, now: now), now: now) }
    _ = outside.keyring.collect()
  }

  /// What routes take now, by peer slot; who has no session is asked again over another route. Peers without
  /// keys are passed over.
  func follow(_ routes: [Int: PeerRoute]) {
    guard !routes.isEmpty else { return }
    let now = outside.clock()
    for (index, peer) in peers.enumerated() {
      guard let route = routes[peer.slot] else { continue }
      toldPathMTUs[index] = toldPathMTUs[index].map { min($0, route.pathMTU) } ?? route.pathMTU
      table.setRoute(pathMTU: route.pathMTU, to: peer.publicKey, isOther: route.isOther, now: now)
    }
    perform(table.takeActions(), now: now)
    // What is to be asked may be due before what was planned.
    pace.hasten(to: table.nextDeadline)
  }

  /// By peer slot.
  func statuses() -> [Int: SessionStatus] {
    let now = outside.clock()
    return Dictionary(uniqueKeysWithValues: peers.map { ($0.slot, table.status($0.publicKey, now: now)) })
  }

  private func advance(_ now: Instant) {
    addresses.forgetNotes()
    notePlainTraffic()
    table.advance(to: now)
    perform(table.takeActions(), now: now)
    if outside.waiting.hasAny { outside.expireWaiting() }
    pace.note(start: now, end: outside.clock(), deadline: table.nextDeadline, isBehind: table.isBehind)
  }

  private func notePlainTraffic() {
    for (index, peer) in peers.enumerated() {
      let mark = outside.plainTrafficMark(peer.slot)
      guard mark != plainTrafficMarks[index] else { continue }
      plainTrafficMarks[index] = mark
      table.notePlainFrames(to: peer.publicKey)
    }
  }

  private func takeItems() {
    let (items, isUnderLoad) = outside.inbox.take()
    toldRefusals = 0
    cameMany = items.count >= Self.itemsPerRound
    for start in stride(from: 0, to: items.count, by: Self.itemsPerRound) {
      guard !isStopping() else { return }
      let now = outside.clock()
      for item in items[start..<min(items.count, start + Self.itemsPerRound)] {
        take(item, isUnderLoad: isUnderLoad, now: now)
      }
      perform(table.takeActions(), now: now)
    }
  }

  private func take(_ item: SealedInbox.Item, isUnderLoad: Bool, now: Instant) {
    switch item {
    case .handshake(let bytes, let source):
      switch table.receive(bytes.span, from: source, isUnderLoad: isUnderLoad, now: now) {
      case .consumed: outside.counters.noteConsumed(bytes: bytes.count)
      case .refused:
        outside.counters.noteRefused(bytes: bytes.count)
        toldRefusals += 1
        guard toldRefusals <= Self.refusalsPerTurn else { return }
        log.refused(from: source, peer: addresses.name(at: source.address), wasLate: table.wasLate)
      }
    case .control(let plaintext, let word, let source):
      table.receive(control: plaintext.span, word, from: source, now: now)
    case .unknownSession(let source):
      if addresses.note(source.address) { table.noteUnknownSession(from: source, now: now) }
    }
  }

  func perform(_ actions: [SessionAction], now: Instant) {
    var hasNewKey = false
    for action in actions {
      switch action {
      case .send(let bytes, let destination): send(bytes, to: destination)
      case .log(let keys, let publicKey): outside.logKeys(keys, table.endpoint(publicKey))
      case .receive(let key, let publicKey):
        guard let peer = peer(publicKey) else { continue }
        outside.keyring.accept(key, fromPeer: peer.slot, until: now + sessionLifetime)
      case .seal(let key, let publicKey):
        seal(with: key, to: publicKey, now: now)
        hasNewKey = hasNewKey || key != nil
      case .retire(let index): outside.keyring.retire(index: index)
      case .move(let publicKey, let endpoint): move(publicKey, to: endpoint)
      case .setPathMTU(let byteCount, let publicKey, let isSettled):
        setPathMTU(byteCount, to: publicKey, isSettled: isSettled)
      }
    }
    if hasNewKey { outside.sendWaiting() }
  }

  private func seal(with key: SealingKey?, to publicKey: PublicKey, now: Instant) {
    guard let index = indexByKey[publicKey] else { return }
    let peer = peers[index]
    let until = table.current(publicKey)?.endsAt ?? now + sessionLifetime
    outside.keyring.seal(with: key, until: until, toPeer: peer.slot)
    switch (isUp[index], key) {
    case (false, let key?): log.up(peer.name, cipher: key.cipher, at: table.endpoint(publicKey) ?? peer.endpoint)
    case (true, nil): log.lost(peer.name)
    default: return
    }
    isUp[index] = key != nil
    outside.events.session(table.status(publicKey, now: now).state, ofPeer: peer.slot)
  }

  private func move(_ publicKey: PublicKey, to endpoint: Endpoint) {
    guard let peer = peer(publicKey) else { return }
    outside.keyring.move(peer: peer.slot, to: endpoint)
    addresses.add(endpoint.address, of: peer)
    outside.noteMove(endpoint.address, peer.slot)
    log.moved(peer.name, to: endpoint)
  }

  /// Sends what the kernel had no room for, as far as it has now. What it refuses again is kept once more.
  private func sendLate() {
    guard !late.isEmpty, retryAt <= outside.clock() else { return }
    let messages = late
    late = []
    for message in messages { send(message.bytes, to: message.destination) }
  }

  private func setPathMTU(_ byteCount: Int, to publicKey: PublicKey, isSettled: Bool) {
    guard let index = indexByKey[publicKey] else { return }
    outside.setPathMTU(byteCount, peers[index].slot)
    guard isSettled else { return }
    defer { toldPathMTUs[index] = byteCount }
    guard let told = toldPathMTUs[index], told != byteCount else { return }
    log.path(peers[index].name, takes: byteCount, before: told)
    outside.events.pathMTU(byteCount, ofPeer: peers[index].slot)
  }

  private func send(_ bytes: [UInt8], to destination: Endpoint) {
    let failure = outside.send(bytes, destination)
    guard failure != EMSGSIZE else { return outside.doubtRoutes() }
    if failure == EAGAIN || failure == ENOBUFS, late.count < Self.lateCountMax {
      if late.isEmpty { retryAt = outside.clock() + Self.retryPause }
      late.append((bytes, destination))
      return
    }
    if failure != 0 { log.unsent(to: destination, peer: addresses.name(at: destination.address), failure) }
  }

  private func peer(_ publicKey: PublicKey) -> SessionPeer? { indexByKey[publicKey].map { peers[$0] } }
}
