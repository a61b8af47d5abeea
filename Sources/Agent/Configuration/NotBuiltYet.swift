/// The keys of the configuration that are specified and not built: refused as such, never ignored.
///
/// The one table of them. Who builds a key deletes its row and reads the key where its neighbours are read.
struct NotBuiltYet {
  /// As in `MappingReader.path`: items of a list are `name[]`.
  let key: String
  /// Which values are refused, and what works instead. Nil refuses the key with any value, also with its default.
  let values: Values?

  struct Values {
    let refused: @Sendable (String) -> Bool
    let instead: String
  }

  init(_ key: String, _ values: Values? = nil) {
    self.key = key
    self.values = values
  }

  static let table = [
    NotBuiltYet("user"),
    NotBuiltYet("local.sealed-port"),
    NotBuiltYet("local.private-key-file"),
    NotBuiltYet("local.psk-file"),
    NotBuiltYet("local.path-mtu-raise"),
    NotBuiltYet("control.metrics"),
    NotBuiltYet("control.key-log"),
    NotBuiltYet("segments[].sealed", Values(refused: { $0 == "true" }, instead: "false")),
    NotBuiltYet("segments[].cipher"),
    NotBuiltYet("segments[].neighbor-suppression"),
    NotBuiltYet("segments[].multicast-snooping"),
    NotBuiltYet("segments[].storm-limit"),
    NotBuiltYet("peers[].sealed-port"),
    NotBuiltYet("peers[].public-key"),
  ]

  /// Whether `key` is refused whatever its value is.
  static func refuses(key: String) -> Bool { table.contains { $0.key == key && $0.values == nil } }

  /// The complaint about a valid value that is not built yet, or nil.
  static func complaint(key: String, value: String) -> String? {
    guard let values = table.first(where: { $0.key == key })?.values, values.refused(value) else { return nil }
    return "\(key): \(value) is not built yet; write \(values.instead)"
  }

  /// The whole-key rows directly under `path`, by their last word.
  static func keys(under path: String) -> [String] {
    let start = path.isEmpty ? "" : path + "."
    return table.filter { $0.values == nil && $0.key.hasPrefix(start) }
      .map { String($0.key.dropFirst(start.count)) }
      .filter { !$0.contains(".") }
  }
}
