/// How far a candidate is from what it is held against: a line of its own for each workload, a dot at the median ratio
/// of the rounds, and a whisker from the least to the most. Halves and doubles are equally far from one.
struct ChartRatios {
  /// One dot.
  struct Dot {
    /// Of the style sheet.
    var colour: String
    var ratio: Double
    var least: Double
    var most: Double
    var tip: String
  }

  /// One workload.
  struct Row {
    var name: String
    /// Beside the name, such as that less is better.
    var remark: String
    var dots: [Dot]
  }

  private static let rowHeight = 34.0

  var title: String
  var description: String
  /// What is at one.
  var base: String
  var rows: [Row]
  var scale: ChartScale

  /// The chart as an SVG element.
  var svg: Markup {
    let frame = ChartFrame(
      height: 48 + Double(rows.count) * Self.rowHeight, left: 118, right: 56, top: 26, bottom: 22)
    return frame.svg(title: title, description: description) { svg in
      addAxis(to: &svg, frame)
      for (index, row) in rows.enumerated() {
        let y = frame.top + (Double(index) + 0.5) * Self.rowHeight
        add(row, at: y, to: &svg, frame)
      }
    }
  }

  private func addAxis(to svg: inout Markup, _ frame: ChartFrame) {
    for tick in scale.ticks {
      let x = frame.number(frame.x(scale.position(tick)))
      svg.element(
        "line",
        [
          "class": tick == 1 ? "one" : "grid", "x1": x, "x2": x, "y1": frame.number(frame.top),
          "y2": frame.number(frame.floor),
        ])
      svg.element(
        "text", ["class": "tick", "x": x, "y": frame.number(frame.floor + 16), "text-anchor": "middle"],
        ChartFrame.tickText(tick) + "×")
    }
    let one = frame.number(frame.x(scale.position(1)))
    svg.element("text", ["class": "tick strong", "x": one, "y": "14", "text-anchor": "middle"], base)
  }

  private func add(_ row: Row, at y: Double, to svg: inout Markup, _ frame: ChartFrame) {
    let hasRemark = !row.remark.isEmpty
    svg.element("text", ["class": "group", "x": "0", "y": frame.number(y + (hasRemark ? -1 : 4))], row.name)
    if hasRemark { svg.element("text", ["class": "tick", "x": "0", "y": frame.number(y + 12)], row.remark) }
    for (position, dot) in row.dots.enumerated() {
      // Two dots of a row would cover each other's whiskers.
      let y = y + (Double(position) - Double(row.dots.count - 1) / 2) * 13
      add(dot, at: y, to: &svg, frame)
    }
  }

  private func add(_ dot: Dot, at y: Double, to svg: inout Markup, _ frame: ChartFrame) {
    let x = frame.x(scale.position(dot.ratio))
    let (left, right) = (frame.x(scale.position(dot.least)), frame.x(scale.position(dot.most)))
    let one = frame.x(scale.position(1))
    svg.element("g", ["class": "dot \(dot.colour)"]) { group in
      group.element("title", [:], dot.tip)
      group.element(
        "rect",
        [
          "class": "whole pale", "x": frame.number(min(one, x)), "y": frame.number(y - 3),
          "width": frame.number((one - x).magnitude), "height": "6",
        ])
      group.element(
        "path", ["class": "whisker", "d": "M\(frame.number(left)) \(frame.number(y))H\(frame.number(right))"])
      group.element("circle", ["cx": frame.number(x), "cy": frame.number(y), "r": "5"])
      // Away from one, where the label would lie on the line; at the very left there is no room for it.
      let isOnLeft = dot.ratio < 1 && scale.position(dot.least) > 0.12
      let labelX = isOnLeft ? min(left, x) - 9 : max(right, x, dot.ratio < 1 ? one : 0) + 9
      group.element(
        "text",
        [
          "class": "value", "x": frame.number(labelX), "y": frame.number(y + 4),
          "text-anchor": isOnLeft ? "end" : "start",
        ], Quantity.text(dot.ratio) + "×")
    }
  }
}
