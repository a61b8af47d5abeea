import Foundation

/// One text file of the repository, or a planted one of a test.
struct SourceFile: Sendable {
  /// Relative to the root of the repository, such as `Sources/VXLAN/VNI.swift`.
  let path: String
  /// The whole text as it stands.
  let text: String
  /// The text with comments and the insides of string literals blanked, line for line; the text itself if not Swift.
  let code: String
  /// Whether the file may be executed.
  let isExecutable: Bool

  init(_ path: String, _ text: String, isExecutable: Bool = false) {
    self.path = path
    self.text = text
    self.isExecutable = isExecutable
    self.code = path.hasSuffix(".swift") ? SwiftText.blanked(text) : text
  }

  /// The last part of the path.
  var name: String { String(path.split(separator: "/").last ?? "") }
  /// What follows the last dot of the name; empty without one.
  var suffix: String { name.contains(".") ? String(name.split(separator: ".").last ?? "") : "" }
  var isSwift: Bool { suffix == "swift" }
  var isMarkdown: Bool { suffix == "md" }
  /// Begins with `#!` and names a shell.
  var isShellScript: Bool { text.hasPrefix("#!") && (lines(of: text).first ?? "").hasSuffix("sh") }
  /// Swift, C, Python or shell: what lines, sizes and marks are judged in.
  var isProgram: Bool { ["swift", "c", "h", "py"].contains(suffix) || isShellScript }

  /// The lines of `text` or `code`, from 1, with their numbers.
  func numbered(_ text: String) -> [(number: Int, line: Substring)] {
    lines(of: text).enumerated().map { ($0.offset + 1, $0.element) }
  }

  /// Those of them that have one of `words`: what a pattern has to be tried on.
  func numbered(_ text: String, with words: [String]) -> [(number: Int, line: Substring)] {
    guard text.has(oneOf: words) else { return [] }
    return numbered(text).filter { $0.line.has(oneOf: words) }
  }

  private func lines(of text: String) -> [Substring] {
    text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Substring.init)
  }
}

/// One place that breaks a rule.
struct Finding: Equatable, CustomStringConvertible {
  let path: String
  /// From 1.
  let line: Int
  let message: String

  var description: String { "\(path):\(line): \(message)" }
}
