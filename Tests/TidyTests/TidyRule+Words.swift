import Foundation

extension TidyRule {
  /// Words and marks that may not stand in programs.
  static let words: [TidyRule] = [forcedTry, forcedCast, emptyCatch, fatal, fixme, todo]

  private static let forcedTry = forbidding(
    "no forced try", where: \.isSwift, words: ["try!"], instead: "handle the error or pass it on",
    planted: [Planted("Sources/Agent/A.swift", "let a = 1\nlet b = try! c()", line: 2)],
    accepted: [SourceFile("Sources/Agent/A.swift", "// try! is refused\nlet a = \"try! it\"\nlet b = try? c()")])

  private static let forcedCast = forbidding(
    "no forced cast", where: \.isSwift, words: ["as!"], line: { $0.contains(/\bas!/.onCodeWords) },
    instead: "use as? and say what else may come",
    planted: [Planted("Tests/AgentTests/A.swift", "let b = c as! Int", line: 1)],
    accepted: [SourceFile("Tests/AgentTests/A.swift", "let b = c as? Int\nlet d = \"as!\"\nlet e = has!=1")])

  private static let emptyCatch = TidyRule(
    name: "no empty catch",
    check: { file, _ in
      guard file.isSwift, file.code.has(oneOf: ["catch"]) else { return [] }
      return file.code.matches(of: /\bcatch\b[^{}\n]*\{\s*\}/.onCodeWords).map { match in
        let line = file.code[..<match.range.lowerBound].count { $0 == "\n" } + 1
        return Finding(path: file.path, line: line, message: "no empty catch: handle the error, or count it")
      }
    },
    planted: [
      Planted("Sources/Agent/A.swift", "do { try a() }\ncatch {}", line: 2),
      Planted("Sources/Agent/A.swift", "do {\n  try a()\n} catch let error as Errno {\n  // unimportant\n}", line: 3),
    ],
    accepted: [SourceFile("Sources/Agent/A.swift", "do { try a() } catch { log(error) }\n// catch {}")])

  private static let fatal = forbidding(
    "no fatalError", where: \.isSwift, words: ["fatalError"], line: { $0.contains(/\bfatalError\b/.onCodeWords) },
    instead: "a precondition for our own bug, a thrown error for the system's",
    planted: [Planted("Sources/VXLAN/A.swift", "func a() -> Int {\n  Swift.fatalError(\"b\")\n}", line: 2)],
    accepted: [SourceFile("Sources/VXLAN/A.swift", "func a() { precondition(true, \"no fatalError\") }")])

  private static let fixmeMark = "FIX" + "ME"
  private static let todoMark = "TO" + "DO"

  private static let fixme = forbidding(
    "no \(fixmeMark)", inText: true, where: \.isProgram, words: [fixmeMark],
    instead: "repair it before it merges",
    planted: [Planted("scripts/a.py", "# fine\n# \(fixmeMark): later", line: 2)],
    accepted: [SourceFile("scripts/a.py", "# fixed")])

  private static let todo = forbidding(
    "\(todoMark) with an issue", inText: true, where: { $0.isProgram || $0.isMarkdown }, words: [todoMark],
    line: { line in
      line.ranges(of: todoMark).contains { !line[$0.upperBound...].contains(/^ ?\(?#[0-9]+/) }
    },
    instead: "write \(todoMark)(#number of the issue)",
    planted: [
      Planted("Sources/VXLAN/A.swift", "// \(todoMark): some day", line: 1),
      Planted("README.md", "# A\n\n```\n\(todoMark)-OUTPUT a\n```", line: 4),
    ],
    accepted: [
      SourceFile("Sources/VXLAN/A.swift", "// \(todoMark)(#12): some day\n// \(todoMark) #3"),
      SourceFile("docs/a.md", "\(todoMark)(#12): some day"),
    ])
}
