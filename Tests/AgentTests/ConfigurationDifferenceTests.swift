import Testing

@testable import Agent

@Suite("What differs between two configurations")
struct ConfigurationDifferenceTests {
  private static let text = """
    local: {address: 192.0.2.1, port: 4789, psk-file: /p, private-key-file: /k, offload: auto, source-ports: 64,
      path-mtu-raise: 600s, udp6-zero-checksum: drop, sealed-port: 4790}
    control: {socket: /run/s, metrics: "127.0.0.1:9910", key-log: /log}
    workers: 2
    log: {level: info, format: logfmt}
    user: vtep
    segments:
      - {vni: 42, tap: vx42, mtu: 1400, sealed: true, cipher: auto, ageing: 300s, fdb-limit: 9, learning: true,
         vlan: drop, reserved: strict, dscp: copy, mss-clamp: true, mac: "02:00:00:00:00:01", bridge: br0,
         neighbor-suppression: true, multicast-snooping: true, storm-limit: 9,
         address: [10.0.0.1/24], fdb: [{mac: "02:00:00:00:00:09", peer: b}]}
      - {vni: 43, tap: vx43}
    peers:
      - {name: b, address: 192.0.2.2, public-key: "\(SealingSamples.peerPublicKey)", segments: [42], fdb-limit: 0,
         port: 4789, sealed-port: 4790}

    """

  private enum Cost: Sendable { case restart, replaced, live }

  /// What is written for what in `text`, the key that this changes, and what that costs.
  private static let changes: [(from: String, to: String, key: String, cost: Cost)] = [
    ("address: 192.0.2.1,", "address: 192.0.2.9,", "local.address", .restart),
    ("port: 4789, psk", "port: 4788, psk", "local.port", .restart),
    ("/p,", "/other,", "local.psk-file", .live), ("/k,", "/other,", "local.private-key-file", .live),
    ("offload: auto", "offload: off", "local.offload", .restart),
    ("source-ports: 64", "source-ports: 1", "local.source-ports", .restart),
    ("600s", "60s", "local.path-mtu-raise", .live),
    ("zero-checksum: drop", "zero-checksum: accept", "local.udp6-zero-checksum", .live),
    ("sealed-port: 4790}\ncontrol", "sealed-port: 4791}\ncontrol", "local.sealed-port", .restart),
    ("/run/s", "/run/t", "control.socket", .restart), ("1:9910", "1:9911", "control.metrics", .restart),
    ("/log", "/other", "control.key-log", .restart),
    ("workers: 2", "workers: 3", "workers", .restart), ("user: vtep", "user: root", "user", .restart),
    ("level: info", "level: debug", "log.level", .live), ("logfmt", "json", "log.format", .live),
    ("tap: vx42", "tap: vx44", "segment 42.tap", .replaced), ("mtu: 1400", "mtu: 1300", "segment 42.mtu", .live),
    ("sealed: true", "sealed: false", "segment 42.sealed", .replaced),
    ("cipher: auto", "cipher: chacha20poly1305", "segment 42.cipher", .replaced),
    ("ageing: 300s", "ageing: 30s", "segment 42.ageing", .live),
    ("fdb-limit: 9,", "fdb-limit: 8,", "segment 42.fdb-limit", .live),
    ("learning: true", "learning: false", "segment 42.learning", .live),
    ("vlan: drop", "vlan: pass", "segment 42.vlan", .live),
    ("reserved: strict", "reserved: ignore", "segment 42.reserved", .live),
    ("dscp: copy", "dscp: 3", "segment 42.dscp", .live),
    ("mss-clamp: true", "mss-clamp: false", "segment 42.mss-clamp", .live),
    ("00:01\"", "00:02\"", "segment 42.mac", .replaced), ("br0", "br1", "segment 42.bridge", .replaced),
    ("10.0.0.1/24", "10.0.0.2/24", "segment 42.address", .live),
    ("neighbor-suppression: true", "neighbor-suppression: false", "segment 42.neighbor-suppression", .live),
    ("multicast-snooping: true", "multicast-snooping: false", "segment 42.multicast-snooping", .live),
    ("storm-limit: 9", "storm-limit: 8", "segment 42.storm-limit", .live),
    ("tap: vx43", "tap: vx45", "segment 43.tap", .replaced),
    ("192.0.2.2", "192.0.2.3", "peer b.address", .replaced),
    ("segments: [42]", "segments: [42, 43]", "peer b.segments", .live),
    (SealingSamples.peerPublicKey, SealingSamples.publicKey, "peer b.public-key", .replaced),
    ("fdb-limit: 0", "fdb-limit: 1", "peer b.fdb-limit", .live),
    ("port: 4789, sealed", "port: 4799, sealed", "peer b.port", .replaced),
    ("port: 4789, sealed-port: 4790", "port: 4789, sealed-port: 4792", "peer b.sealed-port", .replaced),
  ]

