/// Round-trip percentiles: a line for each series over p50, p90 and on, on a logarithmic axis of time.
struct ChartPercentiles {
  /// What has one colour.
  struct Series {
    /// Of the style sheet.
    var colour: String
    var title: String
    /// One for each name, in `unit`.
    var values: [Double]
  }

  var title: String
  var description: String
  var unit: String
  var names: [String]
  var series: [Series]
  var scale: ChartScale
  var frame = ChartFrame()

  /// The chart as an SVG element.
  var svg: Markup {
    frame.svg(title: title, description: description) { svg in
      frame.addValueAxis(scale, unit: unit, to: &svg)
      for (index, name) in names.enumerated() { frame.addGroup(name, at: x(index), to: &svg) }
      for series in series { add(series, to: &svg) }
    }
  }

  private func x(_ index: Int) -> Double { frame.x((Double(index) + 0.5) / Double(max(1, names.count))) }

  private func add(_ series: Series, to svg: inout Markup) {
    let points = series.values.enumerated().map { (x: x($0.offset), y: frame.y(scale.position($0.element))) }
    svg.element("g", ["class": "line \(series.colour)"]) { group in
      let path = points.map { "\(frame.number($0.x)) \(frame.number($0.y))" }.joined(separator: "L")
      group.element("path", ["class": "stroke", "d": "M" + path])
      for (index, point) in points.enumerated() {
        group.element("circle", ["cx": frame.number(point.x), "cy": frame.number(point.y), "r": "4.5"]) { circle in
          circle.element(
            "title", [:], "\(series.title), \(names[index]): \(Quantity.text(series.values[index])) \(unit)")
        }
      }
    }
  }
}
