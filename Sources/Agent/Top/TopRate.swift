/// How much of something there is in a second; unknown, `null` in JSON, where there is nothing to compare with.
package struct TopRate: Codable, Equatable, Sendable {
  /// To a tenth.
  package let perSecond: Double?

  package init(perSecond: Double?) {
    self.perSecond = perSecond
  }

  /// Of a counter that stood at `before` and stands at `now`. Unknown without `before`, and when it went back: then it
  /// began anew in between.
  /// - Parameters:
  ///   - seconds: between the two, above 0.
  ///   - scale: what one of the counter is, such as 8 bits.
  init(from before: UInt64?, to now: UInt64, seconds: Double, scale: Double = 1) {
    let isKnown = seconds > 0 && before.map { $0 <= now } == true
    self.init(perSecond: isKnown ? (Double(now - (before ?? now)) * scale / seconds * 10).rounded() / 10 : nil)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self.init(perSecond: container.decodeNil() ? nil : try container.decode(Double.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let perSecond {
      try container.encode(perSecond)
    } else {
      try container.encodeNil()
    }
  }

  /// Of two ways; unknown when one is.
  static func + (a: TopRate, b: TopRate) -> TopRate {
    guard let first = a.perSecond, let second = b.perSecond else { return TopRate(perSecond: nil) }
    return TopRate(perSecond: first + second)
  }

  /// For people: three digits and a factor of a thousand, such as `0`, `0.5`, `12.3k` and `9.41G`; `-` when unknown.
  package var text: String {
    guard var value = perSecond else { return "-" }
    var factor = ""
    for next in ["k", "M", "G", "T"] where value >= 999.5 {
      value /= 1000
      factor = next
    }
    if factor.isEmpty { return Self.fixed(value, digitCount: value >= 99.95 || value == value.rounded() ? 0 : 1) }
    return Self.fixed(value, digitCount: value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + factor
  }

  private static func fixed(_ value: Double, digitCount: Int) -> String {
    let scale = digitCount == 0 ? 1 : digitCount == 1 ? 10 : 100
    let number = UInt64((min(value, 1e15) * Double(scale)).rounded())
    guard digitCount > 0 else { return String(number) }
    let fraction = String(number % UInt64(scale))
    return "\(number / UInt64(scale))." + String(repeating: "0", count: digitCount - fraction.count) + fraction
  }
}
