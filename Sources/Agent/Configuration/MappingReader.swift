import Yams

/// Reads the keys of one mapping, each once, and notes every problem with its line.
///
/// Ask for each known key, then call `finish`: what nobody asked for is unknown. A value that is absent or wrong is
/// nil or the default; that something was wrong is told by the problem list alone.
struct MappingReader {
  /// A node with the line that a problem with it is reported at.
  struct Item {
    let node: Node
    let line: Int
  }

  private struct Entry {
    let keyLine: Int
    let value: Node
  }

  /// Where the mapping stands: empty for the whole file, `local`, `segments[]`.
  let path: String
  /// The line of its first key.
  let line: Int
  let problems: ProblemList
  private var entries: [String: Entry] = [:]
  private var asked: [String] = []

  /// Nil, with a problem noted, when the item is no mapping.
  init?(_ item: Item, path: String, problems: ProblemList) {
    self.path = path
    self.problems = problems
    guard case .mapping(let mapping) = item.node else {
      let name = path.isEmpty ? "the configuration" : path
      problems.add(item.line, "\(name) must be a mapping; write its keys as key: value")
      return nil
    }
    self.line = mapping.mark?.line ?? item.line
    Self.refuseTag(of: item.node, line: line, problems)
    for (key, value) in mapping {
      let keyLine = key.mark?.line ?? line
      guard case .scalar(let scalar) = key else {
        problems.add(keyLine, "a list or mapping cannot be a key here; write a word")
        continue
      }
      entries[scalar.string] = Entry(keyLine: keyLine, value: value)
    }
  }

  /// The line of the key's value, or of the mapping without it.
  func line(of key: String) -> Int {
    guard let entry = entries[key] else { return line }
    return Self.line(of: entry.value) ?? entry.keyLine
  }

  func has(_ key: String) -> Bool { entries[key] != nil }

  /// The key's value through `read`; nil when it is absent or wrong.
  mutating func optional<Value>(
    _ key: String, _ read: (ScalarText) throws(ValueFault) -> Value
  ) -> Value? {
    guard let item = item(key) else { return nil }
    return Self.scalar(item, name: name(key), problems, read)
  }

  /// The key's value through `read`; `standard` when it is absent or wrong.
  mutating func value<Value>(
    _ key: String, default standard: Value, _ read: (ScalarText) throws(ValueFault) -> Value
  ) -> Value {
    optional(key, read) ?? standard
  }

  /// As `optional`, and a problem when the key is absent.
  mutating func required<Value>(
    _ key: String, example: String, _ read: (ScalarText) throws(ValueFault) -> Value
  ) -> Value? {
    noteMissing(key, example: example)
    return optional(key, read)
  }

  /// The mapping under the key; nil when it is absent or wrong.
  mutating func mapping(_ key: String) -> MappingReader? {
    guard let item = item(key) else { return nil }
    return MappingReader(item, path: name(key), problems: problems)
  }

  /// The items of the list under the key, at most `countMax`; nil when it is absent or wrong.
  mutating func items(_ key: String, countMax: Int, example: String) -> [Item]? {
    guard let item = item(key) else { return nil }
    guard case .sequence(let sequence) = item.node else {
      problems.add(item.line, "\(name(key)) must be a list; write \(example)")
      return nil
    }
    Self.refuseTag(of: item.node, line: item.line, problems)
    guard sequence.count <= countMax else {
      problems.add(item.line, "\(name(key)) has \(sequence.count) items; at most \(countMax) are possible")
      return nil
    }
    return sequence.map { Item(node: $0, line: Self.line(of: $0) ?? item.line) }
  }

  /// Notes a problem when the key is absent.
  func noteMissing(_ key: String, example: String) {
    guard entries[key] == nil else { return }
    problems.add(line, "\(path.isEmpty ? "the configuration" : path) lacks the key \(key); write \(example)")
  }

  /// Notes every key that nobody asked for. To be called last.
  consuming func finish() {
    for (key, entry) in entries.sorted(by: { $0.key < $1.key }) where !asked.contains(key) {
      problems.add(entry.keyLine, unknown(key))
    }
  }

  /// One value through `read`, with what is wrong noted under `name`.
  static func scalar<Value>(
    _ item: Item, name: String, _ problems: ProblemList, _ read: (ScalarText) throws(ValueFault) -> Value
  ) -> Value? {
    guard case .scalar(let scalar) = item.node, !ConfigurationDocument.isNull(item.node) else {
      problems.add(item.line, "\(name) must be a single value, not a list, a mapping or nothing")
      return nil
    }
    let isPlain = scalar.style == .plain && !isText(scalar.tag)
    guard refuseTag(of: item.node, line: item.line, problems) else { return nil }
    do {
      return try read(ScalarText(text: scalar.string, isPlain: isPlain))
    } catch {
      problems.add(item.line, "\(name): \(error.wrong); \(error.right)")
      return nil
    }
  }

  /// The entry of `key` as an item, unless it is absent or without a value.
  private mutating func item(_ key: String) -> Item? {
    asked.append(key)
    guard let entry = entries[key] else { return nil }
    guard !ConfigurationDocument.isNull(entry.value) else {
      problems.add(entry.keyLine, "\(name(key)) has no value; write one or remove the key")
      return nil
    }
    return Item(node: entry.value, line: Self.line(of: entry.value) ?? entry.keyLine)
  }

  private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private func unknown(_ key: String) -> String {
    let place = path.isEmpty ? "at the top level" : "in \(path)"
    let shown = ScalarText(text: key, isPlain: true).shown
    if !problems.isLong, let meant = Spelling.nearest(to: key, among: asked) {
      return "unknown key \(shown) \(place); did you mean \(meant)?"
    }
    return "unknown key \(shown) \(place); known are \(asked.sorted().joined(separator: ", "))"
  }

  private static func line(of node: Node) -> Int? { node.mark?.line }

  private static func isText(_ tag: Tag) -> Bool { tag.description == Tag.Name.str.rawValue }

  /// Explicit tags would change what a value is; only that of text is harmless.
  @discardableResult
  private static func refuseTag(of node: Node, line: Int, _ problems: ProblemList) -> Bool {
    let tag = node.tag.description
    guard tag.isEmpty || [Tag.Name.str, .map, .seq].contains(where: { $0.rawValue == tag }) else {
      problems.add(line, "the YAML tag \(ScalarText(text: tag, isPlain: true).shown) is not accepted; remove it")
      return false
    }
    return true
  }
}
