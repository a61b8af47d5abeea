import CSodium

/// What lets a receiver refuse a handshake message before it computes anything expensive. `mac1` proves that the sender
/// knows the receiver's public key; `mac2` that it received a cookie at its address.
///
///     mac1 = BLAKE2b-128(key = BLAKE2b-256("vtep-mac1" | receiver's public key), all before mac1)
///     mac2 = BLAKE2b-128(key = cookie, all before mac2); zero without a cookie
package struct HandshakeMAC: Sendable {
  package static let byteCount = 16

  private let key: [UInt8]

  /// For messages to the owner of `receiver`.
  package init(to receiver: PublicKey) {
    var hash = BLAKE2b(byteCount: 32)
    hash.update("vtep-mac1")
    hash.update(receiver.bytes)
    key = hash.finish()
  }

  /// `message`, which ends before its MACs, with both.
  func appended(to message: [UInt8], cookie: Cookie?) -> [UInt8] {
    let first = message + Self.mac(message[...], key: key)
    return first + (cookie.map { Self.mac(first[...], key: $0.bytes) } ?? [UInt8](repeating: 0, count: Self.byteCount))
  }

  /// Whether an initiation or a response has the right `mac1`, in constant time. For any thread.
  package func isFirstValid(_ message: HandshakeMessage) -> Bool {
    guard message.kind != .cookie else { return false }
    let end = message.bytes.count - 2 * Self.byteCount
    return Self.areEqual(Self.mac(message.bytes[..<end], key: key), Self.first(of: message))
  }

  /// Whether an initiation or a response has a `mac2` at all.
  static func hasSecond(_ message: HandshakeMessage) -> Bool {
    message.kind != .cookie && message.bytes.suffix(byteCount).contains { $0 != 0 }
  }

  /// Whether an initiation or a response has the `mac2` that `cookie` makes, in constant time.
  static func isSecondValid(_ message: HandshakeMessage, cookie: Cookie) -> Bool {
    guard message.kind != .cookie else { return false }
    let end = message.bytes.count - byteCount
    return areEqual(mac(message.bytes[..<end], key: cookie.bytes), message.bytes[end...])
  }

  /// The `mac1` that an initiation or a response has.
  static func first(of message: HandshakeMessage) -> ArraySlice<UInt8> {
    message.bytes.suffix(2 * byteCount).prefix(byteCount)
  }

  private static func mac(_ bytes: ArraySlice<UInt8>, key: [UInt8]) -> [UInt8] {
    var hash = BLAKE2b(byteCount: byteCount, key: key)
    hash.update(bytes)
    return hash.finish()
  }

  private static func areEqual(_ a: [UInt8], _ b: ArraySlice<UInt8>) -> Bool {
    a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in a.count == b.count && sodium_memcmp(a.octets, b.octets, a.count) == 0 }
    }
  }
}
