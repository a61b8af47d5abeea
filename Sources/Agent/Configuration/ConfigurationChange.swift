import VXLAN

/// One thing that a reload, or a command, changes in a running agent.
package struct ConfigurationChange: Codable, Equatable, Sendable {
  package enum Kind: String, Codable, Sendable {
    case segment, peer
    /// Static entries of a segment.
    case entries
    case log, local
    /// What a key file says.
    case secrets
  }

  package enum Change: String, Codable, Sendable { case added, removed, changed }

  /// What a change costs.
  package enum Effect: String, Codable, Sendable {
    /// No frame.
    case live
    /// The old goes with what was learned of it, and the new takes its place.
    case replaced
  }

  package var kind: Kind
  /// Of a peer or a secret.
  package var name: String?
  /// Of a segment.
  package var vni: UInt32?
  package var change: Change
  /// As in the file, in the order of the manual.
  package var keys: [String]?
  package var effect: Effect?
  /// Static entries that came and went; one that points to another peer now did both.
  package var added: Int?
  package var removed: Int?

  init(_ kind: Kind, _ change: Change) {
    self.kind = kind
    self.change = change
  }
}

extension ConfigurationChange {
  static func segment(_ vni: VNI, _ change: Change) -> ConfigurationChange {
    var value = ConfigurationChange(.segment, change)
    value.vni = vni.rawValue
    return value
  }

  static func peer(_ name: String, _ change: Change) -> ConfigurationChange {
    var value = ConfigurationChange(.peer, change)
    value.name = name
    return value
  }

  static func secret(_ name: String) -> ConfigurationChange {
    var value = ConfigurationChange(.secrets, .changed)
    value.name = name
    return value
  }

  /// Nil where neither came nor went any.
  static func entries(of vni: VNI, added: Int, removed: Int) -> ConfigurationChange? {
    guard added + removed > 0 else { return nil }
    var value = ConfigurationChange(.entries, .changed)
    (value.vni, value.added, value.removed, value.effect) = (vni.rawValue, added, removed, .live)
    return value
  }

  func changing(_ keys: [String], _ effect: Effect) -> ConfigurationChange {
    var value = self
    (value.keys, value.effect) = (keys, effect)
    return value
  }

  /// One line for people.
  package var text: String {
    let subject =
      switch kind {
      case .segment: "segment \(vni.map(String.init) ?? "")"
      case .peer: "peer \(name ?? "")"
      case .entries: "segment \(vni.map(String.init) ?? "")"
      case .log, .local: kind.rawValue
      case .secrets: name ?? ""
      }
    if kind == .entries { return "\(subject): static entries: \(added ?? 0) added, \(removed ?? 0) removed" }
    let word = effect == .replaced ? "replaced" : change.rawValue
    return "\(subject): \(word)" + (keys.map { " (\($0.joined(separator: ", ")))" } ?? "")
  }
}
