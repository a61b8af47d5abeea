/// Columns of text as `kubectl` prints them: an upper-case header, two spaces between columns, no box.
package struct Table {
  /// Where a column's cells stand.
  package enum Alignment: Sendable {
    case left, right
  }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  package init(_ columns: [(title: String, alignment: Alignment)]) {
    self.columns = columns
  }

  /// - Parameter cells: one for each column; an empty one is shown as `-`.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has as many cells as the table has columns")
    rows.append(cells.map { $0.isEmpty ? "-" : $0 })
  }

  /// The header and the rows, each line ended by a newline.
  package var text: String {
    let lines = [columns.map { $0.title.uppercased() }] + rows
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
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
