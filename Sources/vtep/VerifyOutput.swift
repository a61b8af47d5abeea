import Agent
import ArgumentParser
import FoundationEssentials
import Verify

/// What `vtep verify` reads and writes besides captures.
enum VerifyOutput {
  /// The table of rules.
  static var rules: String {
    let rows = Rule.allCases.map { ($0.name, $0.severity.rawValue, $0.explanation) }
    return ([("RULE", "SEVERITY", "BROKEN BY")] + rows).map { name, severity, explanation in
      name.padding(to: 22) + severity.padding(to: 10) + explanation + "\n"
    }.joined()
  }

  /// Shows the reports one after the other, or as JSON: one object, for several files a list.
  static func show(_ reports: [VerifyReport], isJSON: Bool, isQuiet: Bool, isList: Bool) throws {
    guard !isQuiet else { return }
    guard isJSON else { return try Output.write(reports.map(\.text).joined(separator: "\n")) }
    if isList { return try Output.write(ReportJSON.encode(reports)) }
    for report in reports { try Output.write(ReportJSON.encode(report)) }
  }

  /// - Throws: `ExitCode` 2 after a message.
  static func write(_ text: String, to path: String) throws {
    do {
      // Not by way of another file: what is there may be a device.
      try text.write(toFile: path, atomically: false, encoding: .utf8)
    } catch {
      Output.say("cannot write \(path)")
      throw ExitCode(2)
    }
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(2, width - count))
  }
}
