/// Where the parts of a configuration stand: lines of a file, and behind its last one, in order, what was added at run
/// time.
struct ConfigurationPlaces {
  private let lineCount: Int
  private let additions: [String]
  /// The one that is being added, of which no message needs to say what it is.
  private let newest: Int?

  /// - Parameter lineCount: of the file.
  init(_ changes: RunTimeChanges = RunTimeChanges(), behindLine lineCount: Int = .max) {
    self.lineCount = lineCount
    additions = changes.additions.map(\.description)
    newest = changes.newestIndex
  }

  /// The line that stands for an addition.
  func line(ofAddition index: Int) -> Int { lineCount + 1 + index }

  /// For people: `line 12`, or what was added.
  func text(_ line: Int) -> String {
    addition(at: line).map { "\(additions[$0]), added at run time" } ?? "line \(line)"
  }

  /// `error` with what was added named where the file has no line.
  func resolved(_ error: ConfigurationError) -> ConfigurationError {
    let problems = error.problems.map { problem in
      guard let line = problem.line, let index = addition(at: line) else { return problem }
      let message = index == newest ? problem.message : "\(text(line)): \(problem.message)"
      return ConfigurationProblem(line: nil, message: message)
    }
    return ConfigurationError(file: error.file, problems: problems)
  }

  private func addition(at line: Int) -> Int? {
    guard line > lineCount, additions.indices.contains(line - lineCount - 1) else { return nil }
    return line - lineCount - 1
  }
}
