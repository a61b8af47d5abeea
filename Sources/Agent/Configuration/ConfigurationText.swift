/// The bytes of a configuration file as text that the YAML parser can be trusted with.
///
/// What exists is valid UTF-8, not too long, and free of control characters, anchors and aliases: an alias can make
/// a file of a few lines into a tree of any size, and no key of ours needs one.
struct ConfigurationText {
  let text: String

  /// - Throws: the first problem, with its line.
  init(_ bytes: [UInt8]) throws(ConfigurationProblem) {
    let limit = Configuration.Limits.fileByteCountMax
    guard bytes.count <= limit else {
      throw ConfigurationProblem(
        line: nil, message: "the file is longer than \(limit / 1024) KiB; no configuration needs that much")
    }
    let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes[3...]) : bytes
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationProblem(
        line: Self.lineOfBadUTF8(bytes), message: "a byte that is not UTF-8; save the file as UTF-8")
    }
    try Self.refuseControlCharacters(text)
    if let line = ReferenceScanner.firstLine(in: bytes) {
      throw ConfigurationProblem(
        line: line,
        message: "YAML anchors (&name) and aliases (*name) are not accepted, nor text that looks like one; write the"
          + " value out")
    }
    self.text = text
  }

  /// How many lines there are, at least 1. An end of file after a line's end is no line.
  var lineCount: Int {
    let breaks = text.utf8.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
    return max(1, text.utf8.last == 0x0A ? breaks : breaks + 1)
  }

  /// A newline byte is never part of another character, so the whole is valid exactly when each line is.
  private static func lineOfBadUTF8(_ bytes: [UInt8]) -> Int {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    return 1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
  }

  private static func refuseControlCharacters(_ text: String) throws(ConfigurationProblem) {
    // Most files are plain ASCII, which bytes tell sooner than characters.
    guard text.utf8.contains(where: { $0 > 0x7E || ($0 < 0x20 && $0 != 0x0A) }) else { return }
    var line = 1
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A: line += 1
      case 0x09, 0x0D, 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x1_0000...:
        continue
      default:
        let code = String(scalar.value, radix: 16, uppercase: true)
        throw ConfigurationProblem(
          line: line,
          message: "the character U+\(String(repeating: "0", count: max(0, 4 - code.count)))\(code) cannot stand in"
            + " a configuration; remove it")
      }
    }
  }
}

/// Finds anchors and aliases before the parser does.
///
/// A small automaton that follows every reading at once: where a quote may or may not open a quoted text, both are
/// kept. So it misses no reference, and takes something else for one only in quoted text with a word that starts with
/// `*` or `&`, which no value of ours has.
private struct ReferenceScanner {
  /// What the next byte may be part of.
  struct Readings: OptionSet {
    let rawValue: UInt8
    static let outside = Readings(rawValue: 1)
    static let comment = Readings(rawValue: 2)
    static let singleQuoted = Readings(rawValue: 4)
    /// After the first of two single quotes, which stand for one.
    static let singleQuotedPair = Readings(rawValue: 8)
    static let doubleQuoted = Readings(rawValue: 16)
    /// After a backslash.
    static let doubleQuotedEscape = Readings(rawValue: 32)
  }

  /// The line of the first anchor or alias, counted from 1; nil without any. Time: linear.
  static func firstLine(in bytes: [UInt8]) -> Int? {
    var readings: Readings = .outside
    var line = 1
    for index in bytes.indices {
      // A letter starts and ends nothing, except the second half of a pair or an escape.
      if isAlphanumeric(bytes[index]), readings.isDisjoint(with: [.singleQuotedPair, .doubleQuotedEscape]) { continue }
      let previous = index > 0 ? bytes[index - 1] : newline
      let next = index + 1 < bytes.count ? bytes[index + 1] : newline
      if readings.contains(.outside), isReference(bytes[index], after: previous, before: next) { return line }
      readings = step(readings, bytes[index], after: previous, before: next)
      if bytes[index] == newline { line += 1 }
    }
    return nil
  }

  private static let newline = UInt8(ascii: "\n")

  private static func isReference(_ byte: UInt8, after previous: UInt8, before next: UInt8) -> Bool {
    guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "&") else { return false }
    let canPrecede = isSpace(previous) || "[]{},:\"'".utf8.contains(previous)
    return canPrecede && (isAlphanumeric(next) || next == UInt8(ascii: "_") || next == UInt8(ascii: "-"))
  }

  private static func step(_ now: Readings, _ byte: UInt8, after previous: UInt8, before next: UInt8) -> Readings {
    let isLineEnd = byte == newline || byte == UInt8(ascii: "\r")
    var then: Readings = []
    if now.contains(.outside) {
      if byte == UInt8(ascii: "#"), isSpace(previous) {
        then.insert(.comment)
      } else {
        then.insert(.outside)
        if byte == UInt8(ascii: "'"), !isAlphanumeric(previous) { then.insert(.singleQuoted) }
        if byte == UInt8(ascii: "\""), !isAlphanumeric(previous) { then.insert(.doubleQuoted) }
      }
    }
    if now.contains(.comment) { then.insert(isLineEnd ? .outside : .comment) }
    if now.contains(.singleQuoted) {
      let isQuote = byte == UInt8(ascii: "'")
      then.insert(!isQuote ? .singleQuoted : next == byte ? .singleQuotedPair : .outside)
    }
    if now.contains(.singleQuotedPair) { then.insert(.singleQuoted) }
    if now.contains(.doubleQuoted) {
      then.insert(
        byte == UInt8(ascii: "\"") ? .outside : byte == UInt8(ascii: "\\") ? .doubleQuotedEscape : .doubleQuoted)
    }
    if now.contains(.doubleQuotedEscape) { then.insert(.doubleQuoted) }
    return then
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == newline || byte == UInt8(ascii: "\r")
  }

  /// Letters, digits and every byte above ASCII.
  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
      true
    default: false
    }
  }
}
