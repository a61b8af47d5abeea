import Glibc

/// Looks for bytes in a packet, as fast as the C library does for one byte: Glibc's module has no `memmem`.
package enum ByteSearch {
  /// Where `pattern`, of at least one byte, first begins in `bytes`; nil where it does not.
  package static func firstOffset(of pattern: [UInt8], in bytes: Span<UInt8>) -> Int? {
    guard let first = pattern.first else { return 0 }
    // SAFETY: only read, only during the call, and within `whole`, whose last bytes are too few for a match.
    return bytes.withUnsafeBytes { whole in
      guard let start = whole.baseAddress else { return nil }
      var offset = 0
      while offset <= whole.count - pattern.count {
        guard let found = memchr(start + offset, Int32(first), whole.count - pattern.count - offset + 1) else {
          return nil
        }
        offset = UnsafeRawPointer(found) - start
        if memcmp(found, pattern, pattern.count) == 0 { return offset }
        offset += 1
      }
      return nil
    }
  }
}
