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
  static func show(_ outcomes: [VerifyOutcome], isJSON: Bool, isQuiet: Bool, isList: Bool) throws {
    guard !isQuiet else { return }
    guard isJSON else { return try write(Array(outcomes.compactMap(\.report?.text).joined(separator: "\n").utf8)) }
    if isList { return try write(ReportJSON.encode(outcomes)) }
    for outcome in outcomes { try write(ReportJSON.encode(outcome)) }
  }

  /// Writes to standard output.
  /// - Throws: `ExitCode` 2 after a message: a verdict that cannot be written is none.
  static func write(_ bytes: [UInt8]) throws {
    do {
      try Output.write(bytes)
    } catch let code as ExitCode where code == .failure {
      throw ExitCode(2)
    }
  }

  /// Shows one report, of a comparison or a leak test.
  static func show(_ report: some Encodable, _ text: @autoclosure () -> String, isJSON: Bool) throws {
    try write(isJSON ? ReportJSON.encode(report) : Array(text().utf8))
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
