import Foundation

extension TidyRule {
  /// Imports go downwards, and outside packages stay where they were admitted.
  static let imports: [TidyRule] = [
    TidyRule(
      name: "imports go downwards",
      check: { file, _ in
        guard file.isSwift, let target = target(of: file.path), let allowed = allowedImports(in: target) else {
          return []
        }
        return importedModules(file).filter { !isAllowed($0.module, in: file.path, allowed) }.map {
          Finding(
            path: file.path, line: $0.line,
            message: "imports go downwards: \(target) may not import \($0.module); the table is in ImportTable.swift")
        }
      },
      planted: [
        Planted("Sources/VXLAN/A.swift", "/// A.\nimport Forwarding", line: 2),
        Planted("Sources/Forwarding/A.swift", "import VXLAN\n@testable import LinuxIO", line: 2),
        Planted("Sources/Dataplane/A.swift", "import Foundation", line: 1),
        Planted("Sources/Dataplane/A.swift", "internal import NIOCore", line: 1),
        Planted("Sources/LinuxIO/A.swift", "import struct Dataplane.Batch", line: 1),
        Planted("Sources/VXLAN/A.swift", "import Glibc", line: 1),
        Planted("Tests/VXLANTests/A.swift", "import Testing\nimport Agent", line: 2),
      ],
      accepted: [
        SourceFile("Sources/Dataplane/A.swift", "import Forwarding\nimport LinuxIO\nimport VXLAN"),
        SourceFile("Sources/VXLAN/A.swift", "// import Agent\nlet a = \"\"\"\nimport Agent\n\"\"\""),
        SourceFile("Sources/VXLAN/IPAddress.swift", "import Glibc"),
        SourceFile("Tests/AgentTests/A.swift", "import Foundation\nimport Testing\n@testable import Agent"),
      ]),
    TidyRule(
      name: "targets are in the import table",
      check: { file, _ in
        guard file.isSwift, let target = target(of: file.path), allowedImports(in: target) == nil else { return [] }
        return [
          Finding(
            path: file.path, line: 1, message: "\(target) has no row in ImportTable.swift: say what it may import")
        ]
      },
      planted: [Planted("Sources/Novelty/A.swift", "let a = 1", line: 1)],
      accepted: [
        SourceFile("Sources/VXLAN/A.swift", "let a = 1"), SourceFile("Package.swift", "import PackageDescription"),
      ]),
  ]

  /// `VXLAN` for a file under `Sources/VXLAN`; nil outside the folders of targets.
  private static func target(of path: String) -> String? {
    let parts = path.split(separator: "/")
    guard parts.count > 2, ["Sources", "Tests", "Benchmarks"].contains(parts[0]) else { return nil }
    return String(parts[1])
  }

  private static func allowedImports(in target: String) -> Set<String>? {
    ImportTable.allowed[target]
  }

  private static func isAllowed(_ module: String, in path: String, _ allowed: Set<String>) -> Bool {
    allowed.contains(module) || module == "Swift" || ImportTable.exceptions[path]?.modules.contains(module) == true
  }

  /// The modules that a file imports, whatever stands before or behind the word.
  private static func importedModules(_ file: SourceFile) -> [(module: String, line: Int)] {
    let statement =
      #/
      ^\s* (?:@?\w+(?:\([^)]*\))?\s+)* import\s+
      (?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)? (\w+)
      /#
    return file.numbered(file.code, with: ["import"]).compactMap { number, line in
      line.firstMatch(of: statement).map { (String($0.output.1), number) }
    }
  }
}
