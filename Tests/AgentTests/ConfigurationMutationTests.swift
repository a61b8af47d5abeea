import Testing

@testable import Agent

@Suite("Configuration mutations")
struct ConfigurationMutationTests {
  /// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64).
  private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }

  private static let fragments = [
    "&a ", "*a", "---\n", "...\n", "\t", "\r", "\n", ": ", "- ", "? ", "[", "]", "{", "}", ",", "'", "\"", "|\n",
    ">-\n", "!!int ", "! ", "#", " #", "%YAML 1.1\n", "<<: ", "~", "\\x", "\u{85}", "\u{2028}", "\u{FEFF}", "0x", "-",
    "999999999999", "\"\\uD800\"", "@", "`",
  ].map { Array($0.utf8) }

  @Test("20,000 mutations of a valid file are each accepted or refused with a line within the file")
  func mutations() {
    let seed: UInt64 = 0x76_74_65_70
    var random = SeededGenerator(state: seed)
    let valid = Array(ConfigurationSamples.full.utf8)
    var accepted = 0
    var refused = 0
    for round in 0..<20_000 {
      var bytes = valid
      for _ in 0...Int.random(in: 0...3, using: &random) { mutate(&bytes, &random) }
      do {
        _ = try Configuration.parse(bytes: bytes, file: "f")
        accepted += 1
      } catch {
        refused += 1
        let lineCount = 1 + bytes.count { $0 == 0x0A || $0 == 0x0D }
        let isSound =
          !error.problems.isEmpty
          && error.problems.allSatisfy {
            (1...lineCount).contains($0.line ?? 1) && !$0.message.isEmpty
          }
        if !isSound {
          Issue.record("seed \(seed), round \(round): \(error)\n\(String(decoding: bytes, as: UTF8.self))")
          return
        }
      }
    }
    #expect(accepted > 500 && refused > 10_000, "seed \(seed): \(accepted) accepted, \(refused) refused")
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let position = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, position + Int.random(in: 1...40, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[position] = UInt8.random(in: 0x20...0x7E, using: &random)
    case 2: bytes.removeSubrange(position..<end)
    case 3: bytes.insert(contentsOf: bytes[position..<end], at: Int.random(in: 0...bytes.count, using: &random))
    case 4: bytes.insert(contentsOf: Self.fragments.randomElement(using: &random) ?? [], at: position)
    default: bytes.removeSubrange(position...)
    }
  }
}
