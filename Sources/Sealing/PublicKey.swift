import CSodium

/// The public key of an endpoint: 32 bytes of X25519 that are not of low order.
///
/// Order is that of unsigned bytes, first byte first; it decides ties between handshakes.
/// - SeeAlso: RFC 7748, section 5.
package struct PublicKey: Hashable, Sendable {
  package static let byteCount = 32

  /// The 32 bytes as four words, most significant byte first, so that they compare as bytes do.
  private let words: InlineWords

  private struct InlineWords: Hashable, Sendable {
    let w0: UInt64
    let w1: UInt64
    let w2: UInt64
    let w3: UInt64
  }

  /// Nil unless there are 32 bytes, and for keys of low order, with which every shared secret is zero.
  package init?(_ bytes: Span<UInt8>) {
    self.init(beforeAgreement: bytes)
    guard !isOfLowOrder else { return nil }
  }

  /// For a key whose order an agreement is going to judge, which fails for low order: two multiplications less for each
  /// initiation that an attacker sends.
  init?(beforeAgreement bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = InlineWords(
      w0: Self.word(bytes, at: 0), w1: Self.word(bytes, at: 8), w2: Self.word(bytes, at: 16),
      w3: Self.word(bytes, at: 24))
  }

  /// Reads 44 characters of base64. Nil for anything else and for keys of low order.
  package init?(base64 text: String) {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    guard bytes.withUnsafeMutableBytes({ KeyText.decode(Array(text.utf8).span, into: $0) }) else { return nil }
    self.init(bytes.span)
  }

  /// The bytes in wire order.
  package var bytes: [UInt8] {
    [words.w0, words.w1, words.w2, words.w3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word &>> UInt64(56 - 8 * $0)) }
    }
  }

  package var base64: String { bytes.withUnsafeBytes(KeyText.encode) }

  /// A point of low order times any multiple of the cofactor is zero, which libsodium reports.
  private var isOfLowOrder: Bool {
    precondition(sodium_init() >= 0, "libsodium cannot be initialised")
    let cofactor: [UInt8] = [8] + [UInt8](repeating: 0, count: Self.byteCount - 1)
    var product = [UInt8](repeating: 0, count: Self.byteCount)
    return crypto_scalarmult(&product, cofactor, bytes) != 0
  }

  private static func word(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<8 { word = word << 8 | UInt64(bytes[offset + index]) }
    return word
  }
}

extension PublicKey: Comparable {
  package static func < (a: PublicKey, b: PublicKey) -> Bool {
    (a.words.w0, a.words.w1, a.words.w2, a.words.w3) < (b.words.w0, b.words.w1, b.words.w2, b.words.w3)
  }
}

extension PublicKey: CustomStringConvertible {
  package var description: String { base64 }
}
