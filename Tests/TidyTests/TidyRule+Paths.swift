import Foundation

extension TidyRule {
  private static let vagueNames = ["Util", "Helper", "Manager", "Common"]

  /// A file is named for its noun.
  static let fileNames = TidyRule(
    name: "no vague file names",
    check: { file, _ in
      let parts = file.path.split(separator: "/")
      guard file.isProgram, let vague = vagueNames.first(where: { word in parts.contains { $0.contains(word) } }) else {
        return []
      }
      return [Finding(path: file.path, line: 1, message: "no vague file names: '\(vague)' says nothing; name the noun")]
    },
    planted: [
      Planted("Sources/Agent/StringUtils.swift", "", line: 1), Planted("Sources/Helpers/A.swift", "", line: 1),
      Planted("Sources/Agent/PeerManager.swift", "", line: 1), Planted("Tests/AgentTests/Common.swift", "", line: 1),
    ],
    accepted: [SourceFile("Sources/Agent/Peer.swift", "")])

  /// Split, so that this file keeps its own rule.
  private static let machinePathStarts = ["/wo" + "rk/", "/t" + "mp/", "/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/"]

  /// A path of one machine works on no other; temporary folders come from the system.
  static let machinePaths = forbidding(
    "no paths of one machine", inText: true, where: { $0.isProgram || $0.isMarkdown }, words: machinePathStarts,
    line: { line in machinePathStarts.contains { start in line.contains(start) && standsAlone(start, in: line) } },
    instead: "make it relative, an argument, or the system's temporary folder",
    planted: [
      Planted("Sources/Agent/A.swift", "// a\nlet a = \"\(machinePathStarts[0])x\"", line: 2),
      Planted("scripts/a", "#!/bin/sh\ncd \(machinePathStarts[1])x", line: 2),
    ],
    accepted: [
      SourceFile("Sources/Agent/A.swift", "let a = \"/run/vtep/control.sock\""),
      SourceFile("docs/a.md", "see docs\(machinePathStarts[0])a.md"),
    ])

  /// Whether `start` begins a path, rather than going on one.
  private static func standsAlone(_ start: String, in line: Substring) -> Bool {
    line.ranges(of: start).contains { range in
      guard let before = line[..<range.lowerBound].last else { return true }
      return !before.isLetter && !before.isNumber && !"._-})".contains(before)
    }
  }
}
