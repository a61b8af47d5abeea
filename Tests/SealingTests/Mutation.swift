import TestKit

/// Damage as a network or an attacker does it: bits, bytes, lengths.
enum Mutation {
  /// `bytes` after one to three changes.
  static func of(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) { change(&bytes, &generator) }
    return bytes
  }

  private static func change(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: bytes.removeLast(min(bytes.count, Int.random(in: 1...40, using: &generator)))
    case 1: bytes += generator.bytes(Int.random(in: 1...40, using: &generator))
    case 2...3 where !bytes.isEmpty:
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = generator.bytes(1)[0]
    case 4 where bytes.count > 8:
      let start = Int.random(in: 0..<bytes.count - 8, using: &generator)
      bytes.replaceSubrange(start..<start + 8, with: generator.bytes(8))
    case _ where !bytes.isEmpty:
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    default: bytes = generator.bytes(16)
    }
  }
}
