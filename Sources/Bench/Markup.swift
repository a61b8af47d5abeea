/// HTML and inline SVG under construction. Text and the values of attributes are escaped here and nowhere else, so what
/// a report says, such as the name of a processor, is never read as markup.
struct Markup {
  /// Names and values, in order.
  typealias Attributes = KeyValuePairs<String, String>

  /// Those that stand in a line of text, where a line break would be a space.
  private static let inline: Set<String> = ["a", "small", "span"]

  private(set) var text = ""

  /// An element with text, or with nothing.
  mutating func element(_ name: String, _ attributes: Attributes = [:], _ content: String = "") {
    open(name, attributes)
    text += Self.escaped(content)
    close(name)
  }

  /// An element with elements in it.
  mutating func element(_ name: String, _ attributes: Attributes = [:], body: (inout Markup) -> Void) {
    open(name, attributes)
    body(&self)
    close(name)
  }

  /// An element that has no end, such as `meta`.
  mutating func void(_ name: String, _ attributes: Attributes = [:]) {
    open(name, attributes)
    text += "\n"
  }

  /// Text between elements.
  mutating func add(_ content: String) { text += Self.escaped(content) }

  /// What is markup already, or a style sheet: constants of this module and other `Markup` only.
  mutating func addVerbatim(_ markup: String) { text += markup }

  private mutating func open(_ name: String, _ attributes: Attributes) {
    text += "<" + name
    for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
    text += ">"
  }

  private mutating func close(_ name: String) { text += "</\(name)>" + (Self.inline.contains(name) ? "" : "\n") }

  /// Characters that mean something to a browser as references; control characters, which HTML does not allow,
  /// replaced.
  static func escaped(_ content: String) -> String {
    var escaped = ""
    for scalar in content.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case _ where scalar.properties.generalCategory == .control: escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
