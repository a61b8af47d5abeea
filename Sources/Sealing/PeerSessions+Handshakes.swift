import VXLAN

extension PeerSessions {
  /// Something unusual calls for an initiation: now, or when the last is five seconds old.
  func trigger(now: Instant) {
    let earliest = lastAttemptAt.map { $0 + Limits.triggerInterval } ?? now
    guard earliest <= now else { return }
    nextAttemptAt = now
  }

  /// An attempt may be heard where the last was not: the next is made at `time`, or when the last has had its time.
  /// That one then waits as long as any: where routes never rest, a response must have the time to come.
  func retry(at time: Instant) {
    guard attemptNumber > 0, attemptNumber != retriedNumber, let last = lastAttemptAt else { return }
    let due = max(time, last + Limits.retryInterval)
    guard due < nextAttemptAt ?? Instant(nanoseconds: .max) else { return }
    nextAttemptAt = due
    retriedNumber = attemptNumber + 1
  }

  /// The next attempt, with a fresh key and index.
  func initiate(now: Instant) {
    attemptNumber += 1
    sendInitiation(now: now, delayNumber: attemptNumber)
  }

  /// - Parameter delayNumber: after which attempt the schedule goes on.
  private func sendInitiation(now: Instant, delayNumber: Int) {
    lastAttemptAt = now
    isPutOff = false
    nextAttemptAt = now + RetrySchedule.delay(after: delayNumber, &local.entropy)
    guard let index = local.indexes.take(for: publicKey, from: &local.entropy, now: now) else { return }
    let cookie = cookie.flatMap { now < $0.until ? $0.cookie : nil }
    guard
      let handshake = InitiatorHandshake(
        from: local.privateKey, to: publicKey, ephemeralKey: local.newEphemeralKey(), index: index,
        payload: local.nextPayload(), cookie: cookie)
    else {
      local.indexes.discard(index)
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

  /// Where the attempt went that `answer` names; nil where there is none.
  func destination(ofAttempt answer: HandshakeMessage) -> Endpoint? {
    attempts.first { $0.handshake.index == answer.index }?.destination
  }

  /// A response to one of our attempts. False where it is not authentic, and while too many were not.
  func receive(response: HandshakeMessage, now: Instant) -> Bool {
    guard let attempt = attempts.first(where: { $0.handshake.index == response.index }),
      responseFailures.has(now: now)
    else { return false }
    guard let result = attempt.handshake.open(response, presharedKeys: local.presharedKeys) else {
      _ = responseFailures.take(now: now)
      return false
    }
    if local.logsKeys { perform(.log(result.transportKeys(index: attempt.handshake.index), with: publicKey)) }
    let keys = result.keys(index: attempt.handshake.index)
    attempts.removeAll { $0 === attempt }
    establish(
      Session(keys, isInitiator: true, bootID: nil, life: local.keyLife, now: now, &local.entropy),
      from: attempt.destination,
      roundTrip: now.since(attempt.sentAt), now: now)
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

  /// What becomes of an initiation.
  enum Answer {
    case answered
    /// Our own goes before it.
    case outranked
    /// Answered before, or of a process that is gone.
    case late
    /// Nothing in common.
    case refused
    /// One too many for the time.
    case overBudget
  }

  /// An initiation by this peer, opened.
  ///
  /// It may be a recording, so it disturbs nothing: our own attempts go on until the session it leads to is proven.
  func receive(
    initiation: borrowing ResponderHandshake, from source: Endpoint, showsCookie: Bool, now: Instant
  ) -> Answer {
    let payload = initiation.payload
    guard boots.mayAnswer(bootID: payload.bootID, counter: payload.counter) else { return .late }
    guard let cipher = local.choice.pick(from: payload.ciphers, available: local.available),
      let presharedKey = initiation.commonPresharedKey(local.presharedKeys)
    else { return .refused }
    if isTieWon(now: now) {
      repeatUnheard(by: payload.bootID, now: now)
      return .outranked
    }
    guard answers.take(now: now) || (showsCookie && cookieAnswers.take(now: now)) else { return .overBudget }
    guard let index = local.indexes.take(for: publicKey, from: &local.entropy, now: now) else { return .refused }
    guard
      let answer = initiation.respond(
        ephemeralKey: local.newEphemeralKey(), index: index, cipher: cipher, presharedKey: presharedKey)
    else {
      local.indexes.discard(index)
      return .refused
    }
    boots.noteAnswered(bootID: payload.bootID, counter: payload.counter)
    let response = answer.response.bytes
    if local.logsKeys { perform(.log(answer.transportKeys(), with: publicKey)) }
    hold(
      Session(
        answer.keys(), isInitiator: false, bootID: payload.bootID, life: local.keyLife, now: now, &local.entropy),
      now: now)
    perform(.send(response, to: source))
    return .answered
  }

  /// A process that was never heard of has just started, so what we sent before died unheard, unless its answer is on
  /// the way: the latest attempt is made anew, under its number and in place of the next, so that answers to it and to
  /// the one before are waited for however long the round trip. One that is too young to be answered is given its time
  /// first. Once for each process, and for few of them: no recordings can drive attempts.
  private func repeatUnheard(by bootID: UInt64, now: Instant) {
    guard let latest = attempts.last, !boots.knows(bootID), !repeatedFor.contains(bootID),
      repeatedFor.count < Limits.repeatedBootCountMax
    else { return }
    repeatedFor.append(bootID)
    let due = latest.sentAt + Limits.unheardAge
    guard now < due else { return sendInitiation(now: now, delayNumber: attemptNumber + 1) }
    nextAttemptAt = min(nextAttemptAt ?? due, due)
  }

  /// Whether our own initiation goes before the peer's: the lower key's first or second, while it is young.
  private func isTieWon(now: Instant) -> Bool {
    guard local.publicKey < publicKey, let latest = attempts.last else { return false }
    return latest.number <= Limits.tieAttemptMax && now < latest.sentAt + Limits.tieLifetime
  }
}
