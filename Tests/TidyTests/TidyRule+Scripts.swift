import Foundation

extension TidyRule {
  /// A script stops at the first failure and may be called as it is.
  static let shellScripts = TidyRule(
    name: "shell scripts stop at failures",
    check: { file, _ in
      guard file.isShellScript else { return [] }
      var findings: [Finding] = []
      if !file.text.contains("\nset -euo pipefail\n") {
        findings.append(Finding(path: file.path, line: 1, message: "no line 'set -euo pipefail'"))
      }
      if !file.isExecutable {
        findings.append(Finding(path: file.path, line: 1, message: "begins with #! but is not executable: chmod +x"))
      }
      return findings
    },
    planted: [
      Planted("scripts/a", "#!/usr/bin/env bash\necho a\n", line: 1, isExecutable: true),
      Planted("scripts/a", "#!/usr/bin/env bash\nset -euo pipefail\necho a\n", line: 1, isExecutable: false),
    ],
    accepted: [
      SourceFile("scripts/a", "#!/usr/bin/env bash\nset -euo pipefail\necho a\n", isExecutable: true),
      SourceFile("scripts/a.py", "#!/usr/bin/env python3\n"),
    ])

  /// A link in a page leads to a file that exists, and its anchor to a heading.
  static let links = TidyRule(
    name: "links resolve",
    check: { file, tree in
      guard file.isMarkdown else { return [] }
      return MarkdownLink.all(in: file).compactMap { link in
        link.problem(in: file, tree).map { Finding(path: file.path, line: link.line, message: $0) }
      }
    },
    planted: [
      Planted("README.md", "# A\n[b](docs/missing.md)", line: 2),
      Planted("docs/a.md", "[b](../../outside.md)", line: 1),
      Planted("docs/a.md", "# A\n\n[b](#c)", line: 3),
    ],
    accepted: [
      SourceFile(
        "docs/a.md",
        "# A b, c\n[d](a.md) [e](#a-b-c) [f](https://example.org/) [g](../docs/a.md#a-b-c) [h](.)\n"
          + "`[i](no.md)`\n```\n[j](no.md)\n```")
    ])
}
