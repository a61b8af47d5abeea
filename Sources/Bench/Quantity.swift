/// Numbers for people: three significant digits, a point, and commas between thousands, whatever the locale.
enum Quantity {
  /// What stands where there is no number.
  static let missing = "-"

  /// Three significant digits of a number that is not negative; `missing` for what is no number.
  static func text(_ value: Double) -> String {
    // By what is left after rounding: 9.996 is 10.0.
    switch value {
    case 99.95...: fixed(value, digitCount: 0)
    case 9.995...: fixed(value, digitCount: 1)
    case 0.0995...: fixed(value, digitCount: 2)
    case 0: "0"
    default: fixed(value, digitCount: 3)
    }
  }

  /// With `digitCount` digits after the point.
  static func fixed(_ value: Double, digitCount: Int) -> String {
    let scale = (0..<digitCount).reduce(1.0) { product, _ in product * 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 1e18 else { return missing }
    let number = UInt64(scaled)
    let sign = value < 0 && number > 0 ? "-" : ""
    let whole = sign + grouped(number / UInt64(scale))
    guard digitCount > 0 else { return whole }
    let fraction = String(number % UInt64(scale))
    return whole + "." + String(repeating: "0", count: digitCount - fraction.count) + fraction
  }

  /// A count and its noun: 1 round, 2 rounds.
  static func count(_ count: Int, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }

  /// `1,234,567`.
  static func grouped(_ number: UInt64) -> String {
    let digits = String(number)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A setting, such as seconds: without digits after the point when it has none.
  static func setting(_ value: Double) -> String {
    value == value.rounded() ? fixed(value, digitCount: 0) : text(value)
  }

  /// A share of one, as a percentage.
  static func percentage(_ share: Double) -> String { fixed(share * 100, digitCount: 1) }

  /// Memory in the unit that people buy it in.
  static func memory(_ byteCount: UInt64) -> String {
    text(Double(byteCount) / 1_073_741_824) + " GiB"
  }
}

extension Measurement.Unit {
  /// What people read: billions of bits, thousands of frames, microseconds.
  var title: String {
    switch self {
    case .bitsPerSecond: "Gb/s"
    case .framesPerSecond: "kframe/s"
    case .nanoseconds: "µs"
    }
  }

  /// `value`, which is in this unit, in that of `title`.
  func scaled(_ value: Double) -> Double {
    switch self {
    case .bitsPerSecond: value / 1e9
    case .framesPerSecond, .nanoseconds: value / 1e3
    }
  }
}

extension Measurement {
  /// The median of the rounds in the unit of `unit.title`; nil when nothing was measured.
  var scaledMedian: Double? { samples.isEmpty ? nil : unit.scaled(median) }
  /// Least and most of the rounds, as `(8.22–8.71)`; empty with fewer than two rounds.
  var spreadText: String {
    guard samples.count > 1 else { return "" }
    return "(" + Quantity.text(unit.scaled(min)) + "–" + Quantity.text(unit.scaled(max)) + ")"
  }
}
