import VXLAN
import Yams

/// What was added to a configuration and taken from it since its file was read: by `vtep peer add` and the like.
///
/// What is added is kept as it was written, so that it is judged together with the file by the reader of the file.
/// *Threads.* One.
struct RunTimeChanges {
  /// A peer or a segment, as an item of the file's list.
  struct Addition {
    enum Identity: Hashable {
      case peer(String)
      case segment(String)
    }

    /// By its name or its VNI as it is written; one without is refused by the reader.
    let identity: Identity
    /// What is read is marked as read, so it is parsed each time.
    fileprivate let body: [UInt8]
    /// Of a segment: names of peers that get it though they have a list of their own.
    fileprivate(set) var members: [String] = []

    var description: String {
      switch identity {
      case .peer(let name): "peer \(name)"
      case .segment(let vni): "segment \(vni)"
      }
    }
  }

  /// Peers and segments in the order in which they came.
  private(set) var additions: [Addition] = []
  /// Of the file.
  private(set) var removedPeers: Set<String> = []
  private(set) var removedSegments: Set<VNI> = []
  /// Of the addition that is not accepted yet.
  private(set) var newestIndex: Int?

  var isEmpty: Bool { additions.isEmpty && removedPeers.isEmpty && removedSegments.isEmpty }

  /// - Parameter body: a mapping with the keys of an item of `peers`.
  mutating func addPeer(_ body: [UInt8]) throws(ConfigurationProblem) {
    let node = try Self.mapping(body)
    append(Addition(identity: .peer(Self.text("name", in: node) ?? ""), body: body))
  }

  /// - Parameter body: a mapping with the keys of an item of `segments`, and `peers`: who has it beside those that have
  ///   all.
  mutating func addSegment(_ body: [UInt8]) throws(ConfigurationProblem) {
    let (node, members) = try Self.members(in: try Self.mapping(body))
    append(Addition(identity: .segment(Self.text("vni", in: node) ?? ""), body: body, members: members))
  }

  /// The peer is gone: what was added, or the file's own.
  mutating func removePeer(_ name: String) {
    removedPeers.insert(name)
    additions.removeAll { $0.identity == .peer(name) }
    for index in additions.indices { additions[index].members.removeAll { $0 == name } }
  }

  mutating func removeSegment(_ vni: VNI) {
    removedSegments.insert(vni)
    additions.removeAll { $0.identity == .segment("\(vni)") }
  }

  /// What is left of it beside a file that is read anew: what was removed is there again, and what the file names
  /// itself is as there.
  func reloaded(by file: Configuration) -> RunTimeChanges {
    var rest = RunTimeChanges()
    rest.additions = additions.filter { addition in
      switch addition.identity {
      case .peer(let name): file.peer(named: name) == nil
      case .segment(let vni): !file.segments.contains { "\($0.vni)" == vni }
      }
    }
    return rest
  }

  /// As it is once all of it is accepted.
  func accepted() -> RunTimeChanges {
    var accepted = self
    accepted.newestIndex = nil
    return accepted
  }

  private mutating func append(_ addition: Addition) {
    newestIndex = additions.count
    additions.append(addition)
  }
}

/// What the reader takes from it.
extension RunTimeChanges {
  /// The file's items without those that were removed, and what was added.
  func peerItems(_ items: [MappingReader.Item], _ places: ConfigurationPlaces) -> [MappingReader.Item] {
    let kept = items.filter { item in Self.text("name", in: item.node).map { !removedPeers.contains($0) } ?? true }
    return kept + addedItems(places) { if case .peer = $0 { true } else { false } }
  }

  func segmentItems(_ items: [MappingReader.Item], _ places: ConfigurationPlaces) -> [MappingReader.Item] {
    let removed = Set(removedSegments.map { "\($0)" })
    let kept = items.filter { item in Self.text("vni", in: item.node).map { !removed.contains($0) } ?? true }
    return kept + addedItems(places) { if case .segment = $0 { true } else { false } }
  }

  /// Whether what the file says of the peer is to be passed over.
  func hasRemoved(peer name: String) -> Bool {
    removedPeers.contains(name) && !additions.contains { $0.identity == .peer(name) }
  }

  func hasRemoved(segment vni: VNI) -> Bool {
    removedSegments.contains(vni) && !additions.contains { $0.identity == .segment("\(vni)") }
  }

  /// The segments that were given to the peer when they were added.
  func addedSegments(ofPeer name: String) -> [VNI] {
    additions.compactMap { addition in
      guard case .segment(let text) = addition.identity, addition.members.contains(name) else { return nil }
      return UInt32(text).flatMap { VNI($0) }
    }
  }

  /// Names of peers that get a segment, each with the line that stands for it.
  func members(_ places: ConfigurationPlaces) -> [ConfigurationReader.Reference<String>] {
    additions.enumerated().flatMap { index, addition in
      addition.members.map { .init(target: $0, line: places.line(ofAddition: index)) }
    }
  }

  private func addedItems(
    _ places: ConfigurationPlaces, _ isWanted: (Addition.Identity) -> Bool
  ) -> [MappingReader.Item] {
    additions.enumerated().compactMap { index, addition in
      // It could be parsed when it came.
      guard isWanted(addition.identity), let node = try? Self.item(addition) else { return nil }
      return .init(node: node, line: places.line(ofAddition: index))
    }
  }
}

/// Reading what is added.
extension RunTimeChanges {
  private static func item(_ addition: Addition) throws(ConfigurationProblem) -> Node {
    let node = try mapping(addition.body)
    guard case .segment = addition.identity else { return node }
    return try members(in: node).rest
  }

  private static func mapping(_ body: [UInt8]) throws(ConfigurationProblem) -> Node {
    let root = try ConfigurationDocument(ConfigurationText(body)).root
    guard case .mapping = root else {
      throw ConfigurationProblem(
        line: nil, message: "the body must be a JSON object with the keys of the configuration")
    }
    return withoutMarks(root)
  }

  private static func members(in node: Node) throws(ConfigurationProblem) -> (rest: Node, members: [String]) {
    guard case .mapping(let mapping) = node else { return (node, []) }
    var members: [String] = []
    var rest: [(Node, Node)] = []
    for (key, value) in mapping {
      guard key.scalar?.string == "peers" else {
        rest.append((key, value))
        continue
      }
      guard let names = value.sequence, names.allSatisfy({ $0.scalar != nil }) else {
        throw ConfigurationProblem(line: nil, message: "peers must be a list of names")
      }
      members = names.compactMap { $0.scalar?.string }
    }
    return (.mapping(Node.Mapping(rest)), members)
  }

  /// Lines of a body are no lines of the file.
  private static func withoutMarks(_ node: Node) -> Node {
    switch node {
    case .scalar(var scalar):
      scalar.mark = nil
      return .scalar(scalar)
    case .sequence(let sequence):
      return .sequence(Node.Sequence(sequence.map(withoutMarks), sequence.tag, sequence.style))
    case .mapping(let mapping):
      let pairs = mapping.map { (withoutMarks($0.key), withoutMarks($0.value)) }
      return .mapping(Node.Mapping(pairs, mapping.tag, mapping.style))
    case .alias: return node
    }
  }

  private static func text(_ key: String, in node: Node) -> String? {
    guard case .mapping(let mapping) = node else { return nil }
    return mapping.first { $0.key.scalar?.string == key }?.value.scalar?.string
  }
}
