import VXLAN

extension ConfigurationReader {
  /// The list `segments`, which must be there but may be empty. `local` is nil when its address is wrong.
  func readSegments(_ root: inout MappingReader, local: Configuration.Local?) -> [Configuration.Segment] {
    let example = "segments: [{vni: 42, tap: vx42}]"
    root.noteMissing("segments", example: example)
    let items = root.items("segments", countMax: Configuration.Limits.segmentCountMax, example: example)
    if items == nil { knowsEverySegment = false }
    let all = changes.segmentItems(items ?? [], places)
    judgeCount(all, "segments", countMax: Configuration.Limits.segmentCountMax)
    return all.compactMap { readSegment($0, local: local) }
  }

  private func readSegment(_ item: MappingReader.Item, local: Configuration.Local?) -> Configuration.Segment? {
    guard var keys = MappingReader(item, path: "segments[]", problems: problems) else {
      knowsEverySegment = false
      return nil
    }
    let vni = keys.required("vni", example: "vni: 42") { scalar throws(ValueFault) in try scalar.vni() }
    if let vni { vnis.claim(vni, line: keys.line(of: "vni"), problems) } else { knowsEverySegment = false }
    let tap = keys.required("tap", example: "tap: vx42") { scalar throws(ValueFault) in try scalar.deviceName() }
    if let tap { taps.claim(tap, line: keys.line(of: "tap"), problems) }
    // Placeholders let the other keys be judged too; the problems that are noted keep them from being used.
    var segment = Configuration.Segment(vni: vni ?? VNI(unchecked: 0), tap: tap ?? "")
    readTAP(&keys, &segment)
    readForwarding(&keys, &segment)
    let own = segment.mac ?? local.flatMap { local in vni.map { DefaultMAC.address(local: local.address, vni: $0) } }
    segment.fdb = readStaticEntries(&keys, vni: vni, own: own)
    keys.finish()
    return vni == nil || tap == nil ? nil : segment
  }

  /// The keys about the device.
  private func readTAP(_ keys: inout MappingReader, _ segment: inout Configuration.Segment) {
    segment.addresses = readAddresses(&keys)
    segment.mac = keys.optional("mac") { scalar throws(ValueFault) in try scalar.unicastMAC() }
    segment.mtu = keys.value("mtu", default: .auto) { scalar throws(ValueFault) in try scalar.mtu() }
    segment.mtuLine = SourceLine(keys.line(of: "mtu"))
    let floor = Configuration.Limits.mtuMinForIPv6
    if case .fixed(let mtu) = segment.mtu, mtu < floor, segment.hasIPv6Address {
      problems.add(
        keys.line(of: "mtu"), "segments[].mtu: \(mtu) is too small for an IPv6 address; write \(floor) or more")
    }
    segment.bridge = keys.optional("bridge") { scalar throws(ValueFault) in try scalar.deviceName() }
    if let bridge = segment.bridge { claim(bridge: bridge, line: keys.line(of: "bridge")) }
  }

  private func claim(bridge: String, line: Int) {
    if let earlier = bridges.first(where: { $0.target == bridge }) {
      problems.add(
        line,
        "segments[].bridge: \(bridge) has a segment already in \(places.text(earlier.line)); a bridge would join the"
          + " two into one network, so name another")
    }
    bridges.append(Reference(target: bridge, line: line))
  }

