import Sealing
import TestKit

/// Randomness that is the same for the same seed.
struct SeededEntropy: Entropy {
  var generator: SeededGenerator

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    bytes.copyBytes(from: generator.bytes(bytes.count))
  }
}
