import Foundation

/// A link of a Markdown page, outside code.
struct MarkdownLink {
  let target: String
  /// From 1.
  let line: Int

  /// The links of a page in order.
  static func all(in file: SourceFile) -> [MarkdownLink] {
    var isCode = false
    var links: [MarkdownLink] = []
    for (number, line) in file.numbered(file.text) {
      if line.trimmingPrefix(while: \.isWhitespace).hasPrefix("```") { isCode.toggle() }
      guard !isCode, line.contains("](") else { continue }
      let prose = line.replacing(/`[^`]*`/, with: "")
      links += prose.matches(of: /\]\(([^)\s]+)\)/).map { MarkdownLink(target: String($0.output.1), line: number) }
    }
    return links
  }

  /// What is wrong with the link; nil when it leads somewhere, or out of the repository by name.
  func problem(in file: SourceFile, _ tree: SourceTree) -> String? {
    if target.contains("://") || target.hasPrefix("mailto:") { return nil }
    let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].isEmpty ? file.path : Self.resolved(String(parts[0]), from: file.path)
    guard let path, path.isEmpty || tree.paths.contains(path) else { return "no file \(target)" }
    guard parts.count == 2, path.hasSuffix(".md") else { return nil }
    let page = tree.files.first { $0.path == path }
    let headings = page.map { Self.headings(of: $0) } ?? []
    return headings.contains(String(parts[1])) ? nil : "no heading #\(parts[1]) in \(path)"
  }

  /// Relative to the root; nil when it leads out of the repository, and empty for the root.
  private static func resolved(_ target: String, from path: String) -> String? {
    var parts = path.split(separator: "/").dropLast().map(String.init)
    for part in target.split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(String(part))
      } else if parts.popLast() == nil {
        return nil
      }
    }
    return parts.joined(separator: "/")
  }

  /// The anchors that a page's headings get: lower case, spaces to hyphens, other signs left out.
  private static func headings(of file: SourceFile) -> Set<String> {
    Set(
      file.numbered(file.text).filter { $0.line.hasPrefix("#") }.map { _, line in
        line.drop { $0 == "#" }.trimmingPrefix(while: \.isWhitespace).lowercased()
          .replacing(" ", with: "-").filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      })
  }
}
