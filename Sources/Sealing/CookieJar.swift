import VXLAN

/// The responder's cookies under load: who shows none gets one. Belongs to the control thread.
final class CookieJar {
  private let local: LocalEnd
  private var secret: CookieSecret
  private var madeAt: Instant

  init(_ local: LocalEnd, now: Instant) {
    self.local = local
    secret = CookieSecret(from: &local.entropy)
    madeAt = now
  }

  /// Whether the initiation shows the cookie of its source. One without any costs nothing.
  func isShown(by initiation: HandshakeMessage, from source: Endpoint, now: Instant) -> Bool {
    HandshakeMAC.hasSecond(initiation)
      && HandshakeMAC.isSecondValid(initiation, cookie: cookie(for: source, now: now))
  }

  /// The reply that carries the cookie of its source there.
  func reply(to initiation: HandshakeMessage, from source: Endpoint, now: Instant) -> HandshakeMessage {
    CookieReply.seal(
      cookie(for: source, now: now), answering: initiation, responder: local.publicKey,
      nonce: local.entropy.bytes(CookieReply.nonceByteCount))
  }

  private func cookie(for source: Endpoint, now: Instant) -> Cookie {
    if now >= madeAt + Limits.cookieLifetime {
      secret = CookieSecret(from: &local.entropy)
      madeAt = now
    }
    return secret.cookie(for: source)
  }
}
