import Foundation

/// Where a function, initialiser, subscript or computed property begins, and how many lines it has.
struct FunctionSpan: Equatable {
  /// `learn` for `func learn(...)`, else the keyword or the property's name.
  let name: String
  /// From 1.
  let line: Int
  /// From the declaration to the closing brace, both included.
  let lineCount: Int

  /// Those that have a body, in order, nested ones too. `code` is blanked (`SwiftText`); braces are counted.
  static func all(in code: String) -> [FunctionSpan] {
    let bytes = Array(code.utf8)
    let declaration =
      #/
      \bfunc\s+([^\s(<]+)
      | (?:^|[^.\w])(init|deinit|subscript)\b
      | \bvar\s+(\w+)\s*:[^={}\n]*\{
      /#
    return code.matches(of: declaration.onCodeWords).compactMap { match in
      guard let name = match.output.1 ?? match.output.2 ?? match.output.3 else { return nil }
      let start = code.utf8.distance(from: code.startIndex, to: name.startIndex)
      guard let end = endOfBody(in: bytes, from: start) else { return nil }
      let breaks = bytes[start..<end].count { $0 == UInt8(ascii: "\n") }
      let line = bytes[..<start].count { $0 == UInt8(ascii: "\n") } + 1
      return FunctionSpan(name: String(name), line: line, lineCount: breaks + 1)
    }
  }

  /// The offset of the brace that closes the body of the declaration at `start`; nil when it has no body.
  private static func endOfBody(in bytes: [UInt8], from start: Int) -> Int? {
    var parentheses = 0
    var braces = 0
    for offset in start..<bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
      case UInt8(ascii: "{"): braces += 1
      case UInt8(ascii: "}"):
        braces -= 1
        if braces == 0 { return offset }
      case UInt8(ascii: "\n") where braces == 0 && parentheses == 0:
        if !continues(bytes[(offset + 1)...]) { return nil }
      default: break
      }
      if braces < 0 || parentheses < 0 { return nil }
    }
    return nil
  }

  /// Whether a signature goes on in the lines that follow it.
  private static func continues(_ rest: ArraySlice<UInt8>) -> Bool {
    let text = String(decoding: rest.prefix(200).drop { $0 == 32 || $0 == 10 }.prefix(8), as: UTF8.self)
    return ["{", "->", "throws", "async", "where", "reasync"].contains { text.hasPrefix($0) }
  }
}
