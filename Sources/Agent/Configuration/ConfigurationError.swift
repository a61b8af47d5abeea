/// One thing that is wrong with a configuration.
package struct ConfigurationProblem: Error, Equatable, Sendable {
  /// Counted from 1; nil when the file as a whole is meant.
  package let line: Int?
  /// What is wrong and what would be right, without a full stop.
  package let message: String

  package init(line: Int?, message: String) {
    self.line = line
    self.message = message
  }
}

/// Everything that was found wrong with a configuration file. Nothing of such a file is used.
package struct ConfigurationError: Error, Equatable, Sendable {
  /// As the user named it.
  package let file: String
  /// Sorted by line, at least one.
  package let problems: [ConfigurationProblem]

  package init(file: String, problems: [ConfigurationProblem]) {
    self.file = file
    // Stable: problems of one line stay in the order in which they were found.
    self.problems = problems.enumerated()
      .sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
      .map(\.element)
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// One line per problem, `FILE:LINE: what is wrong and what would be right`, without a final newline.
  package var description: String {
    let limit = Configuration.Limits.problemCountMax
    var lines = problems.prefix(limit).map { problem in
      problem.line.map { "\(file):\($0): \(problem.message)" } ?? "\(file): \(problem.message)"
    }
    if problems.count > limit { lines.append("\(file): and \(problems.count - limit) more problems") }
    return lines.joined(separator: "\n")
  }
}

/// Where readers put what they find. One reader, one thread.
final class ProblemList {
  private(set) var problems: [ConfigurationProblem] = []
  /// What the lines in messages are.
  var places = ConfigurationPlaces()

  /// More will be counted, not listed, so their text is not worth much work.
  var isLong: Bool { problems.count > Configuration.Limits.problemCountMax }

  func add(_ line: Int?, _ message: String) {
    problems.append(ConfigurationProblem(line: line, message: message))
  }
}
