/// Swift source with everything blanked that is not code, so that rules and brace counting read code only.
///
/// Comments and the insides of string literals become spaces; line breaks and quotes stay, so lines keep their
/// numbers. Code inside an interpolation counts as inside the literal. Regex literals are read as code.
struct SwiftText {
  private let input: [UInt8]
  private var output: [UInt8]
  private var index = 0

  /// The text with comments and literals blanked, as long as before.
  static func blanked(_ text: String) -> String {
    var scanner = SwiftText(text)
    scanner.scanCode(untilParenthesis: false)
    return String(decoding: scanner.output, as: UTF8.self)
  }

  private init(_ text: String) {
    self.input = Array(text.utf8)
    self.output = input
  }

  private func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
    let start = index + offset
    guard start + text.utf8CodeUnitCount <= input.count, input[start] == text.utf8Start.pointee else { return false }
    return text.withUTF8Buffer { $0.elementsEqual(input[start..<(start + text.utf8CodeUnitCount)]) }
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<count where index < input.count {
      if input[index] != UInt8(ascii: "\n") { output[index] = UInt8(ascii: " ") }
      index += 1
    }
  }

  /// Reads code to the end, or to the parenthesis that closes an interpolation.
  private mutating func scanCode(untilParenthesis: Bool) {
    var depth = 0
    while index < input.count {
      if starts("//") {
        while index < input.count, input[index] != UInt8(ascii: "\n") { blank(1) }
      } else if starts("/*") {
        scanBlockComment()
      } else if let hashes = hashesBeforeQuote() {
        scanLiteral(hashes: hashes)
      } else {
        if input[index] == UInt8(ascii: "(") { depth += 1 }
        if input[index] == UInt8(ascii: ")") {
          depth -= 1
          if untilParenthesis, depth < 0 { return }
        }
        index += 1
      }
    }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        blank(2)
      } else if starts("*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && index < input.count
  }

  /// How many `#` stand before a quote that begins here; nil when no literal begins here.
  private func hashesBeforeQuote() -> Int? {
    var count = 0
    while index + count < input.count, input[index + count] == UInt8(ascii: "#") { count += 1 }
    guard index + count < input.count, input[index + count] == UInt8(ascii: "\"") else { return nil }
    return count
  }

  private mutating func scanLiteral(hashes: Int) {
    index += hashes
    let quotes = starts("\"\"\"") ? 3 : 1
    index += quotes
    while index < input.count {
      if closes(quotes: quotes, hashes: hashes) {
        index += quotes + hashes
        return
      }
      if quotes == 1, input[index] == UInt8(ascii: "\n") { return }
      if input[index] == UInt8(ascii: "\\"), hasHashes(hashes, at: 1) {
        scanEscape(hashes: hashes)
      } else {
        blank(1)
      }
    }
  }

  private mutating func scanEscape(hashes: Int) {
    let isInterpolation = starts("(", at: 1 + hashes)
    let start = index + 2 + hashes
    blank(2 + hashes)
    guard isInterpolation else { return }
    scanCode(untilParenthesis: true)
    for place in start..<min(index + 1, input.count) where input[place] != UInt8(ascii: "\n") {
      output[place] = UInt8(ascii: " ")
    }
    blank(1)
  }

  private func hasHashes(_ count: Int, at offset: Int) -> Bool {
    (0..<count).allSatisfy { starts("#", at: offset + $0) }
  }

  private func closes(quotes: Int, hashes: Int) -> Bool {
    (0..<quotes).allSatisfy { starts("\"", at: $0) } && hasHashes(hashes, at: quotes)
  }
}
