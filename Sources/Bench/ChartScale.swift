import Glibc

/// From values to places on an axis: 0 is its beginning, 1 its end, and there is a tick at both.
struct ChartScale {
  /// The values that the axis names, from the least to the most; two or more.
  let ticks: [Double]
  private let isLogarithmic: Bool

  /// From zero to the first round number that is not below `most`.
  static func linear(to most: Double) -> ChartScale {
    let most = most > 0 ? clamped(most) : 1
    let rough = most / 4
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    // A value a hair above a tick needs no room of its own.
    let count = max(1, Int((most / step - 0.001).rounded(.up)))
    return ChartScale(ticks: (0...count).map { Double($0) * step }, isLogarithmic: false)
  }

  /// Powers of ten, or 1, 2 and 5 of each where the values span less than two of them.
  static func logarithmic(from least: Double, to most: Double) -> ChartScale {
    let least = least > 0 ? clamped(least) : 1
    let most = Swift.max(least, clamped(most))
    let decades = Int(floor(log10(least)))...Int(ceil(log10(most * 1.000_001)))
    let powers = decades.map { pow(10, Double($0)) }
    let candidates = decades.count > 3 ? powers : powers.flatMap { [$0, 2 * $0, 5 * $0] }
    return ChartScale(covering: least...most, with: candidates)
  }

  /// Halves and doubles around one, for ratios.
  static func ratio(from least: Double, to most: Double) -> ChartScale {
    let least = least > 0 ? Swift.min(clamped(least), 0.5) : 0.5
    let most = Swift.max(clamped(most), 2)
    let powers = Int(floor(log2(least)))...Int(ceil(log2(most)))
    return ChartScale(covering: least...most, with: powers.map { pow(2, Double($0)) })
  }

  /// Within what an axis can show; 1 for what is no number.
  private static func clamped(_ value: Double) -> Double {
    value.isNaN ? 1 : Swift.min(Swift.max(value, 1e-9), 1e15)
  }

  /// With the candidates in the range and the next on either side.
  private init(covering range: ClosedRange<Double>, with candidates: [Double]) {
    let first = candidates.lastIndex { $0 <= range.lowerBound } ?? 0
    let last = candidates.firstIndex { $0 >= range.upperBound } ?? candidates.count - 1
    let end = Swift.max(last, first + 1)
    let ticks = candidates.indices.contains(end) ? Array(candidates[first...end]) : Array(candidates[first...])
    self.init(ticks: ticks.count > 1 ? ticks : [range.lowerBound, range.lowerBound * 2], isLogarithmic: true)
  }

  private init(ticks: [Double], isLogarithmic: Bool) {
    self.ticks = ticks
    self.isLogarithmic = isLogarithmic
  }

  /// Where `value` is; what is outside is at the nearer end.
  func position(_ value: Double) -> Double {
    let (least, most) = (ticks[0], ticks[ticks.count - 1])
    guard value.isFinite, value > least else { return 0 }
    let share = isLogarithmic ? log(value / least) / log(most / least) : (value - least) / (most - least)
    return Swift.min(1, share)
  }
}