  /// The keys about what happens to frames.
  private func readForwarding(_ keys: inout MappingReader, _ segment: inout Configuration.Segment) {
    typealias Limits = Configuration.Limits
    segment.sealed = keys.value("sealed", default: false) { scalar throws(ValueFault) in try scalar.boolean() }
    segment.cipher = keys.value("cipher", default: .automatic) { scalar throws(ValueFault) in try scalar.cipher() }
    segment.cipherLine = SourceLine(keys.line(of: "cipher"))
    segment.learning = keys.value("learning", default: true) { scalar throws(ValueFault) in try scalar.boolean() }
    segment.ageing = keys.value("ageing", default: segment.ageing) { scalar throws(ValueFault) in
      try scalar.duration(zeroOr: Limits.ageingMin...Limits.ageingMax)
    }
    segment.fdbLimit = keys.value("fdb-limit", default: segment.fdbLimit) { scalar throws(ValueFault) in
      try scalar.number(1...Limits.fdbLimitMax, "the limit of a segment's table")
    }
    segment.vlan = keys.value("vlan", default: segment.vlan) { scalar throws(ValueFault) in try scalar.choice() }
    segment.reserved = keys.value("reserved", default: segment.reserved) { scalar throws(ValueFault) in
      try scalar.choice()
    }
    segment.clampsMSS = keys.value("mss-clamp", default: true) { scalar throws(ValueFault) in try scalar.boolean() }
    segment.suppressesNeighbors = keys.value("neighbor-suppression", default: true) { scalar throws(ValueFault) in
      try scalar.boolean()
    }
    segment.snoopsMulticast = keys.value("multicast-snooping", default: true) { scalar throws(ValueFault) in
      try scalar.boolean()
    }
    segment.stormLimit = keys.value("storm-limit", default: segment.stormLimit) { scalar throws(ValueFault) in
      try scalar.number(0...Limits.stormLimitMax, "storm-limit, in frames a second and 0 for none,")
    }
    segment.dscp = keys.value("dscp", default: segment.dscp) { scalar throws(ValueFault) in try scalar.dscp() }
  }

  private func readAddresses(_ keys: inout MappingReader) -> [IPPrefix] {
    let items = keys.items(
      "address", countMax: Configuration.Limits.addressCountMax, example: "address: [10.42.0.1/24]")
    return (items ?? []).compactMap { item in
      let prefix = MappingReader.scalar(item, name: "segments[].address", problems) { scalar throws(ValueFault) in
        try scalar.overlayAddress()
      }
      if let prefix { overlayAddresses.claim(prefix.address, line: item.line, problems) }
      return prefix
    }
  }

  private func readStaticEntries(
    _ keys: inout MappingReader, vni: VNI?, own: MACAddress?
  ) -> [Configuration.StaticEntry] {
    let items = keys.items(
      "fdb", countMax: Configuration.Limits.staticEntryCountMax,
      example: "fdb: [{mac: \"02:00:00:00:00:02\", peer: b}]")
    var macs = Claims<MACAddress>("static MAC")
    return (items ?? []).compactMap { item in
      guard var entry = MappingReader(item, path: "segments[].fdb[]", problems: problems) else { return nil }
      let mac = entry.required("mac", example: "mac: \"02:00:00:00:00:02\"") { scalar throws(ValueFault) in
        try scalar.unicastMAC()
      }
      let peer = entry.required("peer", example: "peer: b") { scalar throws(ValueFault) in try scalar.peerName() }
      if let mac {
        macs.claim(mac, line: entry.line(of: "mac"), problems)
        if mac == own {
          problems.add(entry.line(of: "mac"), "\(mac) is the segment's own mac; write that of a station at the peer")
        }
      }
      if let peer, !changes.hasRemoved(peer: peer) {
        staticPeers.append(Reference(target: StaticPeer(name: peer, vni: vni), line: entry.line(of: "peer")))
      }
      entry.finish()
      guard let mac, let peer, !changes.hasRemoved(peer: peer) else { return nil }
      return Configuration.StaticEntry(mac: mac, peer: peer)
    }
  }
}

extension ScalarText {
  /// 24 bits; 0 is valid.
  func vni() throws(ValueFault) -> VNI {
    VNI(unchecked: UInt32(try number(0...Int(VNI.maximum.rawValue), "a VNI")))
  }

  fileprivate func mtu() throws(ValueFault) -> Configuration.MTU {
    if text == "auto" { return .auto }
    return .fixed(try number(Configuration.Limits.mtuRange, "mtu is auto or"))
  }

  fileprivate func dscp() throws(ValueFault) -> Configuration.DSCP {
    if text == "copy" { return .copy }
    return .fixed(UInt8(try number(0...63, "dscp is copy or")))
  }
}
