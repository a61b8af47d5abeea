import VXLAN

extension ConfigurationReader {
  /// The list `peers`; without it there are none. `local` is nil when its address is wrong.
  func readPeers(_ root: inout MappingReader, local: Configuration.Local?) -> [Configuration.Peer] {
    let items = root.items(
      "peers", countMax: Configuration.Limits.peerCountMax, example: "peers: [{name: b, address: 192.0.2.2}]")
    if items == nil, root.has("peers") { knowsEveryPeer = false }
    let all = changes.peerItems(items ?? [], places)
    judgeCount(all, "peers", countMax: Configuration.Limits.peerCountMax)
    return all.compactMap { readPeer($0, local: local) }
  }

  /// Notes when there are too many once those of the run time are counted.
  func judgeCount(_ items: [MappingReader.Item], _ key: String, countMax: Int) {
    guard items.count > countMax else { return }
    problems.add(items.last?.line, "\(key) would have \(items.count) items; at most \(countMax) are possible")
  }

  private func readPeer(_ item: MappingReader.Item, local: Configuration.Local?) -> Configuration.Peer? {
    guard var keys = MappingReader(item, path: "peers[]", problems: problems) else {
      knowsEveryPeer = false
      return nil
    }
    let name = keys.required("name", example: "name: b") { scalar throws(ValueFault) in try scalar.peerName() }
    if let name { peerNames.claim(name, line: keys.line(of: "name"), problems) } else { knowsEveryPeer = false }
    let address = keys.required("address", example: "address: 192.0.2.2") { scalar throws(ValueFault) in
      try scalar.underlayAddress()
    }
    if let address { judge(address, line: keys.line(of: "address"), local: local) }
    // Placeholders let the other keys be judged too; the problems that are noted keep them from being used.
    var peer = Configuration.Peer(name: name ?? "", address: address ?? IPAddress(ipv4: 0))
    peer.line = SourceLine(keys.line)
    (peer.udpPort, peer.sealedUDPPort) = readPorts(&keys, "peers[]")
    readPublicKey(&keys, &peer)
    peer.segments = readSegmentsOfPeer(&keys, name: name ?? "")
    peer.fdbLimit = keys.value("fdb-limit", default: 0) { scalar throws(ValueFault) in
      try scalar.number(0...Configuration.Limits.fdbLimitMax, "the limit of a peer's entries (0 for none of its own)")
    }
    keys.finish()
    return name == nil ? nil : peer
  }

  private func readPublicKey(_ keys: inout MappingReader, _ peer: inout Configuration.Peer) {
    peer.publicKey = keys.optional("public-key") { scalar throws(ValueFault) in try scalar.publicKey() }
    guard keys.has("public-key") else { return }
    let line = keys.line(of: "public-key")
    peer.publicKeyLine = SourceLine(line)
    if let key = peer.publicKey { publicKeys.claim(key, line: line, problems) }
  }

  private func judge(_ address: IPAddress, line: Int, local: Configuration.Local?) {
    peerAddresses.claim(address, line: line, problems)
    guard let local else { return }
    if address == local.address {
      problems.add(line, "peers[].address: \(address) is local.address; write the address of another VTEP")
    } else if address.family != local.address.family {
      let families = local.address.family == .ipv4 ? ("IPv6", "IPv4") : ("IPv4", "IPv6")
      problems.add(
        line,
        "peers[].address: \(address) is \(families.0) but local.address is \(families.1); write an \(families.1)"
          + " address (mixed underlays are not built yet)")
    }
  }

  private func readSegmentsOfPeer(_ keys: inout MappingReader, name: String) -> [VNI]? {
    let items = keys.items(
      "segments", countMax: Configuration.Limits.segmentCountMax, example: "segments: [42], or remove the key for all")
    // What is no list is told, and stands for none rather than for all.
    guard let items else { return keys.has("segments") ? [] : nil }
    if items.isEmpty {
      problems.add(
        keys.line(of: "segments"), "peers[].segments is empty; name VNIs, or remove the key to give the peer all")
    }
    var own = Claims<VNI>("VNI of this peer")
    let written = items.compactMap { item -> VNI? in
      let vni = MappingReader.scalar(item, name: "peers[].segments", problems) { scalar throws(ValueFault) in
        try scalar.vni()
      }
      guard let vni else { return nil }
      own.claim(vni, line: item.line, problems)
      guard !changes.hasRemoved(segment: vni) else { return nil }
      segmentsOfPeers.append(Reference(target: vni, line: item.line))
      return vni
    }
    return written + changes.addedSegments(ofPeer: name).filter { !written.contains($0) }
  }

  /// Judges what one section says of another, when all of them are read.
  func resolveReferences(_ peers: [Configuration.Peer]) {
    for bridge in bridges where taps.contains(bridge.target) {
      problems.add(bridge.line, "segments[].bridge: \(bridge.target) is the name of a TAP; write that of a bridge")
    }
    if knowsEverySegment {
      for reference in segmentsOfPeers where !vnis.contains(reference.target) {
        problems.add(
          reference.line,
          "peers[].segments: no segment has the VNI \(reference.target); name one that is under segments:")
      }
    }
    guard knowsEveryPeer else { return }
    let peersByName = Dictionary(peers.map { ($0.name, $0) }) { first, _ in first }
    for reference in staticPeers { judge(reference, peersByName) }
    for member in changes.members(places) where peersByName[member.target] == nil {
      problems.add(member.line, "peers: no peer has the name \(member.target); name one that there is")
    }
  }

  private func judge(_ reference: Reference<StaticPeer>, _ peersByName: [String: Configuration.Peer]) {
    let name = reference.target.name
    guard let peer = peersByName[name] else {
      let meant = Spelling.nearest(to: name, among: Array(peersByName.keys))
      let right = meant.map { "did you mean \($0)?" } ?? "name one that is under peers:"
      problems.add(reference.line, "segments[].fdb[].peer: no peer has the name \(name); \(right)")
      return
    }
    if let vni = reference.target.vni, !peer.hasSegment(vni) {
      problems.add(
        reference.line,
        "segments[].fdb[].peer: \(name) does not have the segment \(vni); add it to the peer's segments")
    }
  }
}
