import VXLAN

extension PeerSessions {
  /// A session that this side initiated and whose response is valid: it sends at once.
  func establish(_ session: Session, from destination: Endpoint, now: Instant) {
    perform(.receive(session.opening, from: publicKey))
    makeCurrent(session, now: now)
    confirm = (count: 0, at: now)
    sendConfirm(now: now)
    if destination != endpoint { prove(destination, now: now) }
  }

  /// A session that the peer initiated and that was answered: it receives, and waits for proof.
  func hold(_ session: Session, now: Instant) {
    if let known = unproven.firstIndex(where: { $0.bootID == session.bootID }) {
      retire(unproven.remove(at: known), now: now)
    }
    if unproven.count == Limits.unprovenCountMax { forget(unproven[0], now: now) }
    unproven.append(session)
    perform(.receive(session.opening, from: publicKey))
  }

  /// The first authentic datagram of an unproven session: the peer has the key, so it is used. An answer tells the peer
  /// that its confirms arrive.
  func promote(_ session: Session, now: Instant) {
    guard let index = unproven.firstIndex(where: { $0 === session }) else { return }
    unproven.remove(at: index)
    if let bootID = session.bootID { boots.noteProven(bootID: bootID) }
    makeCurrent(session, now: now)
    confirm = nil
    sendControl(.keepalive, to: endpoint)
  }

  private func makeCurrent(_ session: Session, now: Instant) {
    if let previous { retire(previous, now: now) }
    current?.stopSending()
    previous = current
    current = session
    marks = TrafficMarks(counting: counters)
    dropAttempts(now: now)
    (nextAttemptAt, attemptNumber) = (nil, 0)
    perform(.seal(session.sealing, to: publicKey))
  }

  func dropAttempts(now: Instant) {
    for attempt in attempts { local.indexes.release(attempt.handshake.index, now: now) }
    attempts = []
  }

  func endSessions(now: Instant) {
    for session in unproven where now >= session.derivedAt + Limits.unprovenLifetime || session.isExhausted {
      forget(session, now: now)
    }
    if let previous, now >= previous.endsAt || previous.isExhausted {
      retire(previous, now: now)
      self.previous = nil
      marks.rebase(counters)
    }
    if let current, now >= current.endsAt || current.isExhausted {
      retire(current, now: now)
      self.current = nil
      confirm = nil
      perform(.seal(nil, to: publicKey))
      if nextAttemptAt == nil { nextAttemptAt = now }
    }
  }

  private func forget(_ session: Session, now: Instant) {
    unproven.removeAll { $0 === session }
    if let bootID = session.bootID { boots.forgetUnproven(bootID: bootID) }
    retire(session, now: now)
  }

  func retire(_ session: Session, now: Instant) {
    local.indexes.release(session.index, now: now)
    perform(.retire(index: session.index))
  }
}
