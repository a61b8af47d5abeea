/// What somebody at the terminal of `vtep top` wants.
package enum TopKey: Equatable, Sendable {
  case quit
  case help
  case pause
  case invert
  case sort(TopOrder.Column)
  /// The column so many places further on.
  case step(Int)

  /// The keys in what a terminal sent; what means nothing is passed over.
  package static func keys(in bytes: [UInt8]) -> [TopKey] {
    var keys: [TopKey] = []
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      if byte == 0x1B {
        keys += key(ofSequence: &rest).map { [$0] } ?? []
      } else if let key = key(of: Character(Unicode.Scalar(byte))) {
        keys.append(key)
      }
    }
    return keys
  }

  private static func key(of character: Character) -> TopKey? {
    switch character {
    case "q", "Q", "\u{3}", "\u{4}": .quit
    case "h", "?": .help
    case "p", " ": .pause
    case "i": .invert
    case "n": .sort(.name)
    case "r": .sort(.rx)
    case "t": .sort(.tx)
    case "f": .sort(.frames)
    case "b": .sort(.bits)
    case "<": .step(-1)
    case ">": .step(1)
    default: nil
    }
  }

  /// Behind an escape, taken from `rest`: the arrows to the left and to the right (ECMA-48, CUB and CUF).
  private static func key(ofSequence rest: inout ArraySlice<UInt8>) -> TopKey? {
    guard let introducer = rest.first, [UInt8(ascii: "["), UInt8(ascii: "O")].contains(introducer) else { return nil }
    rest.removeFirst()
    while let byte = rest.popFirst() {
      // The final byte of a sequence.
      guard (0x40...0x7E).contains(byte) else { continue }
      return byte == UInt8(ascii: "C") ? .step(1) : byte == UInt8(ascii: "D") ? .step(-1) : nil
    }
    return nil
  }
}
