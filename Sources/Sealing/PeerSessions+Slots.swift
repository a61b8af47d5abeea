import VXLAN

extension PeerSessions {
  /// A session that this side initiated and whose response is valid: it sends at once.
  func establish(_ session: Session, from destination: Endpoint, roundTrip: Duration, now: Instant) {
    perform(.receive(session.opening, from: publicKey))
    makeCurrent(session, now: now)
    confirm = (count: 0, at: now, to: destination, roundTrip: roundTrip)
    sendConfirm(now: now)
    if destination != endpoint { prove(destination, now: now) }
  }

  /// A session that the peer initiated and that was answered: it receives, and waits for proof.
  /// One process has two at most, because the response to its attempt before the last counts there.
  func hold(_ session: Session, now: Instant) {
    promoteProven(now: now)
    let sameProcess = unproven.filter { $0.bootID == session.bootID }
    if sameProcess.count >= Limits.unprovenPerProcessCountMax { forget(sameProcess[0], now: now) }
    if unproven.count >= Limits.unprovenCountMax { forget(unproven[0], now: now) }
    unproven.append(session)
    perform(.receive(session.opening, from: publicKey))
  }

  /// The first authentic datagram of an unproven session: the peer has the key, so it is used. An answer tells the peer
  /// that its confirms arrive. Older ones go: a late datagram of a process that was replaced since must not make its
  /// successor a process of the past.
  func promote(_ session: Session, now: Instant) {
    guard let index = unproven.firstIndex(where: { $0 === session }) else { return }
    for older in unproven[..<index] { retire(older, now: now) }
    unproven.removeFirst(index + 1)
    if let current, session.derivedAt < current.derivedAt {
      keepForReceiving(session, now: now)
      return
    }
    if let bootID = session.bootID { boots.noteProven(bootID: bootID) }
    makeCurrent(session, now: now)
    confirm = nil
    sendControl(.keepalive, to: endpoint)
  }

  /// Both ends initiated at once, and the response to our own came after we had answered: what the peer says first on
  /// its session does not undo the newer one, which the peer goes over to.
  private func keepForReceiving(_ session: Session, now: Instant) {
    if let previous { retire(previous, now: now) }
    session.stopSending()
    previous = session
    marks.rebase(counters)
  }

  /// Uses the newest session that a worker has authenticated a datagram of.
  func promoteProven(now: Instant) {
    guard !unproven.isEmpty, let proven = unproven.last(where: \.opening.isProven) else { return }
    promote(proven, now: now)
  }

  private func makeCurrent(_ session: Session, now: Instant) {
    makePrevious(current, now: now)
    current = session
    currentSince = now
    marks = TrafficMarks(counting: counters)
    dropAttempts(now: now)
    (nextAttemptAt, attemptNumber, isProofOverdue, isPutOff) = (nil, 0, false, false)
    (repeatedFor, retriedNumber) = ([], nil)
    sessionCount += 1
    perform(.seal(session.sealing, to: publicKey))
  }

  /// What sent until now receives from now on. Where nothing ever came on it, the one before stays instead: both ends
  /// initiated at once, and the peer's frames are still on that.
  private func makePrevious(_ session: Session?, now: Instant) {
    session?.stopSending()
    if let session, !session.opening.isProven, previous?.opening.isProven == true {
      retire(session, now: now)
      return
    }
    if let previous { retire(previous, now: now) }
    previous = session
  }

  func dropAttempts(now: Instant) {
    for attempt in attempts { local.indexes.release(attempt.handshake.index, now: now) }
    attempts = []
  }

  func endSessions(now: Instant) {
    if !unproven.isEmpty { endUnproven(now: now) }
    if let previous, now >= previous.endsAt || previous.isExhausted {
      retire(previous, now: now)
      self.previous = nil
      marks.rebase(counters)
    }
    if let current, now >= current.endsAt || current.isExhausted {
      retire(current, now: now)
      self.current = nil
      (confirm, isProofOverdue) = (nil, false)
      perform(.seal(nil, to: publicKey))
      if nextAttemptAt == nil { nextAttemptAt = now }
    }
  }

  private func endUnproven(now: Instant) {
    for session in unproven where now >= session.derivedAt + Limits.unprovenLifetime || session.isExhausted {
      forget(session, now: now)
    }
  }

  private func forget(_ session: Session, now: Instant) {
    unproven.removeAll { $0 === session }
    retire(session, now: now)
  }

  func retire(_ session: Session, now: Instant) {
    local.indexes.release(session.index, now: now)
    perform(.retire(index: session.index))
  }
}
