/// SipHash-1-3 over 64-bit words: a hash that nobody can steer who does not know the key.
///
/// The tables and the choice of source ports use it, so chosen addresses cannot degrade them. The words are taken as
/// they are; the count of words is mixed in at the end, as the reference does with the length in bytes.
/// - SeeAlso: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
package struct KeyedHash: Sendable {
  /// The 128 bits of the key.
  @usableFromInline let key0: UInt64
  @usableFromInline let key1: UInt64

  @inlinable
  package init(key0: UInt64, key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The hash of one word.
  @inlinable @inline(__always)
  package func callAsFunction(_ word: UInt64) -> UInt64 {
    var state = State(self)
    state.combine(word)
    return state.finish()
  }

  /// The hash of two words.
  @inlinable @inline(__always)
  package func callAsFunction(_ first: UInt64, _ second: UInt64) -> UInt64 {
    var state = State(self)
    state.combine(first)
    state.combine(second)
    return state.finish()
  }

  /// A hash under way.
  @frozen
  package struct State {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64
    @usableFromInline var byteCount: UInt64 = 0

    @inlinable @inline(__always)
    package init(_ hash: KeyedHash) {
      v0 = hash.key0 ^ 0x736f_6d65_7073_6575
      v1 = hash.key1 ^ 0x646f_7261_6e64_6f6d
      v2 = hash.key0 ^ 0x6c79_6765_6e65_7261
      v3 = hash.key1 ^ 0x7465_6462_7974_6573
    }

    @inlinable @inline(__always)
    package mutating func combine(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
      byteCount &+= 8
    }

    @inlinable @inline(__always)
    package mutating func finish() -> UInt64 {
      let last = byteCount << 56
      v3 ^= last
      round()
      v0 ^= last
      v2 ^= 0xff
      round()
      round()
      round()
      return v0 ^ v1 ^ v2 ^ v3
    }

    @inlinable @inline(__always)
    mutating func round() {
      v0 = v0 &+ v1
      v1 = v1 &<< 13 | v1 &>> 51
      v1 ^= v0
      v0 = v0 &<< 32 | v0 &>> 32
      v2 = v2 &+ v3
      v3 = v3 &<< 16 | v3 &>> 48
      v3 ^= v2
      v0 = v0 &+ v3
      v3 = v3 &<< 21 | v3 &>> 43
      v3 ^= v0
      v2 = v2 &+ v1
      v1 = v1 &<< 17 | v1 &>> 47
      v1 ^= v2
      v2 = v2 &<< 32 | v2 &>> 32
    }
  }
}
