import Yams

/// The one YAML document of a configuration file, as nodes with their lines.
///
/// Nothing is resolved: `on`, `1:30` and `0x1F` stay the text that they are, and the keys' readers judge them.
struct ConfigurationDocument {
  let root: Node

  /// - Throws: what is wrong with the YAML, with its line.
  init(_ source: ConfigurationText) throws(ConfigurationProblem) {
    let composed: Node?
    do {
      composed = try Parser(yaml: source.text, resolver: .basic, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw Self.problem(error, in: source)
    } catch {
      throw ConfigurationProblem(line: nil, message: "cannot be parsed: \(error)")
    }
    guard let composed, !Self.isNull(composed) else {
      throw ConfigurationProblem(
        line: 1, message: "the configuration is empty; it needs at least local: with an address, and segments:")
    }
    self.root = composed
  }

  /// Whether the node is nothing: an absent value, `~` or `null`.
  static func isNull(_ node: Node) -> Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// The line of the value at the end of `path`, or of as much of the way as there is.
  func line(of path: [String]) -> Int? {
    var (node, line) = (root, root.mark?.line)
    for name in path {
      guard case .mapping(let mapping) = node,
        let (key, value) = mapping.first(where: { $0.key.scalar?.string == name })
      else { return line }
      (node, line) = (value, value.mark?.line ?? key.mark?.line)
    }
    return line
  }

  private static func problem(_ error: YamlError, in source: ConfigurationText) -> ConfigurationProblem {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      let line = min(mark.line, source.lineCount)
      return ConfigurationProblem(line: line, message: syntaxMessage(problem, context, line: line, in: source))
    case .composer(_, let problem, let mark, _):
      let isSecond = problem.contains("another document")
      return ConfigurationProblem(
        line: min(mark.line, source.lineCount),
        message: isSecond ? "a second document starts here; a file holds one, without a --- between" : problem)
    case .duplicatedKeysInMapping(let keys, let context):
      return duplicate(keys.first ?? "", first: context.mark, in: source)
    case .reader(let problem, _, _, _):
      return ConfigurationProblem(line: nil, message: "cannot be read as YAML: \(problem)")
    default:
      return ConfigurationProblem(line: nil, message: "cannot be parsed: \(error)")
    }
  }

  private static func syntaxMessage(
    _ problem: String, _ context: YamlError.Context?, line: Int, in source: ConfigurationText
  ) -> String {
    let indentation = lines(of: source)[line - 1].prefix { $0 == " " || $0 == "\t" }
    if indentation.contains("\t") {
      return "a tab in the indentation; YAML is indented with spaces only"
    }
    if problem.contains("nesting level") {
      return "lists or mappings are nested too deeply; no key needs more than five levels"
    }
    let start = context.map { " (\($0.text), which starts in line \($0.mark.line))" } ?? ""
    return "not YAML: \(problem)\(start); check the indentation, colons, quotes and brackets here and just above"
  }

  /// The parser names the first of several equal keys; the later one is where somebody has to look.
  private static func duplicate(
    _ key: String, first: Mark, in source: ConfigurationText
  ) -> ConfigurationProblem {
    let message = "the key \(key) stands twice in one mapping, first in line \(first.line); keep one of them"
    for (index, line) in lines(of: source).enumerated().dropFirst(first.line) {
      let before = line.prefix(first.column - 1)
      guard before.allSatisfy({ $0 == " " }) else {
        if line.contains(where: { $0 != " " }), !line.drop(while: { $0 == " " }).hasPrefix("#") { break }
        continue
      }
      if isKey(key, at: line.dropFirst(first.column - 1)) {
        return ConfigurationProblem(line: index + 1, message: message)
      }
    }
    return ConfigurationProblem(line: first.line, message: message)
  }

  private static func isKey(_ key: String, at text: Substring) -> Bool {
    for spelling in [key, "\"\(key)\"", "'\(key)'"] where text.hasPrefix(spelling) {
      if text.dropFirst(spelling.count).drop(while: { $0 == " " }).hasPrefix(":") { return true }
    }
    return false
  }

  private static func lines(of source: ConfigurationText) -> [Substring] {
    source.text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }
}
