/// What all charts have: a size, room for axes, a name for those who do not see them, and lines at the ticks.
///
/// Coordinates are CSS pixels at full size; y counts downwards.
struct ChartFrame {
  let width: Double
  let height: Double
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  init(
    width: Double = 540, height: Double = 300, left: Double = 44, right: Double = 8, top: Double = 26,
    bottom: Double = 30
  ) {
    self.width = width
    self.height = height
    self.left = left
    self.right = right
    self.top = top
    self.bottom = bottom
  }

  var plotWidth: Double { width - left - right }
  var plotHeight: Double { height - top - bottom }
  /// The bottom of the plot.
  var floor: Double { height - bottom }

  func x(_ share: Double) -> Double { left + share * plotWidth }
  func y(_ share: Double) -> Double { floor - share * plotHeight }

  /// The SVG element around `body`.
  /// - Parameter title: read out in place of the chart, and `description` after it.
  func svg(title: String, description: String, body: (inout Markup) -> Void) -> Markup {
    var markup = Markup()
    markup.element("svg", ["viewBox": "0 0 \(number(width)) \(number(height))", "role": "img"]) { svg in
      svg.element("title", [:], title)
      svg.element("desc", [:], description)
      body(&svg)
    }
    return markup
  }

  /// Horizontal lines at the ticks of `scale`, with their values on the left and the unit above them.
  func addValueAxis(_ scale: ChartScale, unit: String, to markup: inout Markup) {
    for tick in scale.ticks {
      let height = y(scale.position(tick))
      markup.element(
        "line",
        [
          "class": tick == scale.ticks[0] ? "axis" : "grid", "x1": number(left), "x2": number(width - right),
          "y1": number(height), "y2": number(height),
        ])
      markup.element(
        "text", ["class": "tick", "x": number(left - 6), "y": number(height + 4), "text-anchor": "end"],
        Self.tickText(tick))
    }
    markup.element("text", ["class": "tick", "x": "0", "y": "12"], unit)
  }

  /// The name of what stands at `centre`, under the floor.
  func addGroup(_ name: String, at centre: Double, to markup: inout Markup) {
    markup.element(
      "text", ["class": "group", "x": number(centre), "y": number(floor + 20), "text-anchor": "middle"], name)
  }

  /// Without digits that say nothing: 0.125, 0.5, 1, 20.
  static func tickText(_ value: Double) -> String {
    for (digitCount, scale) in [1.0, 10, 100, 1000, 10_000].enumerated() {
      if ((value * scale).rounded() - value * scale).magnitude < 1e-9 * scale {
        return Quantity.fixed(value, digitCount: digitCount)
      }
    }
    return Quantity.text(value)
  }

  /// A coordinate as SVG takes it.
  func number(_ value: Double) -> String {
    // Tenths of a pixel, and no comma between thousands.
    let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
    let (whole, rest) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
    return (tenths < 0 ? "-" : "") + (rest == 0 ? "\(whole)" : "\(whole).\(rest)")
  }
}
