/// One datagram that breaks one rule.
package struct Finding: Equatable, Sendable {
  package let rule: Rule
  /// From 1, as Wireshark counts.
  package let packet: Int
  package let detail: String
}

extension Finding: Encodable {
  private enum CodingKeys: CodingKey { case rule, severity, packet, detail }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(rule.name, forKey: .rule)
    try container.encode(rule.severity.rawValue, forKey: .severity)
    try container.encode(packet, forKey: .packet)
    try container.encode(detail, forKey: .detail)
  }
}
