/// A chart of a page with its caption and its numbers.
struct HTMLReportFigure {
  var caption: String
  var chart: Markup
  var table: HTMLReportTable
  /// Whether the numbers show at once, or after a click.
  var isTableOpen = false

  func add(to markup: inout Markup) {
    markup.element("figure") { figure in
      figure.element("figcaption", [:], caption)
      figure.addVerbatim(chart.text)
      if isTableOpen {
        table.add(to: &figure)
      } else {
        figure.element("details") { details in
          details.element("summary", [:], "As a table")
          table.add(to: &details)
        }
      }
    }
  }

  /// Figures side by side where the page is wide enough, under the names of their colours.
  static func addAll(_ figures: [HTMLReportFigure], legend: [(colour: String, title: String)], to markup: inout Markup)
  {
    markup.element("ul", ["class": "legend"]) { list in
      for (colour, title) in legend {
        list.element("li") { item in
          item.element("span", ["class": "swatch \(colour)"])
          item.add(title)
        }
      }
    }
    markup.element("div", ["class": "figures"]) { row in
      for figure in figures { figure.add(to: &row) }
    }
  }
}
