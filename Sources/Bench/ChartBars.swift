/// Groups of bars, one for each series, with a whisker from the least to the most of the rounds.
struct ChartBars {
  /// One bar.
  struct Bar {
    var value: Double
    var least: Double
    var most: Double
    /// A part of the value, drawn strong in front of the whole, which is pale then.
    var part: Double?
    /// What a pointer at the bar is told.
    var tip: String
  }

  /// What has one colour.
  struct Series {
    /// Of the style sheet.
    var colour: String
    /// One for each group; nil where nothing was measured.
    var bars: [Bar?]
  }

  private static let barWidthMax = 52.0

  var title: String
  var description: String
  var unit: String
  var groups: [String]
  var series: [Series]
  var scale: ChartScale
  var frame = ChartFrame()

  /// The chart as an SVG element.
  var svg: Markup {
    frame.svg(title: title, description: description) { svg in
      frame.addValueAxis(scale, unit: unit, to: &svg)
      let groupWidth = frame.plotWidth / Double(max(1, groups.count))
      let slot = min(groupWidth * 0.84 / Double(max(1, series.count)), Self.barWidthMax * 1.2)
      for (index, group) in groups.enumerated() {
        let centre = frame.left + (Double(index) + 0.5) * groupWidth
        frame.addGroup(group, at: centre, to: &svg)
        let start = centre - slot * Double(series.count) / 2
        for (position, series) in series.enumerated() {
          let middle = start + (Double(position) + 0.5) * slot
          add(series.bars[index], colour: series.colour, at: middle, width: slot * 0.84, to: &svg)
        }
      }
    }
  }

  private func add(_ bar: Bar?, colour: String, at middle: Double, width: Double, to svg: inout Markup) {
    guard let bar else {
      // Nothing measured must not look like zero.
      let place: Markup.Attributes = [
        "class": "missing", "x": frame.number(middle), "y": frame.number(frame.floor - 6), "text-anchor": "middle",
      ]
      return svg.element("text", place) { text in
        text.add("n/a")
        text.element("title", [:], "not measured")
      }
    }
    svg.element("g", ["class": "bar \(colour)"]) { group in
      group.element("title", [:], bar.tip)
      addRectangle(bar.value, at: middle, width: width, style: bar.part == nil ? "whole" : "whole pale", to: &group)
      if let part = bar.part { addRectangle(part, at: middle, width: width, style: "whole", to: &group) }
      if bar.most > bar.least { addWhisker(bar, at: middle, width: width, to: &group) }
      let top = frame.y(scale.position(max(bar.value, bar.most)))
      group.element(
        "text",
        [
          "class": "value", "x": frame.number(middle), "y": frame.number(top - 6), "text-anchor": "middle",
        ], Quantity.text(bar.value))
    }
  }

  private func addRectangle(
    _ value: Double, at middle: Double, width: Double, style: String, to group: inout Markup
  ) {
    let top = frame.y(scale.position(value))
    group.element(
      "rect",
      [
        "class": style, "x": frame.number(middle - width / 2), "y": frame.number(top), "width": frame.number(width),
        "height": frame.number(frame.floor - top), "rx": "2",
      ])
  }

  private func addWhisker(_ bar: Bar, at middle: Double, width: Double, to group: inout Markup) {
    let (top, bottom) = (frame.y(scale.position(bar.most)), frame.y(scale.position(bar.least)))
    let cap = min(5, width / 4)
    let (left, right) = (frame.number(middle - cap), frame.number(middle + cap))
    let x = frame.number(middle)
    let path =
      "M\(left) \(frame.number(top))H\(right)M\(x) \(frame.number(top))V\(frame.number(bottom))"
      + "M\(left) \(frame.number(bottom))H\(right)"
    group.element("path", ["class": "whisker", "d": path])
  }
}
