/// What a running agent would have to do anew.
extension Configuration {
  /// The first key, in the order of the manual, whose value is another in `other`; nil where both mean the same. Where
  /// keys stand in their files makes no difference, nor what the files that they name contain.
  func firstDifference(from other: Configuration) -> String? {
    guard self != other else { return nil }
    return Self.key(local, other.local)
      ?? Self.key(in: "control", control, other.control, ("socket", \.socket))
      ?? Self.key(in: "log", log, other.log, ("level", \.level), ("format", \.format))
      ?? (segments.map(\.vni) == other.segments.map(\.vni) ? nil : "segments")
      ?? zip(segments, other.segments).lazy.compactMap(Self.key).first
      ?? (peers.map(\.name) == other.peers.map(\.name) ? nil : "peers")
      ?? zip(peers, other.peers).lazy.compactMap(Self.key).first
      ?? (workers == other.workers ? "a key" : "workers")
  }

  private static func key(_ one: Local, _ other: Local) -> String? {
    key(
      in: "local", one, other, ("address", \.address), ("port", \.udpPort), ("sealed-port", \.sealedUDPPort),
      ("private-key-file", \.privateKeyFile), ("psk-file", \.presharedKeyFile), ("source-ports", \.sourcePortCount),
      ("offload", \.offload), ("udp6-zero-checksum", \.udp6ZeroChecksum), ("path-mtu-raise", \.pathMTURaise))
  }

  private static func key(_ one: Segment, _ other: Segment) -> String? {
    key(
      in: "segments[\(one.vni)]", one, other, ("tap", \.tap), ("address", \.addresses), ("mac", \.mac), ("mtu", \.mtu),
      ("sealed", \.sealed), ("cipher", \.cipher), ("learning", \.learning), ("ageing", \.ageing),
      ("fdb-limit", \.fdbLimit), ("fdb", \.fdb), ("bridge", \.bridge), ("vlan", \.vlan), ("reserved", \.reserved),
      ("dscp", \.dscp), ("mss-clamp", \.clampsMSS), ("neighbor-suppression", \.suppressesNeighbors),
      ("multicast-snooping", \.snoopsMulticast), ("storm-limit", \.stormLimit))
  }

  private static func key(_ one: Peer, _ other: Peer) -> String? {
    key(
      in: "peers[\(one.name)]", one, other, ("address", \.address), ("port", \.udpPort),
      ("sealed-port", \.sealedUDPPort), ("public-key", \.publicKey), ("segments", \.segments),
      ("fdb-limit", \.fdbLimit))
  }

  /// The first of `keys` that differs; the section itself where another one does.
  private static func key<Section: Equatable, each Value: Equatable>(
    in section: String, _ one: Section, _ other: Section, _ keys: repeat (String, KeyPath<Section, each Value>)
  ) -> String? {
    guard one != other else { return nil }
    for (name, path) in repeat each keys {
      if one[keyPath: path] != other[keyPath: path] { return "\(section).\(name)" }
    }
    return section
  }
}
