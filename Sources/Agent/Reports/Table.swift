/// Columns of text as `kubectl` prints them: an upper-case header, two spaces between columns, no box.
package struct Table {
  /// Where a column's cells stand.
  package enum Alignment: Sendable {
    case left, right
  }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []
  private var widths: [Int]
  private var isHeaderTaken = false

  package init(_ columns: [(title: String, alignment: Alignment)]) {
    self.columns = columns
    widths = columns.map(\.title.count)
  }

  /// - Parameter cells: one for each column; an empty one is shown as `-`.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has as many cells as the table has columns")
    rows.append(cells.map { $0.isEmpty ? "-" : $0 })
    for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.count) }
  }

  /// The header and the rows, each line ended by a newline.
  package var text: String {
    var whole = self
    return whole.takeText()
  }

  /// As `text`, for a table that is printed as it grows: the rows since the last call, behind the header the first
  /// time. Columns become wider when they must, and never narrower.
  package mutating func takeText() -> String {
    let lines = (isHeaderTaken ? [] : [columns.map { $0.title.uppercased() }]) + rows
    isHeaderTaken = true
    rows = []
    return lines.map { line in
      let cells = line.indices.map { Self.pad(line[$0], to: widths[$0], columns[$0].alignment) }
      var text = cells.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  private static func pad(_ cell: String, to width: Int, _ alignment: Alignment) -> String {
    let space = String(repeating: " ", count: width - cell.count)
    return alignment == .left ? cell + space : space + cell
  }
}
