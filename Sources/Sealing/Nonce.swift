// HOT: one per datagram, on the stack.

/// What makes each datagram under one key different.
///
///     byte 0...3    zero, for aegis128l only
///     byte 4...6    zero
///     byte 7        lane
///     byte 8...15   counter, little-endian
struct Nonce {
  /// The 16 bytes; the ciphers with nonces of 12 take the last 12.
  private let words: (UInt64, UInt64)

  /// The nonce of a datagram, from its header's last eight bytes.
  @inline(__always)
  init(_ word: SealedHeader.Word) {
    words = ((UInt64(word.lane) &<< 56).littleEndian, word.counter.littleEndian)
  }

  // SAFETY: the pointer is to the value's own 16 bytes and valid inside of `body`.
  @inline(__always)
  func withPointer<Result>(for cipher: Cipher, _ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    withUnsafeBytes(of: words) { bytes in body(bytes.octets + (16 &- cipher.nonceByteCount)) }
  }
}
