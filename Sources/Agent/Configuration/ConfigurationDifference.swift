import VXLAN

/// What leads from one configuration to another: what needs a restart, and what a running agent does.
///
/// Where keys stand in their files makes no difference, nor in which order segments and peers do, nor what the files
/// say that they name.
struct ConfigurationDifference {
  /// Keys that a running agent cannot change, as in `local.port`.
  private(set) var restartKeys: [String] = []
  /// Segments first, then peers, then the rest; each in the order of the configurations.
  private(set) var changes: [ConfigurationChange] = []
  /// What is there before and after and cannot be changed in place.
  private(set) var replacedSegments: Set<VNI> = []
  private(set) var replacedPeers: Set<String> = []
  /// Whether what fits through the segment has to be judged again.
  private(set) var resizedSegments: Set<VNI> = []

  init(from old: Configuration, to new: Configuration) {
    restartKeys = Self.keys(in: "local", Self.fixedKeys(old.local, new.local))
    if old.control != new.control { restartKeys += Self.keys(in: "control", Self.keys(old.control, new.control)) }
    if old.workers != new.workers { restartKeys.append("workers") }
    if old.user != new.user { restartKeys.append("user") }
    notePeers(from: old, to: new)
    noteSegments(from: old, to: new)
    let local = Self.liveKeys(old.local, new.local)
    if !local.isEmpty { changes.append(ConfigurationChange(.local, .changed).changing(local, .live)) }
    let log = Self.differing(old.log, new.log, ("level", \.level), ("format", \.format))
    if !log.isEmpty { changes.append(ConfigurationChange(.log, .changed).changing(log, .live)) }
  }

  private mutating func noteSegments(from old: Configuration, to new: Configuration) {
    let (before, after) = (Dictionary(old.segments.map { ($0.vni, $0) }) { first, _ in first }, new.segments)
    let present = Set(after.map(\.vni))
    var found: [ConfigurationChange] = old.segments.filter { !present.contains($0.vni) }.map {
      .segment($0.vni, .removed)
    }
    for segment in after {
      guard let former = before[segment.vni] else {
        found.append(.segment(segment.vni, .added))
        resizedSegments.insert(segment.vni)
        continue
      }
      let isOtherTag = segment.sealed && former.sealed && old.cipherChoice != new.cipherChoice
      let fixed = Self.fixedKeys(former, segment) + (isOtherTag && former.cipher == segment.cipher ? ["cipher"] : [])
      let live = Self.liveKeys(former, segment)
      if !fixed.isEmpty { replacedSegments.insert(segment.vni) }
      if !fixed.isEmpty || live.contains("mtu") || live.contains("vlan") || live.contains("address") {
        resizedSegments.insert(segment.vni)
      }
      if !(fixed + live).isEmpty {
        found.append(.segment(segment.vni, .changed).changing(fixed + live, fixed.isEmpty ? .live : .replaced))
      }
      if let entries = Self.entries(of: former, segment) { found.append(entries) }
      // What is set by the way of peers has to fit through the new ones too.
      let members = Set(old.peers(of: segment.vni).map(\.name))
      let joined = new.peers(of: segment.vni).filter { !members.contains($0.name) || replacedPeers.contains($0.name) }
      if !joined.isEmpty { resizedSegments.insert(segment.vni) }
    }
    changes = found + changes
  }

  private mutating func notePeers(from old: Configuration, to new: Configuration) {
    let before = Dictionary(old.peers.map { ($0.name, $0) }) { first, _ in first }
    let present = Set(new.peers.map(\.name))
    changes += old.peers.filter { !present.contains($0.name) }.map { .peer($0.name, .removed) }
    for peer in new.peers {
      guard let former = before[peer.name] else {
        changes.append(.peer(peer.name, .added))
        continue
      }
      let fixed = Self.differing(
        former, peer, ("address", \.address), ("port", \.udpPort), ("sealed-port", \.sealedUDPPort),
        ("public-key", \.publicKey))
      let live = Self.differing(former, peer, ("segments", \.segments), ("fdb-limit", \.fdbLimit))
      // With the first private key, or without the last, sessions come and go with peers that are as they were.
      let hasOtherSession = old.hasSession(former) != new.hasSession(peer)
      if !fixed.isEmpty || hasOtherSession { replacedPeers.insert(peer.name) }
      if !(fixed + live).isEmpty {
        changes.append(.peer(peer.name, .changed).changing(fixed + live, fixed.isEmpty ? .live : .replaced))
      }
    }
  }

  private static func entries(of old: Configuration.Segment, _ new: Configuration.Segment) -> ConfigurationChange? {
    guard old.fdb != new.fdb else { return nil }
    let (before, after) = (Set(old.fdb), Set(new.fdb))
    return .entries(of: new.vni, added: after.subtracting(before).count, removed: before.subtracting(after).count)
  }
}

/// The keys of each section.
extension ConfigurationDifference {
  private static func fixedKeys(_ one: Configuration.Local, _ other: Configuration.Local) -> [String] {
    differing(
      one, other, ("address", \.address), ("port", \.udpPort), ("sealed-port", \.sealedUDPPort),
      ("source-ports", \.sourcePortCount), ("offload", \.offload))
  }

  private static func liveKeys(_ one: Configuration.Local, _ other: Configuration.Local) -> [String] {
    differing(
      one, other, ("private-key-file", \.privateKeyFile), ("psk-file", \.presharedKeyFile),
      ("udp6-zero-checksum", \.udp6ZeroChecksum), ("path-mtu-raise", \.pathMTURaise))
  }

  private static func keys(_ one: Configuration.Control, _ other: Configuration.Control) -> [String] {
    let named = differing(one, other, ("socket", \.socket), ("metrics", \.metrics), ("key-log", \.keyLog))
    return named.isEmpty ? [""] : named
  }

  private static func fixedKeys(_ one: Configuration.Segment, _ other: Configuration.Segment) -> [String] {
    differing(
      one, other, ("tap", \.tap), ("mac", \.mac), ("bridge", \.bridge), ("sealed", \.sealed), ("cipher", \.cipher))
  }

  private static func liveKeys(_ one: Configuration.Segment, _ other: Configuration.Segment) -> [String] {
    differing(
      one, other, ("address", \.addresses), ("mtu", \.mtu), ("learning", \.learning), ("ageing", \.ageing),
      ("fdb-limit", \.fdbLimit), ("vlan", \.vlan), ("reserved", \.reserved), ("dscp", \.dscp),
      ("mss-clamp", \.clampsMSS), ("neighbor-suppression", \.suppressesNeighbors),
      ("multicast-snooping", \.snoopsMulticast), ("storm-limit", \.stormLimit))
  }

  private static func keys(in section: String, _ keys: [String]) -> [String] {
    keys.map { $0.isEmpty ? section : "\(section).\($0)" }
  }

  /// Those of `keys` whose values differ.
  private static func differing<Section, each Value: Equatable>(
    _ one: Section, _ other: Section, _ keys: repeat (String, KeyPath<Section, each Value>)
  ) -> [String] {
    var names: [String] = []
    for (name, path) in repeat each keys {
      if one[keyPath: path] != other[keyPath: path] { names.append(name) }
    }
    return names
  }
}
