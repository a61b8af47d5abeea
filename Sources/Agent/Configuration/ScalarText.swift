/// Why a value is refused: what is wrong with it and what would be right.
struct ValueFault: Error {
  let wrong: String
  let right: String
}

/// A value of the file that is neither list nor mapping, as it is written.
struct ScalarText {
  let text: String
  /// Written without quotes, so that YAML sees numbers and booleans in it.
  let isPlain: Bool

  /// As an error message shows it: short, and on one line.
  var shown: String {
    let clean = String(text.prefix(40).map { $0.isNewline || $0 == "\t" ? " " : $0 })
    return "\"\(clean)\(text.count > 40 ? "…" : "")\""
  }

  /// A whole decimal number in `range`; `what` names the range in the error.
  func number(_ range: ClosedRange<Int>, _ what: String) throws(ValueFault) -> Int {
    let right = "\(what) is a number from \(range.lowerBound) to \(range.upperBound)"
    guard isPlain else { throw ValueFault(wrong: "\(shown) is text", right: "\(right), without quotes") }
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    // A number has one spelling, by which what was added at run time is found again.
    guard Self.isDecimal(digits), text != "-0" else {
      throw ValueFault(wrong: "\(shown) is not a decimal number", right: right)
    }
    guard let number = Int(text), range.contains(number) else {
      throw ValueFault(wrong: "\(shown) is out of range", right: right)
    }
    return number
  }

  /// `true` or `false`, and none of the other words of YAML 1.1.
  func boolean() throws(ValueFault) -> Bool {
    guard isPlain, text == "true" || text == "false" else {
      throw ValueFault(wrong: "\(shown) is not a boolean", right: "write true or false, without quotes")
    }
    return text == "true"
  }

  /// A whole number with a unit, `ms`, `s`, `m` or `h`: zero, or from `range`.
  func duration(zeroOr range: ClosedRange<Duration>) throws(ValueFault) -> Duration {
    try duration(range, orZero: "0s, or ")
  }

  /// The same without zero.
  func duration(_ range: ClosedRange<Duration>) throws(ValueFault) -> Duration {
    try duration(range, orZero: "")
  }

  private func duration(_ range: ClosedRange<Duration>, orZero: String) throws(ValueFault) -> Duration {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let units: [Substring: Int] = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]
    guard Self.isDecimal(digits), let number = Int(digits), let unit = units[text.dropFirst(digits.count)] else {
      throw ValueFault(
        wrong: "\(shown) is not a duration", right: "write a whole number with ms, s, m or h, such as 300s or 5m")
    }
    let product = number.multipliedReportingOverflow(by: unit)
    let duration = Duration.milliseconds(product.partialValue)
    guard !product.overflow, duration == .zero && !orZero.isEmpty || range.contains(duration) else {
      throw ValueFault(
        wrong: "\(shown) is out of range",
        right: "write \(orZero)\(range.lowerBound.components.seconds)s to \(range.upperBound.components.seconds)s")
    }
    return duration
  }

  /// One of the words of `Choice`, spelled as there.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _: Choice.Type = Choice.self
  ) throws(ValueFault) -> Choice {
    guard let choice = Choice(rawValue: text) else {
      let words = Choice.allCases.map(\.rawValue)
      let list = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
      throw ValueFault(wrong: "\(shown) is none of its values", right: "write \(list)")
    }
    return choice
  }

  /// Text that YAML also sees as text: numbers and booleans need quotes.
  func string() throws(ValueFault) -> String {
    if isPlain, text == "true" || text == "false" || text.allSatisfy({ $0.isASCII && $0.isNumber }) {
      throw ValueFault(wrong: "\(text) is not text", right: "write text, or the same in quotes: \"\(text)\"")
    }
    guard !text.isEmpty else { throw ValueFault(wrong: "the text is empty", right: "write at least one character") }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw ValueFault(wrong: "the text has a control character", right: "write printable characters on one line")
    }
    return text
  }

  /// No leading zero and no underscore: nothing that YAML 1.1 and 1.2 read as two different numbers.
  private static func isDecimal(_ digits: Substring) -> Bool {
    let isAllDigits = digits.allSatisfy { $0.isASCII && $0.isNumber }
    return !digits.isEmpty && isAllDigits && (digits == "0" || !digits.hasPrefix("0"))
  }
}
