import CSodium
import VXLAN

/// What proves that datagrams to an address arrive there: 16 bytes that only the responder can make.
package struct Cookie: Equatable, Sendable {
  static let byteCount = 16

  let bytes: [UInt8]
}

/// The responder's side of cookies: the secret that makes them. One owner, one thread.
///
/// `cookie = BLAKE2b-128(key = secret, source address 16 bytes, IPv4 mapped | port u16)`
struct CookieSecret: ~Copyable {
  private let secret: SecretBytes

  init(from entropy: inout some Entropy) {
    secret = entropy.secret(byteCount: 32)
  }

  /// The cookie of `source`.
  func cookie(for source: Endpoint) -> Cookie {
    // SAFETY: the secret lives as long as `self`.
    var hash = BLAKE2b(byteCount: Cookie.byteCount, key: UnsafeRawBufferPointer(secret.bytes))
    if source.address.family == .ipv4 { hash.update([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]) }
    hash.update(source.address.octets)
    hash.update([UInt8(source.udpPort >> 8), UInt8(truncatingIfNeeded: source.udpPort)])
    return Cookie(bytes: hash.finish())
  }
}

/// A cookie on its way to an initiator: 24 bytes of nonce, then the cookie, encrypted for whoever knows the responder's
/// public key and the `mac1` that it answers.
///
/// XChaCha20-Poly1305 with the key BLAKE2b-256("vtep-cookie" | responder's public key), AAD = the `mac1` answered.
enum CookieReply {
  static let nonceByteCount = 24
  private static let tagByteCount = 16

  /// The answer of `responder` to `initiation`.
  static func seal(
    _ cookie: Cookie, answering initiation: HandshakeMessage, responder: PublicKey, nonce: [UInt8]
  ) -> HandshakeMessage {
    precondition(nonce.count == nonceByteCount)
    let mac = Array(HandshakeMAC.first(of: initiation))
    var sealed = [UInt8](repeating: 0, count: Cookie.byteCount + tagByteCount)
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      &sealed, nil, cookie.bytes, UInt64(cookie.bytes.count), mac, UInt64(mac.count), nil, nonce, key(responder))
    return HandshakeMessage(.cookie, index: initiation.index, body: nonce + sealed)
  }

  /// The cookie, or nil where the reply does not answer the initiation with this `mac1` or is not authentic.
  static func open(_ reply: HandshakeMessage, mac: [UInt8], responder: PublicKey) -> Cookie? {
    guard reply.kind == .cookie else { return nil }
    let nonce = Array(reply.bytes[SealedHeader.byteCount...].prefix(nonceByteCount))
    let sealed = Array(reply.bytes[(SealedHeader.byteCount + nonceByteCount)...])
    var cookie = [UInt8](repeating: 0, count: Cookie.byteCount)
    let status = crypto_aead_xchacha20poly1305_ietf_decrypt(
      &cookie, nil, nil, sealed, UInt64(sealed.count), mac, UInt64(mac.count), nonce, key(responder))
    return status == 0 ? Cookie(bytes: cookie) : nil
  }

  private static func key(_ responder: PublicKey) -> [UInt8] {
    var hash = BLAKE2b(byteCount: 32)
    hash.update("vtep-cookie")
    hash.update(responder.bytes)
    return hash.finish()
  }
}
