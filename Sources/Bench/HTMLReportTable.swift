/// A table of a page: what a chart shows as numbers, for those who do not see it or want them.
struct HTMLReportTable {
  var caption: String
  /// Over the columns, the first over the names of the rows.
  var titles: [String]
  /// Columns with words; the rest are numbers.
  var wordCount: Int
  /// The first cell of each names the row.
  private(set) var rows: [[String]] = []

  init(caption: String, titles: [String], wordCount: Int) {
    self.caption = caption
    self.titles = titles
    self.wordCount = wordCount
  }

  /// - Parameter cells: one for each title; an empty one is shown as `-`.
  mutating func append(_ cells: [String]) {
    precondition(cells.count == titles.count, "a row has as many cells as the table has columns")
    rows.append(cells.map { $0.isEmpty ? Quantity.missing : $0 })
  }

  /// The table, which scrolls where the page is narrow.
  func add(to markup: inout Markup) {
    markup.element("div", ["class": "scroll", "tabindex": "0"]) { scroll in
      scroll.element("table") { table in
        table.element("caption", [:], caption)
        table.element("thead") { head in
          head.element("tr") { row in
            for (index, title) in titles.enumerated() {
              row.element("th", ["scope": "col", "class": style(of: index)], title)
            }
          }
        }
        table.element("tbody") { body in
          for cells in rows {
            body.element("tr") { row in
              row.element("th", ["scope": "row", "class": style(of: 0)], cells[0])
              for (index, cell) in cells.enumerated().dropFirst() {
                row.element("td", ["class": style(of: index)], cell)
              }
            }
          }
        }
      }
    }
  }

  private func style(of column: Int) -> String { column < wordCount ? "word" : "number" }
}
