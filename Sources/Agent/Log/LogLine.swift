/// One line of the log, as bytes that end in the only newline among them.
///
/// Nothing in a message or a value can forge a second line or a second field: what is not plain is quoted, and
/// control characters, bidirectional ones and line separators among them, are escaped.
package struct LogLine: Sendable {
  /// How a line is laid out.
  package enum Format: String, Sendable, CaseIterable {
    /// `time=... level=info message="..." vni=42`
    case logfmt
    /// One JSON object, all values strings.
    case json
  }

  /// A `write` of up to PIPE_BUF bytes to a pipe is not torn apart (pipe(7)).
  package static let byteCountMax = 4_096
  private static let cutMark = "truncated"

  /// The fields that always come first, then the metadata in the order of its keys.
  private let fields: [(key: String, value: String)]

  /// - Parameter time: RFC 3339; nil where the journal keeps the time.
  package init(time: String?, level: String, message: String, metadata: [String: String]) {
    var fields: [(key: String, value: String)] = []
    if let time { fields.append(("time", time)) }
    fields.append(("level", level))
    fields.append(("message", message))
    // A key of the metadata cannot stand in for one of the three.
    let reserved: Set<String> = ["time", "level", "message", Self.cutMark]
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      fields.append((reserved.contains(key) ? "_" + key : key, value))
    }
    self.fields = fields
  }

  /// The line with its newline, at most `byteCountMax` bytes; fields that do not fit are left out or cut, and
  /// `truncated` tells so.
  package func bytes(_ format: Format, prefix: String = "") -> [UInt8] {
    let separator = format == .json ? "," : " "
    let closing = format == .json ? "}\n" : "\n"
    let mark = separator + Self.render(Self.cutMark, "true", format)
    var text = prefix + (format == .json ? "{" : "")
    var room = Self.byteCountMax - text.utf8.count - closing.utf8.count - mark.utf8.count
    var isCut = false
    for (index, field) in fields.enumerated() {
      let lead = index == 0 ? "" : separator
      var rendered = lead + Self.render(field.key, field.value, format)
      if rendered.utf8.count > room {
        isCut = true
        // At worst a byte becomes six (`\u0000`); leave half of the line to what follows.
        let short = String(decoding: field.value.utf8.prefix(Self.byteCountMax / 16), as: UTF8.self)
        rendered = lead + Self.render(field.key, short + "…", format)
        guard rendered.utf8.count <= room else { continue }
      }
      text += rendered
      room -= rendered.utf8.count
    }
    return Array((text + (isCut ? mark : "") + closing).utf8)
  }

  private static func render(_ key: String, _ value: String, _ format: Format) -> String {
    switch format {
    case .json: quote(key) + ":" + quote(value)
    case .logfmt: plainKey(key) + "=" + (isPlain(value) ? value : quote(value))
    }
  }

  private static func plainKey(_ key: String) -> String {
    let scalars = key.unicodeScalars.map { isPlain($0) ? Character($0) : "_" }
    return scalars.isEmpty ? "_" : String(scalars)
  }

  private static func isPlain(_ value: String) -> Bool {
    !value.isEmpty && value.unicodeScalars.allSatisfy(isPlain)
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value > 0x20 && scalar.value < 0x7F && scalar != "\"" && scalar != "=" && scalar != "\\"
  }

  /// A JSON string (RFC 8259, section 7), which logfmt readers understand too.
  private static func quote(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default: append(scalar, to: &text)
      }
    }
    return text + "\""
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    default:
      text.unicodeScalars.append(scalar)
    }
  }
}
