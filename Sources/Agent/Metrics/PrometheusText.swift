/// The text format in which a scraper reads metrics, version 0.0.4.
///
///     # HELP name what it counts
///     # TYPE name counter
///     name{label="value"} 42
///
/// A family without samples is left out. Backslashes and newlines are escaped, in label values quotes as well.
/// - SeeAlso: Prometheus documentation, "Exposition formats", text-based format.
package struct PrometheusText {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private var bytes: [UInt8] = []

  /// The families in their order, each line with its newline.
  package static func encode(_ families: [MetricFamily]) -> [UInt8] {
    var text = PrometheusText()
    for family in families where !family.samples.isEmpty { text.append(family) }
    return text.bytes
  }

  private mutating func append(_ family: MetricFamily) {
    append("# HELP \(family.name) ")
    appendEscaped(family.help, quotes: false)
    append("\n# TYPE \(family.name) \(family.kind.rawValue)\n")
    for sample in family.samples { append(sample, of: family.name) }
  }

  private mutating func append(_ sample: MetricSample, of name: String) {
    append(name)
    append(sample.suffix)
    var separator = "{"
    for label in sample.labels {
      append(separator)
      append(label.name)
      append("=\"")
      appendEscaped(label.value, quotes: true)
      append("\"")
      separator = ","
    }
    append(sample.labels.isEmpty ? " " : "} ")
    append(Self.text(of: sample.value))
    append("\n")
  }

  private static func text(of value: MetricSample.Value) -> String {
    switch value {
    case .count(let count): String(count)
    case .level(let level) where level.isNaN: "NaN"
    case .level(let level) where level.isInfinite: level > 0 ? "+Inf" : "-Inf"
    case .level(let level): level == level.rounded() && abs(level) < 0x1p53 ? String(Int64(level)) : "\(level)"
    }
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func appendEscaped(_ text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append(#"\\"#)
      case UInt8(ascii: "\n"): append(#"\n"#)
      case UInt8(ascii: "\"") where quotes: append(#"\""#)
      default: bytes.append(byte)
      }
    }
  }
}
