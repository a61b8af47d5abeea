import VXLAN

extension PeerSessions {
  /// Something unusual calls for an initiation: now, or when the last is five seconds old.
  func trigger(now: Instant) {
    let earliest = lastAttemptAt.map { $0 + Limits.triggerInterval } ?? now
    guard earliest <= now else { return }
    nextAttemptAt = now
  }

  /// The next attempt, with a fresh key and index.
  func initiate(now: Instant) {
    attemptNumber += 1
    lastAttemptAt = now
    nextAttemptAt = now + RetrySchedule.delay(after: attemptNumber, &local.entropy)
    guard let index = local.indexes.take(for: publicKey, from: &local.entropy, now: now) else { return }
    let cookie = cookie.flatMap { now < $0.until ? $0.cookie : nil }
    guard
      let handshake = InitiatorHandshake(
        from: local.privateKey, to: publicKey, ephemeralKey: local.newEphemeralKey(), index: index,
        payload: local.nextPayload(), cookie: cookie)
    else {
      local.indexes.release(index, now: now)
      return
    }
    let bytes = handshake.initiation.bytes
    let destination = attemptDestination
    if attempts.count == Limits.attemptCountMax {
      local.indexes.release(attempts.removeFirst().handshake.index, now: now)
    }
    attempts.append(
      SessionAttempt(handshake, number: attemptNumber, sentAt: now, destination: destination))
    perform(.send(bytes, to: destination))
  }

  /// Where the peer is believed to be; while it does not answer there, every other time where the configuration says.
  private var attemptDestination: Endpoint {
    attemptNumber > Limits.attemptCountMax && attemptNumber.isMultiple(of: 2) ? configured : endpoint
  }

  /// A response to one of our attempts. False where it is not authentic.
  func receive(response: HandshakeMessage, now: Instant) -> Bool {
    guard let attempt = attempts.first(where: { $0.handshake.index == response.index }),
      let result = attempt.handshake.open(response, presharedKeys: local.presharedKeys)
    else { return false }
    let keys = result.secrets.keys(
      initiator: true, cipher: result.cipher, sendIndex: result.remoteIndex, receiveIndex: attempt.handshake.index)
    attempts.removeAll { $0 === attempt }
    establish(
      Session(keys, isInitiator: true, bootID: nil, now: now, &local.entropy), from: attempt.destination, now: now)
    return true
  }

  /// An answer that asks for a proof of our address. False where it is not authentic.
  func receive(cookieReply reply: HandshakeMessage, now: Instant) -> Bool {
    guard let attempt = attempts.first(where: { $0.handshake.index == reply.index }),
      let received = attempt.handshake.openCookie(reply, responder: publicKey)
    else { return false }
    cookie = (received, now + Limits.cookieLifetime)
    return true
  }

  /// An initiation by this peer, opened. False where it is not answered: replayed, too many, or nothing in common.
  func receive(initiation: borrowing ResponderHandshake, from source: Endpoint, now: Instant) -> Bool {
    let payload = initiation.payload
    guard boots.mayAnswer(bootID: payload.bootID, counter: payload.counter), countAnswer(now: now),
      let cipher = local.choice.pick(from: payload.ciphers, available: local.available),
      let presharedKey = initiation.commonPresharedKey(local.presharedKeys)
    else { return false }
    if isTieWon(now: now) { return true }
    guard let index = local.indexes.take(for: publicKey, from: &local.entropy, now: now) else { return false }
    guard
      let answer = initiation.respond(
        ephemeralKey: local.newEphemeralKey(), index: index, cipher: cipher, presharedKey: presharedKey)
    else {
      local.indexes.release(index, now: now)
      return false
    }
    boots.noteAnswered(bootID: payload.bootID, counter: payload.counter)
    if local.publicKey > publicKey { dropAttempts(now: now) }
    let keys = answer.secrets.keys(
      initiator: false, cipher: cipher, sendIndex: initiation.remoteIndex, receiveIndex: index)
    hold(Session(keys, isInitiator: false, bootID: payload.bootID, now: now, &local.entropy), now: now)
    perform(.send(answer.response.bytes, to: source))
    return true
  }

  /// Whether our own initiation goes before the peer's: the lower key's first or second, while it is young.
  private func isTieWon(now: Instant) -> Bool {
    guard local.publicKey < publicKey, let latest = attempts.last else { return false }
    return latest.number <= Limits.tieAttemptMax && now < latest.sentAt + Limits.tieLifetime
  }

  private func countAnswer(now: Instant) -> Bool {
    if let answers, now < answers.since + .seconds(1) {
      guard answers.count < Limits.answersPerSecond else { return false }
      self.answers = (answers.since, answers.count + 1)
    } else {
      answers = (now, 1)
    }
    return true
  }
}
