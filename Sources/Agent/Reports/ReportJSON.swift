import FoundationEssentials

/// How reports become JSON: keys sorted, so that two runs can be compared, and slashes as they are.
package enum ReportJSON {
  /// One document that ends in a newline.
  package static func encode(_ report: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(report)) + [UInt8(ascii: "\n")]
  }

  /// The report that `bytes` hold.
  package static func decode<Report: Decodable>(_ type: Report.Type, from bytes: [UInt8]) throws -> Report {
    try JSONDecoder().decode(type, from: Data(bytes))
  }
}
