import CSodium

/// Where random bytes come from: the system's generator, or a seeded one in simulations. Called by the control thread,
/// never for a frame.
package protocol Entropy {
  /// Fills all of `bytes`.
  // SAFETY: the buffer is the caller's and valid for the call; so that secrets go straight into locked memory.
  mutating func fill(_ bytes: UnsafeMutableRawBufferPointer)
}

extension Entropy {
  /// A number of 64 random bits.
  package mutating func next() -> UInt64 {
    var word: UInt64 = 0
    withUnsafeMutableBytes(of: &word) { fill($0) }
    return word
  }

  /// A number in `range`. The bias is below 2^-32 for ranges of up to 2^32 numbers.
  package mutating func next(in range: Range<UInt64>) -> UInt64 {
    range.lowerBound + next().multipliedFullWidth(by: range.upperBound - range.lowerBound).high
  }

  /// `byteCount` random bytes that need not be kept secret.
  package mutating func bytes(_ byteCount: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes.withUnsafeMutableBytes { fill($0) }
    return bytes
  }

  /// `byteCount` random bytes in locked memory.
  package mutating func secret(byteCount: Int) -> SecretBytes {
    let secret = SecretBytes(byteCount: byteCount)
    fill(secret.bytes)
    return secret
  }
}

/// The kernel's random bytes.
package struct SystemEntropy: Entropy {
  package init() {
    precondition(sodium_init() >= 0, "libsodium cannot be initialised")
  }

  package mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    if !bytes.isEmpty { randombytes_buf(bytes.octets, bytes.count) }
  }
}
