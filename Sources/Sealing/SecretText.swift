/// The text of a key on its way between a program and a file: in locked memory, wiped at the end, never printed.
///
/// *Ownership.* Wiped and freed with its owner.
/// *Threads.* One.
package struct SecretText: ~Copyable {
  private let secret: SecretBytes
  /// How many bytes the text has so far.
  package private(set) var byteCount = 0

  /// An empty text with room for `byteCountMax` bytes, 1 at least.
  package init(byteCountMax: Int) {
    secret = SecretBytes(byteCount: byteCountMax)
  }

  /// The 44 characters for `key`, 32 bytes, and room for the newline behind them.
  // SAFETY: `key` is the caller's and only read.
  init(base64 key: UnsafeRawBufferPointer) {
    self.init(byteCountMax: KeyText.characterCount + 1)
    KeyText.encode(key, into: secret.bytes)
    byteCount = KeyText.characterCount
  }

  /// Puts `byte` behind the text. False, and nothing changed, where there is no room.
  package mutating func append(_ byte: UInt8) -> Bool {
    guard byteCount < secret.byteCount else { return false }
    secret.bytes[byteCount] = byte
    byteCount += 1
    return true
  }

  /// Removes what stands behind the last byte that `isKept` wants.
  package mutating func dropLast(unless isKept: (UInt8) -> Bool) {
    while byteCount > 0, !isKept(secret.bytes[byteCount - 1]) {
      byteCount -= 1
      secret.bytes[byteCount] = 0
    }
  }

  /// Lends the bytes of the text, which are not copied.
  package borrowing func withBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // SAFETY: bytes of `secret`, which lives at least as long as this call.
    try withExtendedLifetime(secret) { () throws(Failure) in
      try body(UnsafeBufferPointer(start: secret.bytes.octets, count: byteCount).span)
    }
  }
}
