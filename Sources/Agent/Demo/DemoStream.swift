import Glibc

/// A stream of pseudo-random bytes that can be made again from any place, so that a receiver can compare every byte
/// with what must have been sent.
///
/// Byte `8 k + i` is octet `i`, lowest first, of the SplitMix64 output number `k` for the seed: it never repeats
/// within 2^64 words, so that a lost, doubled or moved block shows.
/// - SeeAlso: Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
package struct DemoStream: Sendable {
  package let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
  }

  /// Writes the bytes from `offset` (a multiple of 8) on into all of `buffer`, whose count is a multiple of 8.
  package func fill(_ buffer: inout [UInt8], from offset: Int) {
    precondition(offset >= 0 && offset % 8 == 0 && buffer.count % 8 == 0, "whole words only")
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    var counter = seed &+ UInt64(offset / 8) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index < bytes.byteCount {
      counter &+= 0x9E37_79B9_7F4A_7C15
      var word = counter
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      word ^= word >> 31
      bytes.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
      index += 8
    }
  }

  /// Where `bytes`, which begin at `offset`, first differ from the stream; nil when they do not.
  package func firstDifference(in bytes: ArraySlice<UInt8>, at offset: Int) -> Int? {
    let skew = offset % 8
    var expected = [UInt8](repeating: 0, count: (skew + bytes.count + 7) / 8 * 8)
    fill(&expected, from: offset - skew)
    // SAFETY: `expected` has at least `skew` and `bytes.count` bytes.
    let isEqual = unsafe bytes.withUnsafeBytes { received in
      unsafe expected.withUnsafeBytes { whole in
        guard let start = whole.baseAddress, let other = received.baseAddress else { return true }
        return unsafe memcmp(start + skew, other, received.count) == 0
      }
    }
    guard !isEqual else { return nil }
    return zip(expected.dropFirst(skew), bytes).enumerated().first { $1.0 != $1.1 }.map { offset + $0.offset }
  }
}
