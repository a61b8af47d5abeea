import VXLAN

extension PeerSessions {
  /// The route to the peer takes IP packets of `pathMTU` now.
  /// - Parameters:
  ///   - isOther: it is another route than before, whatever it takes: who has no session is asked again.
  ///   - start: when to ask, so that many peers are not asked at once.
  func setRoute(pathMTU: Int, isOther: Bool, startingAt start: Instant) {
    if pathMTU != path.ceiling {
      path.setCeiling(pathMTU, startingAt: start)
    } else if isOther {
      path.recheck(at: start)
    }
    if isOther, current == nil { retry(at: start) }
    // Who reads the routes has lowered what counts by itself, perhaps by a value that nobody heard of here.
    path.repeatChange()
    tellPath()
  }

  /// Sends the probes that are due.
  func probePath(now: Instant) {
    guard let sealing = current?.sealing else { return }
    for probe in path.advance(to: now, frameCount: sealing.frameCount &+ plainFrameMark, &local.entropy) {
      let byteCount = UInt32(probe.byteCount - outerByteCount)
      sendControl(.probe(udpPayloadByteCount: byteCount, token: probe.token), to: endpoint)
    }
    tellPath()
  }

  /// An answer to no question about the peer's address.
  func receivePathAnswer(udpPayloadByteCount: UInt32, token: UInt64, now: Instant) {
    path.receiveAnswer(byteCount: Int(udpPayloadByteCount) + outerByteCount, token: token, now: now, &local.entropy)
    probePath(now: now)
  }

  private func tellPath() {
    guard let change = path.takeChange() else { return }
    perform(.setPathMTU(change.pathMTU, to: publicKey, isSettled: change.isSettled))
  }

  /// The headers in front of a datagram to the peer.
  private var outerByteCount: Int {
    let ip =
      switch endpoint.address.family {
      case .ipv4: Specification.ipv4HeaderByteCount
      case .ipv6: Specification.ipv6HeaderByteCount
      }
    return ip + Specification.udpHeaderByteCount
  }
}
