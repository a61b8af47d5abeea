import Testing

/// A rule of the house, with texts that prove that it can fail.
struct TidyRule: Sendable, CustomTestStringConvertible {
  let name: String
  /// What in one file breaks the rule.
  let check: @Sendable (SourceFile, SourceTree) -> [Finding]
  /// Files that break the rule, each at one known line.
  let planted: [Planted]
  /// Files close to the border that keep it.
  let accepted: [SourceFile]

  /// A file that breaks a rule at one line.
  struct Planted: Sendable {
    let file: SourceFile
    let line: Int

    init(_ path: String, _ text: String, line: Int, isExecutable: Bool = false) {
      self.file = SourceFile(path, text, isExecutable: isExecutable)
      self.line = line
    }
  }

  var testDescription: String { name }

  /// Every rule. One that is missing here judges nothing.
  static let all: [TidyRule] =
    words + imports + [unsafeTypes, purity, fileLength, functionLength, lineLength, fileNames, machinePaths]
    + [shellScripts, links]

  /// A rule that is one pattern per line of code, or of the text when comments and literals count too. Only lines that
  /// have one of `words` are tried, when there are any.
  static func forbidding(
    _ name: String, inText: Bool = false, where applies: @escaping @Sendable (SourceFile) -> Bool,
    words: [String] = [], line matches: @escaping @Sendable (Substring) -> Bool = { _ in true }, instead: String,
    planted: [Planted], accepted: [SourceFile]
  ) -> TidyRule {
    TidyRule(
      name: name,
      check: { file, _ in
        guard applies(file) else { return [] }
        let text = inText ? file.text : file.code
        return (words.isEmpty ? file.numbered(text) : file.numbered(text, with: words)).filter { matches($0.line) }
          .map { Finding(path: file.path, line: $0.number, message: "\(name): \(instead)") }
      }, planted: planted, accepted: accepted)
  }
}
