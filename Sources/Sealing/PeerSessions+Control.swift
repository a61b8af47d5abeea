import VXLAN

extension PeerSessions {
  /// An authentic control message, opened with the key of `session`, from any address.
  func receive(_ message: ControlMessage?, on session: Session, counter: UInt64, from source: Endpoint, now: Instant) {
    promote(session, now: now)
    switch message {
    case .probe(let size, let token):
      sendControl(.probeAnswer(udpPayloadByteCount: size, token: token), to: source)
    case .probeAnswer(let size, let token): receiveAnswer(size, token, on: session, counter: counter, from: source)
    case .keepalive, nil: break
    }
    if source != endpoint, session.lastMoveCounter.map({ counter > $0 }) ?? true { prove(source, now: now) }
  }

  /// The peer's address moves only here.
  private func receiveAnswer(
    _ size: UInt32, _ token: UInt64, on session: Session, counter: UInt64, from source: Endpoint
  ) {
    guard let proof, proof.token == token else {
      perform(.probeAnswered(publicKey, udpPayloadByteCount: size, token: token, from: source))
      return
    }
    guard source == proof.candidate, session.lastMoveCounter.map({ counter > $0 }) ?? true else { return }
    session.lastMoveCounter = counter
    self.proof = nil
    guard endpoint != source else { return }
    endpoint = source
    perform(.move(publicKey, to: source))
  }

  /// Asks whether the peer is at `candidate`; one question at a time.
  func prove(_ candidate: Endpoint, now: Instant) {
    guard let current, proof?.isPending(now: now) != true else { return }
    let proof = EndpointProof(candidate: candidate, token: local.entropy.next(), sentAt: now)
    self.proof = proof
    let size = SealedHeader.byteCount + ControlMessage.byteCountMin + current.cipher.tagByteCount
    sendControl(.probe(udpPayloadByteCount: UInt32(size), token: proof.token), to: candidate)
  }

  func sendConfirm(now: Instant) {
    guard let due = confirm, due.at <= now, let current else { return }
    if current.opening.isProven || due.count == Limits.confirmCountMax + 1 {
      confirm = nil
      return
    }
    confirm = (count: due.count + 1, at: now + Limits.confirmInterval)
    sendControl(.keepalive, to: endpoint)
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
    let receiving = [current, previous].compactMap { $0?.opening }
    return TrafficMarks.Counters(
      sent: current?.sealing?.frameCount ?? 0, received: receiving.reduce(0) { $0 &+ $1.frameMark },
      receivedControl: receiving.reduce(0) { $0 &+ $1.controlMark })
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
