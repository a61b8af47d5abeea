import VXLAN

/// A number of 64 bits for bytes and words: the same for the same, another for almost all others. Not against those who
/// want to deceive: findings that rest on it say which packets they compare.
struct Digest {
  private var state: UInt64

  init(seed: UInt64) { state = seed ^ 0x2D35_8DCC_AA6C_78A5 }

  @inline(__always)
  mutating func combine(_ word: UInt64) {
    let product = (state ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    state = product.low ^ product.high &+ 0x8BB8_4B93_962E_ACC9
  }

  /// The first 64 bytes and the last eight; the rest is left to the sum that the caller adds.
  @inline(__always)
  mutating func combineEdges(of bytes: borrowing Span<UInt8>) {
    var offset = 0
    while offset &+ 8 <= min(bytes.count, 64) {
      combine(bytes.bigEndian64(at: offset))
      offset &+= 8
    }
    if bytes.count >= 8 { combine(bytes.bigEndian64(at: bytes.count &- 8)) }
    combine(UInt64(truncatingIfNeeded: bytes.count))
  }

  mutating func combine(_ address: IPAddress) {
    combine(address.high)
    combine(address.low)
  }

  @inline(__always) var value: UInt64 { state }
}
