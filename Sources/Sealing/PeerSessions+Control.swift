import VXLAN

extension PeerSessions {
  /// An authentic control message, opened with the key of `session`, from any address.
  func receive(_ message: ControlMessage?, on session: Session, counter: UInt64, from source: Endpoint, now: Instant) {
    let isCurrent = session === current
    promote(session, now: now)
    switch message {
    case .probe(let size, let token):
      sendControl(.probeAnswer(udpPayloadByteCount: size, token: token), to: source)
    case .probeAnswer(let size, let token):
      receiveAnswer(size, token, on: session, counter: counter, from: source, now: now)
    case .keepalive where isCurrent: answerConfirm(on: session, now: now)
    case .keepalive, nil: break
    }
    if source != endpoint, session.lastMoveCounter.map({ counter > $0 }) ?? true { prove(source, now: now) }
  }

  /// The initiator repeats its confirm until something comes back, and the first answer may be lost. Frames answer
  /// too; and the responder alone does, so that no answer is answered.
  private func answerConfirm(on session: Session, now: Instant) {
    guard !session.isInitiator, now > currentSince, now < currentSince + Limits.confirmAnswerAge,
      session.sealing?.frameCount == 0
    else { return }
    sendControl(.keepalive, to: endpoint)
  }

  /// The peer's address moves only here.
  private func receiveAnswer(
    _ size: UInt32, _ token: UInt64, on session: Session, counter: UInt64, from source: Endpoint, now: Instant
  ) {
    guard let proof, proof.token == token else {
      receivePathAnswer(udpPayloadByteCount: size, token: token, now: now)
      return
    }
    guard proof.isPending(now: now), source == proof.candidate, session.lastMoveCounter.map({ counter > $0 }) ?? true
    else { return }
    session.lastMoveCounter = counter
    self.proof = nil
    guard endpoint != source else { return }
    // Another port is another entry of some translator, mostly on the same path.
    if endpoint.address == source.address { path.recheck(at: now) } else { path.restart(at: now) }
    endpoint = source
    perform(.move(publicKey, to: source))
  }

  /// Asks whether the peer is at `candidate`; one question at a time, repeated with the same token as long as its
  /// answer counts.
  func prove(_ candidate: Endpoint, now: Instant) {
    guard let current, proof.map({ now >= $0.askedAt + Limits.proofInterval }) ?? true else { return }
    var proof =
      self.proof.flatMap { $0.candidate == candidate && $0.isPending(now: now) ? $0 : nil }
      ?? EndpointProof(candidate: candidate, token: local.entropy.next(), sentAt: now, askedAt: now)
    proof.askedAt = now
    self.proof = proof
    let size = SealedHeader.byteCount + ControlMessage.byteCountMin + current.cipher.tagByteCount
    sendControl(.probe(udpPayloadByteCount: UInt32(size), token: proof.token), to: candidate)
  }

  /// Tells the peer of the current session until something comes back on it. What does not come within a round trip
  /// after the last time will not: the response was for a process that is gone, or the answer was lost.
  func sendConfirm(now: Instant) {
    if isProofOverdue, current?.opening.isProven == true { endOverdue(now: now) }
    guard let due = confirm, due.at <= now, let current else { return }
    if current.opening.isProven {
      confirm = nil
    } else if due.count <= Limits.confirmCountMax {
      let isLast = due.count == Limits.confirmCountMax
      let wait = isLast ? max(Limits.confirmInterval, due.roundTrip) : Limits.confirmInterval
      confirm = (count: due.count + 1, at: now + wait, to: due.to, roundTrip: due.roundTrip)
      sendControl(.keepalive, to: due.to)
    } else {
      (confirm, isProofOverdue) = (nil, nextAttemptAt == nil)
      nextAttemptAt = min(nextAttemptAt ?? now, now)
    }
  }

  /// The session was sound, only slow: another is not needed.
  private func endOverdue(now: Instant) {
    dropAttempts(now: now)
    (nextAttemptAt, attemptNumber, isProofOverdue, isPutOff) = (nil, 0, false, false)
  }

  func sampleTraffic(now: Instant) {
    guard current != nil else { return }
    marks.sample(counters, now: now)
    if let since = marks.unansweredSince, now >= since + Limits.keepaliveInterval {
      marks.noteKeepalive()
      sendControl(.keepalive, to: endpoint)
    }
    if let since = marks.silentSince, now >= since + Limits.silenceMax {
      marks.noteSilenceHandled()
      trigger(now: now)
    }
  }

  /// The counters of the keys in use. An unproven session has none: its first datagram ends its being one.
  var counters: TrafficMarks.Counters {
    TrafficMarks.Counters(
      sent: current?.sealing?.frameCount ?? 0,
      received: (current?.opening.frameMark ?? 0) &+ (previous?.opening.frameMark ?? 0),
      receivedControl: (current?.opening.controlMark ?? 0) &+ (previous?.opening.controlMark ?? 0))
  }

  /// Seals a control message with the current session, on the control thread's lane. Without a session, or when its
  /// lane has no counter left, nothing is said.
  func sendControl(_ message: ControlMessage, to destination: Endpoint) {
    guard let sealing = current?.sealing else { return }
    let plaintext = message.bytes(tagByteCount: sealing.cipher.tagByteCount)
    let sealer = sealing.sealer(lane: SealingKey.controlLane)
    var datagram = [UInt8](repeating: 0, count: plaintext.count + sealer.overheadByteCount)
    // SAFETY: the datagram has room for header, plaintext and tag; `sealing` is alive to the end of the call.
    let count = withExtendedLifetime(sealing) {
      datagram.withUnsafeMutableBytes { datagram in
        plaintext.withUnsafeBytes {
          sealer.seal(
            $0.octets, byteCount: $0.count, prefix: SealedHeader.prefix(kind: .control, vni: VNI(unchecked: 0)),
            into: datagram.octets)
        }
      }
    }
    if count > 0 { perform(.send(datagram, to: destination)) }
  }
}
