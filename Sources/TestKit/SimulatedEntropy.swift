import Sealing

/// Randomness that is the same for the same seed, for sessions in simulations.
package struct SimulatedEntropy: Entropy {
  private var generator: SeededGenerator

  package init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  // SAFETY: fills the caller's buffer, and keeps nothing of it.
  package mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    bytes.copyBytes(from: generator.bytes(bytes.count))
  }
}
