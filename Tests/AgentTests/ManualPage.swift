import Foundation

/// A page of the manual, as it is written (mdoc(7)).
struct ManualPage {
  /// A command with what its head line and its list of options name.
  struct Command: Equatable {
    var headOptions: Set<String> = []
    var listedOptions: Set<String> = []
  }

  private let lines: [Substring]

  /// - Parameter name: the file under `packaging/man`.
  init(named name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("packaging/man/\(name)"), encoding: .utf8)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Every command by its words, as `fdb add`.
  var commands: [String: Command] {
    var commands: [String: Command] = [:]
    var name: String?
    var isInHead = false
    for line in lines {
      if line.hasPrefix(".Sh") || line.hasPrefix(".Ss") { name = nil }
      if line == ".It Xo" { isInHead = true }
      if line == ".Xc" { isInHead = false }
      let isHead = line.hasPrefix(".It Nm Cm ") || isInHead && line.hasPrefix(".Nm Cm ")
      if isHead, let words = line.wholeMatch(of: /\.(?:It )?Nm Cm ((?:[a-z]+(?: |$))+).*/)?.1 {
        name = words.trimmingCharacters(in: .whitespaces)
      }
      guard let name else { continue }
      let options = Self.options(in: line)
      if isHead || isInHead { commands[name, default: Command()].headOptions.formUnion(options) }
      if line.hasPrefix(".It Fl ") { commands[name, default: Command()].listedOptions.formUnion(options) }
    }
    return commands
  }

  /// The options that a section lists for all its commands.
  func options(ofSection title: String) -> Set<String> {
    let listed = section(title).prefix { !$0.contains("Nm Cm") }.filter { $0.hasPrefix(".It Fl ") }
    return Set(listed.flatMap { Self.options(in: $0) })
  }

  /// The keys that a section lists, each with its text.
  func keys(ofSection title: String) -> [String: String] {
    var keys: [String: String] = [:]
    var key: String?
    for line in section(title) {
      if let name = line.wholeMatch(of: /\.It Ic ([a-z0-9-]+)/)?.1 {
        key = String(name)
      } else if let key {
        keys[key, default: ""] += line + "\n"
      }
    }
    return keys
  }

  private func section(_ title: String) -> ArraySlice<Substring> {
    lines.drop { $0 != ".Sh \(title)" }.dropFirst().prefix { !$0.hasPrefix(".Sh") }
  }

  /// `Fl -config Ar file` is `--config`, `Fl j | -json` both.
  private static func options(in line: Substring) -> [String] {
    line.matches(of: /\bFl (-?[A-Za-z0-9-]+)(?: [|,] (-[a-z-]+))?/).flatMap { match in
      [match.1, match.2].compactMap { $0 }.map { "-\($0)" }
    }
  }
}
