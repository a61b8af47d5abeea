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
  private var peers: [PublicKey: PeerSessions] = [:]
  private let cookies: CookieJar
  /// What no peer has asked for.
  private var pending: [SessionAction] = []

  package init(_ local: LocalEnd, now: Instant) {
    self.local = local
    cookies = CookieJar(local, now: now)
  }

  /// Adds a peer, which is initiated to at the next `advance`. The caller has refused keys that are there and our own.
  package func add(_ publicKey: PublicKey, at endpoint: Endpoint, now: Instant) {
    precondition(peers[publicKey] == nil && publicKey != local.publicKey)
    peers[publicKey] = PeerSessions(publicKey, at: endpoint, local: local, now: now)
  }

  /// Removes a peer and its sessions. The actions that this takes are returned.
  package func remove(_ publicKey: PublicKey, now: Instant) -> [SessionAction] {
    guard let peer = peers.removeValue(forKey: publicKey) else { return [] }
    peer.endAll(now: now)
    return peer.takeActions()
  }

  /// A datagram of kind handshake. Under load only those are opened whose sender has shown that it receives at its
  /// address; the others are told how to.
  package func receive(_ datagram: Span<UInt8>, from source: Endpoint, isUnderLoad: Bool, now: Instant) -> Verdict {
    guard let message = HandshakeMessage(parsing: datagram) else { return .refused }
    switch message.kind {
    case .cookie:
      return peer(owning: message.index).map { $0.receive(cookieReply: message, now: now) } == true
        ? .consumed : .refused
    case .response:
      guard local.mac.isFirstValid(message), let peer = peer(owning: message.index) else { return .refused }
      return peer.receive(response: message, now: now) ? .consumed : .refused
    case .initiation:
      guard local.mac.isFirstValid(message) else { return .refused }
      if isUnderLoad, let reply = cookies.demand(message, from: source, now: now) {
        pending.append(.send(reply.bytes, to: source))
        return .consumed
      }
      return receive(initiation: message, from: source, now: now)
    }
  }

  private func receive(initiation: HandshakeMessage, from source: Endpoint, now: Instant) -> Verdict {
    guard let handshake = ResponderHandshake(opening: initiation, with: local.privateKey),
      let peer = peers[handshake.initiator]
    else { return .refused }
    return peer.receive(initiation: handshake, from: source, now: now) ? .consumed : .refused
  }

  /// An authentic control message: what a worker opened with the key of its index.
  /// - Parameter plaintext: without header and tag.
  package func receive(
    control plaintext: Span<UInt8>, _ word: SealedHeader.Word, from source: Endpoint, now: Instant
  ) {
    guard let (peer, session) = session(word.index) else { return }
    var message = ControlMessage(parsing: plaintext)
    if case .probe(let size, _) = message,
      Int(size) != SealedHeader.byteCount + plaintext.count + session.cipher.tagByteCount
    {
      message = nil
    }
    peer.receive(message, on: session, counter: word.counter, from: source, now: now)
  }

  /// A datagram that no session has the index of came from `source`: its sender may have a session that we lost.
  /// *Complexity.* Linear in peers; callers join those of one address.
  package func noteUnknownSession(from source: Endpoint, now: Instant) {
    for peer in peers.values where peer.current == nil && peer.endpoint.address == source.address {
      peer.trigger(now: now)
    }
  }

  /// Does what is due.
  package func advance(to now: Instant) {
    for peer in peers.values { peer.advance(to: now) }
  }

  /// When `advance` is to be called at the latest.
  package var nextDeadline: Instant? { peers.values.compactMap(\.deadline).min() }

  /// What is to be done since the last call.
  package func takeActions() -> [SessionAction] {
    defer { pending = [] }
    return pending + peers.values.flatMap { $0.takeActions() }
  }

  /// The session that sends to a peer.
  package func current(_ publicKey: PublicKey) -> Session? { peers[publicKey]?.current }

  /// Where datagrams to a peer go.
  package func endpoint(_ publicKey: PublicKey) -> Endpoint? { peers[publicKey]?.endpoint }

  private func peer(owning index: UInt32) -> PeerSessions? {
    local.indexes.owner(of: index).flatMap { peers[$0] }
  }

  private func session(_ index: UInt32) -> (PeerSessions, Session)? {
    guard let peer = peer(owning: index), let session = peer.sessions.first(where: { $0.index == index }) else {
      return nil
    }
    return (peer, session)
  }
}
