/// Columns of text for a terminal: two spaces between them, bold titles and dim asides where colour is wanted. An aside
/// belongs to the column before it and stands one space behind.
struct TextGrid {
  /// How a cell looks; it takes no room.
  enum Style: String {
    case plain = ""
    case bold = "\u{1B}[1m"
    case dim = "\u{1B}[2m"
    /// Better than, or as good as, what it is held against.
    case good = "\u{1B}[32m"
  }

  /// A text and its style; on the left or on the right of its column.
  struct Cell {
    var text: String
    var style = Style.plain
    var isLeft = false
    var isAside = false

    /// On the right, where numbers are.
    static func number(_ text: String, _ style: Style = .plain) -> Cell {
      Cell(text: text.isEmpty ? Quantity.missing : text, style: style)
    }

    /// On the left, where words are.
    static func word(_ text: String, _ style: Style = .plain) -> Cell { Cell(text: text, style: style, isLeft: true) }

    /// What is said beside the cell before it.
    static func aside(_ text: String) -> Cell { Cell(text: text, style: .dim, isLeft: true, isAside: true) }
  }

  private var rows: [[Cell]] = []

  /// - Parameter titles: one for each column, where its cells stand; over asides they stand on the right.
  init(titles: [Cell]) {
    rows = [
      titles.map {
        Cell(text: $0.text.uppercased(), style: .bold, isLeft: $0.isLeft && !$0.isAside, isAside: $0.isAside)
      }
    ]
  }

  mutating func append(_ cells: [Cell]) {
    precondition(cells.count == rows[0].count, "a row has as many cells as the grid has columns")
    rows.append(cells)
  }

  /// No row under the titles.
  var isEmpty: Bool { rows.count == 1 }

  /// Of the widest line, in characters.
  var width: Int { lines(isColoured: false).map(\.count).max() ?? 0 }

  /// The rows, each line ended by a newline.
  func text(isColoured: Bool) -> String { lines(isColoured: isColoured).map { $0 + "\n" }.joined() }

  private func lines(isColoured: Bool) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].text.count }.max() ?? 0 }
    return rows.map { cells in
      // Spaces at the end of a line would be copied with it.
      let last = cells.lastIndex { !$0.text.isEmpty } ?? 0
      return cells.indices.prefix(last + 1).reduce(into: "") { line, column in
        let cell = cells[column]
        let space = String(repeating: " ", count: widths[column] - cell.text.count)
        let shown = Self.styled(cell.text, cell.style, isColoured: isColoured)
        line += column == 0 ? "" : cell.isAside ? " " : "  "
        line += cell.isLeft ? (column == last ? shown : shown + space) : space + shown
      }
    }
  }

  /// `text` between what switches the style on and off, or as it is.
  static func styled(_ text: String, _ style: Style, isColoured: Bool) -> String {
    isColoured && style != .plain && !text.isEmpty ? style.rawValue + text + "\u{1B}[0m" : text
  }
}