  private func parse(_ text: String) throws -> Configuration { try Configuration.parse(text, file: "f") }

  private func difference(_ from: String, _ to: String) throws -> ConfigurationDifference {
    let text = Self.text.replacing(from, with: to, maxReplacements: 1)
    try #require(text != Self.text)
    return ConfigurationDifference(from: try parse(Self.text), to: try parse(text))
  }

  @Test("each key that may change is told by its name with what it costs", arguments: changes)
  private func keys(from: String, to: String, key: String, cost: Cost) throws {
    let difference = try difference(from, to)
    guard cost != .restart else {
      #expect(difference.restartKeys == [key] && difference.changes.isEmpty)
      return
    }
    let parts = key.split(separator: ".", maxSplits: 1)
    let word = cost == .live ? "changed" : "replaced"
    #expect(difference.changes.map(\.text) == ["\(parts[0]): \(word) (\(parts[1]))"])
    #expect(difference.restartKeys.isEmpty)
    #expect(difference.changes.first?.effect == (cost == .live ? .live : .replaced))
  }

  @Test("each property that a key of the manual sets is among those that may change")
  func complete() throws {
    let configuration = try parse(Self.text)
    let keys = Set(Self.changes.map(\.key))
    func expectAll(of section: Any, named prefix: String, besides names: Int = 0) {
      let propertyCount = Mirror(reflecting: section).children.filter { !($0.value is SourceLine) }.count
      #expect(keys.filter { $0.hasPrefix(prefix) }.count == propertyCount - names, "a key of \(prefix) is not tried")
    }
    expectAll(of: configuration.local, named: "local.")
    expectAll(of: configuration.control, named: "control.")
    expectAll(of: configuration.log, named: "log.")
    // The VNI, and the name, say which one it is; entries are told by themselves.
    expectAll(of: configuration.segments[0], named: "segment 42.", besides: 2)
    expectAll(of: configuration.peers[0], named: "peer b.", besides: 1)
    let sections = Set(Mirror(reflecting: configuration).children.compactMap(\.label))
    #expect(sections == ["local", "control", "workers", "log", "user", "segments", "peers"])
  }

  @Test("comments, order, defaults written out and the style of values are no difference")
  func same() throws {
    let other = Self.text.replacing("{level: info, format: logfmt}", with: "{level: info}")
    let difference = ConfigurationDifference(from: try parse(Self.text), to: try parse("# a comment\n\n" + other))
    #expect(difference.changes.isEmpty && difference.restartKeys.isEmpty)
  }

  @Test(
    "what comes and goes is told, and nothing of what stays",
    arguments: [
      ("vni: 43", "vni: 44", ["segment 43: removed", "segment 44: added"]),
      ("peers:", "peers:\n  - {name: a, address: 192.0.2.4, segments: [43]}", ["peer a: added"]),
      ("00:09\"", "00:08\"", ["segment 42: static entries: 1 added, 1 removed"]),
      ("name: b", "name: c", ["segment 42: static entries: 1 added, 1 removed", "peer b: removed", "peer c: added"]),
    ])
  func comings(from: String, to: String, told: [String]) throws {
    let text = Self.text.replacing(from, with: to, maxReplacements: 1).replacing(
      from == "name: b" ? "peer: b" : "\0", with: "peer: c")
    let difference = ConfigurationDifference(from: try parse(Self.text), to: try parse(text))
    #expect(difference.changes.map(\.text) == told)
    #expect(difference.replacedSegments.isEmpty && difference.replacedPeers.isEmpty)
  }

  @Test("what needs a restart is named, all of it, whatever else changes")
  func restart() throws {
    let text = Self.text.replacing("workers: 2", with: "workers: 3").replacing("offload: auto", with: "offload: off")
      .replacing("vni: 43", with: "vni: 44")
    let difference = ConfigurationDifference(from: try parse(Self.text), to: try parse(text))
    #expect(difference.restartKeys == ["local.offload", "workers"])
  }

  @Test("the first private key and the last replace the peers that have sessions by it")
  func sessions() throws {
    let plain = Self.text.replacing("sealed: true", with: "sealed: false")
    let keyless = plain.replacing(" private-key-file: /k,", with: "")
    let difference = ConfigurationDifference(from: try parse(keyless), to: try parse(plain))
    #expect(difference.replacedPeers == ["b"] && difference.replacedSegments.isEmpty)
  }

  @Test("the document of a change has the names of the manual")
  func document() throws {
    let changes = try difference("tap: vx42", "tap: vx44").changes
    let text = String(decoding: try ReportJSON.encode(ChangeReport(changes: changes)), as: UTF8.self)
    #expect(
      text == #"{"changes":[{"change":"changed","effect":"replaced","keys":["tap"],"kind":"segment","vni":42}]}"# + "\n"
    )
  }
}
