import VXLAN

/// The sessions with all peers: the handshake side of sealing, as pure state. Belongs to the control thread.
///
/// What happened goes in with its time; `takeActions` gives what is to be done. `advance` is to be called at
/// `nextDeadline`, and every quarter of a second while frames flow, since it looks at the keys' counters.
package final class SessionTable {
  /// What became of a handshake message.
  package enum Verdict: Equatable, Sendable {
    /// Valid: counted as consumed.
    case consumed
    /// Malformed, not for us, unknown, replayed or too much: the drop reason `handshake`.
    case refused
  }

  private let local: LocalEnd
  private var pathRaiseInterval: Duration
  private var peers = SessionPeers()
  private let cookies: CookieJar
  private var budget = HandshakeBudget()
  private var recent = RecentInitiations()
  private var queue = InitiationQueue()
  /// Whether the message that was refused last was one of before: repeated, or too late.
  package private(set) var wasLate = false
  /// What no peer has asked for.
  private var pending: [SessionAction] = []

  /// - Parameter pathRaiseInterval: after how long a path that takes less than its route is asked for more.
  package init(_ local: LocalEnd, pathRaiseInterval: Duration = .seconds(600), now: Instant) {
    self.local = local
    self.pathRaiseInterval = pathRaiseInterval
    cookies = CookieJar(local, now: now)
  }

  /// Bytes that keys lock in memory at most, which `SecretBytes.canLock(byteCount:)` judges. Without trouble it is
  /// a sixth of that.
  package static func lockedByteCountMax(peerCount: Int) -> Int {
    lockedRegionCountMax(peerCount: peerCount) * 65_536
  }

  /// A large secret for each session and three small ones for each attempt of a peer, and some for this process itself.
  static func lockedRegionCountMax(peerCount: Int) -> Int {
    let sessions = SecretPool.large.regionCount(for: peerCount * (2 + Limits.unprovenCountMax))
    return 2 + sessions + SecretPool.small.regionCount(for: peerCount * 3 * Limits.attemptCountMax)
  }

  /// Adds a peer, which is initiated to at the next `advance`. The caller has refused keys that are there and our own.
  package func add(_ publicKey: PublicKey, at endpoint: Endpoint, now: Instant) {
    precondition(peers[publicKey] == nil && publicKey != local.publicKey)
    peers.add(PeerSessions(publicKey, at: endpoint, local: local, pathRaiseInterval: pathRaiseInterval, now: now))
    // As configured, and where it is: the two part when it moves.
    for _ in 0..<2 { budget.add(endpoint.address) }
  }

  /// Goes on from what another process knew of a peer that was just added: where it was, nil: where it is configured to
  /// be, and what reached it.
  package func recall(_ publicKey: PublicKey, at endpoint: Endpoint?, pathMTU: Int) {
    guard let peer = peers[publicKey] else { return }
    peer.path.recall(pathMTU)
    guard let endpoint, endpoint != peer.endpoint else { return }
    budget.remove(peer.endpoint.address)
    budget.add(endpoint.address)
    peer.endpoint = endpoint
  }

  /// Removes a peer and its sessions. The actions that this takes are returned.
  package func remove(_ publicKey: PublicKey, now: Instant) -> [SessionAction] {
    guard let peer = peers.remove(publicKey) else { return [] }
    budget.remove(peer.configured.address)
    budget.remove(peer.endpoint.address)
    peer.endAll(now: now)
    var actions: [SessionAction] = []
    peer.moveActions(to: &actions)
    return actions
  }

  /// Pre-shared keys for the handshakes to come, preferred first; sessions that are up stay. False, and nothing
  /// changed, for more than two.
  @discardableResult
  package func setPresharedKeys(_ keys: [PresharedKey]) -> Bool { local.setPresharedKeys(keys) }

  /// Ends every session and every attempt, and goes on with another own key, as a peer that nobody knows yet: all are
  /// initiated to at the next `advance`, where they are configured to be. What this takes is among the next actions.
  /// The caller has refused a key that is a peer's.
  package func setPrivateKey(_ key: PrivateKey, now: Instant) {
    precondition(peers[key.publicKey] == nil)
    let former = peers.all
    for peer in former { pending += remove(peer.publicKey, now: now) }
    local.setPrivateKey(key)
    for peer in former {
      add(peer.publicKey, at: peer.configured, now: now)
      if peer.endpoint != peer.configured { pending.append(.move(peer.publicKey, to: peer.configured)) }
      guard let ceiling = peer.path.ceiling else { continue }
      guard peer.endpoint == peer.configured else {
        setRoute(pathMTU: ceiling, to: peer.publicKey, isOther: true, now: now)
        continue
      }
      // The path is what it was: what was found of it holds until it is asked about again.
      peers[peer.publicKey]?.path = peer.path
      peers[peer.publicKey]?.path.restart(at: now)
      peers[peer.publicKey]?.path.repeatChange()
    }
  }

  /// Other ciphers: every session and every attempt ends, and all peers are initiated to as by `setPrivateKey`.
  package func setCipherChoice(_ choice: CipherChoice, now: Instant) {
    local.setChoice(choice)
    setPrivateKey(local.privateKey, now: now)
  }

  /// After how long a path that takes less than its route is asked for more, from the next such rest on.
  package func setPathRaiseInterval(_ interval: Duration) {
    pathRaiseInterval = interval
    for peer in peers.all { peer.path.setRaiseInterval(interval) }
  }

  /// The public key of this process.
  package var localPublicKey: PublicKey { local.publicKey }

  /// A datagram of kind handshake.
  ///
  /// What costs agreements of keys has a budget. Under load, and when the budget is spent, only those initiations are
  /// opened whose sender has shown that it receives at its address, the others are told how to; and only those answers
  /// to our own that come from where the initiation went.
  package func receive(_ datagram: Span<UInt8>, from source: Endpoint, isUnderLoad: Bool, now: Instant) -> Verdict {
    wasLate = false
    guard let message = HandshakeMessage(parsing: datagram) else { return .refused }
    switch message.kind {
    case .cookie, .response: return receive(answer: message, from: source, isUnderLoad: isUnderLoad, now: now)
    case .initiation:
      // Of a flood most is refused here, before anything is hashed: nothing could become of it.
      guard !isUnderLoad || HandshakeMAC.hasSecond(message) || budget.hasCookieReply(for: source.address, now: now)
      else { return .refused }
      guard local.mac.isFirstValid(message) else { return .refused }
      guard !recent.contains(message) else { return refuseLate() }
      let showsCookie = cookies.isShown(by: message, from: source, now: now)
      if !isUnderLoad && budget.takeInitiation(now: now)
        || showsCookie && budget.takeInitiation(withCookieFrom: source, now: now)
      {
        return receive(initiation: message, from: source, showsCookie: showsCookie, now: now)
      }
      return showsCookie ? .refused : demandCookie(message, from: source, now: now)
    }
  }

  /// A response or a cookie.
  private func receive(
    answer message: HandshakeMessage, from source: Endpoint, isUnderLoad: Bool, now: Instant
  ) -> Verdict {
    guard message.kind == .cookie || local.mac.isFirstValid(message) else { return .refused }
    guard let peer = peer(owning: message.index, now: now), let destination = peer.destination(ofAttempt: message)
    else { return refuseLate() }
    guard destination == source || !isUnderLoad && budget.takeResponse(now: now) else { return .refused }
    let isValid =
      message.kind == .cookie
      ? peer.receive(cookieReply: message, now: now) : peer.receive(response: message, now: now)
    return isValid ? .consumed : .refused
  }

  private func receive(
    initiation: HandshakeMessage, from source: Endpoint, showsCookie: Bool, now: Instant
  ) -> Verdict {
    guard let handshake = ResponderHandshake(opening: initiation, with: local.privateKey),
      let peer = peers[handshake.initiator]
    else { return .refused }
    recent.note(initiation)
    peer.settle(to: now)
    switch peer.receive(initiation: handshake, from: source, showsCookie: showsCookie, now: now) {
    case .answered, .outranked: return .consumed
    case .late: return refuseLate()
    case .refused: return .refused
    case .overBudget: return showsCookie ? .refused : demandCookie(initiation, from: source, now: now)
    }
  }

  private func refuseLate() -> Verdict {
    wasLate = true
    return .refused
  }

  private func demandCookie(_ initiation: HandshakeMessage, from source: Endpoint, now: Instant) -> Verdict {
    guard budget.takeCookieReply(to: source.address, now: now) else { return .refused }
    pending.append(.send(cookies.reply(to: initiation, from: source, now: now).bytes, to: source))
    return .consumed
  }

  /// An authentic control message: what a worker opened with the key of its index.
  /// - Parameter plaintext: without header and tag.
  package func receive(
    control plaintext: Span<UInt8>, _ word: SealedHeader.Word, from source: Endpoint, now: Instant
  ) {
    guard let peer = peer(owning: word.index, now: now), let session = peer.session(word.index) else { return }
    var message = ControlMessage(parsing: plaintext)
    if case .probe(let size, _) = message,
      Int(size) != SealedHeader.byteCount + plaintext.count + session.cipher.tagByteCount
    {
      message = nil
    }
    let former = peer.endpoint.address
    peer.receive(message, on: session, counter: word.counter, from: source, now: now)
    guard peer.endpoint.address != former else { return }
    budget.remove(former)
    budget.add(peer.endpoint.address)
  }

  /// What the route to a peer takes, in bytes of an IP packet: nothing more is ever asked for. Without it a path is not
  /// probed. Many peers are asked one after the other.
  /// - Parameter isOther: the route is another than before: a peer without a session is asked again, too.
  package func setRoute(pathMTU: Int, to publicKey: PublicKey, isOther: Bool, now: Instant) {
    let spread = Limits.pathSpread.nanosecondCount * UInt64(peers.count)
    let start = now + .nanoseconds(Int64(local.entropy.next(in: 0..<spread + 1)))
    peers[publicKey]?.setRoute(pathMTU: pathMTU, isOther: isOther, startingAt: start)
  }

  /// A datagram that no session has the index of came from `source`: its sender may have a session that we lost.
  /// *Complexity.* Linear in peers; callers join those of one address.
  package func noteUnknownSession(from source: Endpoint, now: Instant) {
    for peer in peers.all where peer.endpoint.address == source.address {
      peer.settle(to: now)
      if peer.current == nil { peer.trigger(now: now) }
    }
  }

  /// Plain frames were sent to the peer since the last call, which the session's keys do not count: its path is in use.
  package func notePlainFrames(to publicKey: PublicKey) { peers[publicKey]?.plainFrameMark &+= 1 }

  /// Does what is due, of initiations a slice: when `isBehind`, more are due at once.
  package func advance(to now: Instant) {
    var due: [PeerSessions] = []
    for peer in peers.all {
      peer.advance(to: now)
      if peer.isAttemptDue(now: now) { due.append(peer) }
    }
    queue.serve(&due, now: now)
  }

  /// Whether the last `advance` left initiations for the next, so that what came meanwhile need not wait for all.
  package var isBehind: Bool { queue.isBehind }

  /// When `advance` is to be called at the latest.
  package var nextDeadline: Instant? {
    var earliest: Instant?
    for peer in peers.all {
      guard let deadline = peer.deadline else { continue }
      earliest = earliest.map { min($0, deadline) } ?? deadline
    }
    return earliest
  }

  /// What is to be done since the last call.
  package func takeActions() -> [SessionAction] {
    var actions = pending
    pending = []
    for peer in peers.all { peer.moveActions(to: &actions) }
    return actions
  }

  /// What is to be told about the session with a peer; state `none` for a key that is no peer's.
  package func status(_ publicKey: PublicKey, now: Instant) -> SessionStatus {
    peers[publicKey]?.status(now: now) ?? .unknown
  }

  /// The session that sends to a peer.
  package func current(_ publicKey: PublicKey) -> Session? { peers[publicKey]?.current }

  /// Where datagrams to a peer go.
  package func endpoint(_ publicKey: PublicKey) -> Endpoint? { peers[publicKey]?.endpoint }

  /// The peer that an index belongs to, as it is at `now`.
  private func peer(owning index: UInt32, now: Instant) -> PeerSessions? {
    guard let peer = local.indexes.owner(of: index).flatMap({ peers[$0] }) else { return nil }
    peer.settle(to: now)
    return peer
  }
}
