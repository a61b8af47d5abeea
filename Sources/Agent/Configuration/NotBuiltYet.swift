/// The keys of the configuration that are specified and not built: refused as such, never ignored.
///
/// The one table of them. Who builds a key deletes its row and reads the key where its neighbours are read.
struct NotBuiltYet {
  /// As in `MappingReader.path`: items of a list are `name[]`.
  let key: String

  init(_ key: String) {
    self.key = key
  }

  static let table = [
    NotBuiltYet("control.key-log")
  ]

  /// Whether `key` is refused whatever its value is.
  static func refuses(key: String) -> Bool { table.contains { $0.key == key } }

  /// The rows directly under `path`, by their last word.
  static func keys(under path: String) -> [String] {
    let start = path.isEmpty ? "" : path + "."
    return table.filter { $0.key.hasPrefix(start) }
      .map { String($0.key.dropFirst(start.count)) }
      .filter { !$0.contains(".") }
  }
}
