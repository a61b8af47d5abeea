import Foundation

extension TidyRule {
  private static let safetyMark = "// SAFETY:"
  /// In a type's documentation: who may call what. Enough where a promise about threads is all that is unsafe.
  private static let threadsMark = "/// *Threads.* "

  /// Pointers stay in the modules that touch the system or hold tables, and each file says why they are sound.
  static let unsafeTypes = TidyRule(
    name: "unsafe code has its place and its reason",
    check: { file, _ in
      guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
      let pointers = lines(
        of: file, words: ["Unsafe", "OpaquePointer", "Unmanaged", "unsafeBitCast"],
        with: /\bUnsafe\w*Pointer\b|\bOpaquePointer\b|\bUnmanaged\b|\bunsafeBitCast\b/)
      // Where pointers are at home, what borrows one for a closure needs no word of its own.
      let borrowed =
        isHomeOfPointers(file.path)
        ? []
        : lines(
          of: file, words: ["withUnsafe"], with: /\bwithUnsafe\w*(?:Bytes|Pointer|Pointers)\b/)
      let promises = lines(
        of: file, words: ["@unchecked", "(unsafe)"],
        with: /@unchecked Sendable|\bnonisolated\(unsafe\)|\bunowned\(unsafe\)/)
      var findings: [Finding] = []
      if let line = (pointers + borrowed).min(), !mayHoldPointers(file.path) {
        findings.append(
          Finding(
            path: file.path, line: line,
            message: "unsafe pointers belong in LinuxIO, Dataplane, Sealing, Capture, TestKit or the storage of the FDB"
          ))
      }
      let held = pointers + borrowed
      let isExplained = file.text.contains(safetyMark) || held.isEmpty && file.text.contains(threadsMark)
      if let line = (held + promises).min(), !isExplained {
        findings.append(
          Finding(path: file.path, line: line, message: "unsafe code needs a line '\(safetyMark) why it is sound'"))
      }
      return findings
    },
    planted: [
      Planted("Sources/VXLAN/A.swift", "// SAFETY: none\nlet a: UnsafePointer<UInt8>", line: 2),
      Planted("Sources/Forwarding/Flood.swift", "// SAFETY: none\nvar a: UnsafeMutableRawBufferPointer", line: 2),
      Planted("Sources/LinuxIO/A.swift", "import Glibc\nlet a: Swift.UnsafeRawPointer", line: 2),
      Planted("Sources/VXLAN/A.swift", "// SAFETY: none\nlet a = withUnsafeBytes(of: b) { Array($0) }", line: 2),
      Planted("Sources/Agent/A.swift", "// SAFETY: none\n\na.withUnsafeMutableBufferPointer { b($0) }", line: 3),
      Planted("Sources/Agent/A.swift", "final class A: @unchecked Sendable {}", line: 1),
      Planted("Sources/LinuxIO/A.swift", "/// *Threads.* One.\nlet a: UnsafeRawPointer", line: 2),
    ],
    accepted: [
      SourceFile("Sources/LinuxIO/A.swift", "// SAFETY: lives as long as self\nlet a: UnsafeRawPointer"),
      SourceFile("Sources/Forwarding/FDB+Storage.swift", "// SAFETY: owned\nlet a: UnsafeMutablePointer<Int>"),
      SourceFile("Sources/Agent/A.swift", "/// *Threads.* One.\nfinal class A: @unchecked Sendable {}"),
      SourceFile("Sources/VXLAN/A.swift", "// an UnsafePointer would be wrong here, and so would withUnsafeBytes"),
      SourceFile("Sources/Sealing/A.swift", "let a = withUnsafeBytes(of: b) { Array($0) }"),
      SourceFile("Sources/Agent/A.swift", "channel.withUnsafeTransportIfAvailable { $0 }"),
    ])

  private static func mayHoldPointers(_ path: String) -> Bool {
    isHomeOfPointers(path) || PathAllowances.pointers[path] != nil
  }

  private static func isHomeOfPointers(_ path: String) -> Bool {
    [
      "Sources/LinuxIO/", "Sources/Dataplane/", "Sources/Sealing/", "Sources/Capture/", "Sources/TestKit/",
      "Sources/Forwarding/FDB",
    ]
    .contains { path.hasPrefix($0) }
  }

  /// Logic gets time, randomness and bytes as arguments and says nothing.
  static let purity = TidyRule(
    name: "logic has no effects",
    check: { file, _ in
      guard file.isSwift, ["Sources/VXLAN/", "Sources/Forwarding/"].contains(where: file.path.hasPrefix) else {
        return []
      }
      let effects =
        #/
        \b(?:ContinuousClock|SuspendingClock|clock_gettime)\b | RandomNumberGenerator\(\) | \.random\( | \bprint\(
        /#
      return lines(
        of: file, words: ["Clock", "clock_gettime", "RandomNumber", ".random", "print"], with: effects
      ).map {
        Finding(path: file.path, line: $0, message: "logic has no effects: take the value as an argument")
      }
    },
    planted: [
      Planted("Sources/Forwarding/A.swift", "let a = 1\nlet now = ContinuousClock.now", line: 2),
      Planted("Sources/VXLAN/A.swift", "print(\"a\")", line: 1),
    ],
    accepted: [
      SourceFile("Sources/Forwarding/A.swift", "func age(now: Instant) {}  // not ContinuousClock"),
      SourceFile("Sources/vtep/A.swift", "print(\"a\")"),
    ])

  /// The numbers of the lines that `pattern` matches; each match has one of `words`.
  private static func lines(of file: SourceFile, words: [String], with pattern: Regex<Substring>) -> [Int] {
    let pattern = pattern.onCodeWords
    return file.numbered(file.code, with: words).filter { $0.line.contains(pattern) }.map(\.number)
  }
}
