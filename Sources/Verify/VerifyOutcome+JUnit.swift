extension VerifyOutcome {
  /// The outcomes as a JUnit file: a suite for each capture, a case for each rule and one for the reading.
  package static func junit(_ outcomes: [VerifyOutcome], isStrict: Bool) -> String {
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
    for outcome in outcomes { text += outcome.suite(isStrict: isStrict) }
    return text + "</testsuites>\n"
  }

  private func suite(isStrict: Bool) -> String {
    var cases = [readingCase]
    if let report {
      cases += Rule.allCases.map { Self.testCase($0, report, isStrict: isStrict) } + report.unmet.map(Self.unmetCase)
    }
    let failureCount = cases.count { $0.contains("<failure") }
    let errorCount = incompleteness == nil ? 0 : 1
    return
      "  <testsuite name=\"\(Self.escape(file))\" tests=\"\(cases.count)\" failures=\"\(failureCount)\""
      + " errors=\"\(errorCount)\">\n" + cases.joined() + "  </testsuite>\n"
  }

  private var readingCase: String {
    let head = "    <testcase classname=\"vtep.verify\" name=\"read\""
    guard let incompleteness else { return head + "/>\n" }
    return head + "><error message=\"\(Self.escape(incompleteness))\"/></testcase>\n"
  }

  private static func testCase(_ rule: Rule, _ report: VerifyReport, isStrict: Bool) -> String {
    let head = "    <testcase classname=\"vtep.verify\" name=\"\(rule.name)\""
    guard let broken = report.rules.first(where: { $0.rule == rule.name }) else { return head + "/>\n" }
    let lines = report.findings.filter { $0.rule == rule }.map { escape("packet \($0.packet): \($0.detail)") }
    let text = lines.joined(separator: "\n")
    let message = "\(broken.count) findings: \(escape(rule.explanation))"
    guard isStrict || rule.severity == .error else {
      return head + "><system-out>warning: \(message)\n\(text)</system-out></testcase>\n"
    }
    return head + "><failure message=\"\(message)\">\(text)</failure></testcase>\n"
  }

  private static func unmetCase(_ sentence: String) -> String {
    "    <testcase classname=\"vtep.verify\" name=\"expect\"><failure message=\"\(escape(sentence))\"/></testcase>\n"
  }

  /// What XML 1.0 cannot have at all becomes a question mark.
  static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "?"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
