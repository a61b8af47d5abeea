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

  /// Nil where the initiation shows the cookie of its source; else the reply that carries it there.
  func demand(_ initiation: HandshakeMessage, from source: Endpoint, now: Instant) -> HandshakeMessage? {
    if now >= madeAt + Limits.cookieLifetime {
      secret = CookieSecret(from: &local.entropy)
      madeAt = now
    }
    let cookie = secret.cookie(for: source)
    if HandshakeMAC.isSecondValid(initiation, cookie: cookie) { return nil }
    return CookieReply.seal(
      cookie, answering: initiation, responder: local.publicKey,
      nonce: local.entropy.bytes(CookieReply.nonceByteCount))
  }
}
