import Foundation

extension TidyRule {
  private static let lineCountMax = 400
  private static let functionLineCountMax = 70
  private static let columnCountMax = 120

  /// A file tells about one noun; what is longer needs an allowance with a reason.
  static let fileLength = TidyRule(
    name: "files of at most \(lineCountMax) lines",
    check: { file, _ in
      let count = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
      let limit = SizeAllowances.files[file.path]?.lines ?? lineCountMax
      guard file.isProgram, count > limit + 1 else { return [] }
      return [Finding(path: file.path, line: limit + 1, message: "\(count - 1) lines, more than \(limit): split it")]
    },
    planted: [
      Planted("Sources/VXLAN/A.swift", String(repeating: "\n", count: lineCountMax + 1), line: lineCountMax + 1)
    ],
    accepted: [
      SourceFile("Sources/VXLAN/A.swift", String(repeating: "\n", count: lineCountMax)),
      SourceFile("docs/a.md", String(repeating: "\n", count: lineCountMax + 1)),
    ])

  /// A function fits a screen; what is longer needs an allowance with a reason.
  static let functionLength = TidyRule(
    name: "functions of at most \(functionLineCountMax) lines",
    check: { file, _ in
      guard file.isSwift else { return [] }
      return FunctionSpan.all(in: file.code).compactMap { span in
        let limit = SizeAllowances.functions["\(file.path) \(span.name)"]?.lines ?? functionLineCountMax
        guard span.lineCount > limit else { return nil }
        return Finding(
          path: file.path, line: span.line, message: "\(span.name) has \(span.lineCount) lines, more than \(limit)")
      }
    },
    planted: [
      Planted("Sources/VXLAN/A.swift", "let a = 1\n" + function(ofLines: functionLineCountMax + 1), line: 2)
    ],
    accepted: [
      SourceFile("Sources/VXLAN/A.swift", function(ofLines: functionLineCountMax)),
      SourceFile(
        "Sources/VXLAN/A.swift", function(ofLines: 60) + "\n" + function(ofLines: 60) + "\nprotocol A { func a() }"),
    ])

  private static func function(ofLines count: Int) -> String {
    "func a() {\n" + String(repeating: "  b(\"}\")  // }\n", count: count - 2) + "}"
  }

  /// Lines fit two side by side.
  static let lineLength = forbidding(
    "lines of at most \(columnCountMax) columns", inText: true, where: \.isProgram,
    line: { $0.utf8.count > columnCountMax && $0.count > columnCountMax }, instead: "break it",
    planted: [Planted("Sources/VXLAN/A.swift", "\n// " + String(repeating: "a", count: columnCountMax - 2), line: 2)],
    accepted: [
      SourceFile("Sources/VXLAN/A.swift", "// " + String(repeating: "ä", count: columnCountMax - 3)),
      SourceFile("docs/a.md", String(repeating: "a", count: columnCountMax + 1)),
    ])
}
