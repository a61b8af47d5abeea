/// Why frames ended, as `vtep drops -j` shows it: each reason's total under its name, then each direction as an object.
///
/// Every reason is present, zero or not. A reason stands in a direction's object when it can occur in that direction.
package struct DropsReport: Codable, Equatable, Sendable {
  /// Reason to frames, both directions together.
  package let totals: [String: UInt64]
  /// Reason to frames read from TAPs.
  package let overlay: [String: UInt64]
  /// Reason to datagrams.
  package let underlay: [String: UInt64]

  private struct ReasonKey: CodingKey {
    static let overlay = ReasonKey(name: "overlay")
    static let underlay = ReasonKey(name: "underlay")
    let stringValue: String
    var intValue: Int? { nil }
    init(name: String) { self.stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// One row for each reason; a direction in which it cannot occur is nil. No name may occur twice.
  package init(_ rows: [(name: String, overlay: UInt64?, underlay: UInt64?)]) {
    var totals: [String: UInt64] = [:]
    var overlay: [String: UInt64] = [:]
    var underlay: [String: UInt64] = [:]
    for row in rows {
      precondition(totals[row.name] == nil, "a drop reason is named twice")
      totals[row.name] = (row.overlay ?? 0) &+ (row.underlay ?? 0)
      overlay[row.name] = row.overlay
      underlay[row.name] = row.underlay
    }
    self.totals = totals
    self.overlay = overlay
    self.underlay = underlay
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: ReasonKey.self)
    var totals: [String: UInt64] = [:]
    for key in container.allKeys where key.stringValue != "overlay" && key.stringValue != "underlay" {
      totals[key.stringValue] = try container.decode(UInt64.self, forKey: key)
    }
    self.totals = totals
    self.overlay = try container.decode([String: UInt64].self, forKey: .overlay)
    self.underlay = try container.decode([String: UInt64].self, forKey: .underlay)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: ReasonKey.self)
    for (name, count) in totals {
      try container.encode(count, forKey: ReasonKey(name: name))
    }
    try container.encode(overlay, forKey: .overlay)
    try container.encode(underlay, forKey: .underlay)
  }
}
