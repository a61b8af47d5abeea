import Testing

@testable import Agent

@Suite("What differs between two configurations")
struct ConfigurationDifferenceTests {
  private static let text = """
    local: {address: 192.0.2.1, port: 4789, psk-file: /p, private-key-file: /k, offload: auto, source-ports: 64,
      path-mtu-raise: 600s, udp6-zero-checksum: drop, sealed-port: 4790}
    control: {socket: /run/s}
    workers: 2
    log: {level: info, format: logfmt}
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

  /// What is written for what in `text`, and the key that this changes.
  private static let changes: [(from: String, to: String, key: String)] = [
    ("address: 192.0.2.1,", "address: 192.0.2.9,", "local.address"),
    ("port: 4789, psk", "port: 4788, psk", "local.port"),
    ("/p,", "/other,", "local.psk-file"), ("/k,", "/other,", "local.private-key-file"),
    ("offload: auto", "offload: off", "local.offload"), ("source-ports: 64", "source-ports: 1", "local.source-ports"),
    ("600s", "60s", "local.path-mtu-raise"),
    ("zero-checksum: drop", "zero-checksum: accept", "local.udp6-zero-checksum"),
    ("sealed-port: 4790}\ncontrol", "sealed-port: 4791}\ncontrol", "local.sealed-port"),
    ("/run/s", "/run/t", "control.socket"), ("workers: 2", "workers: 3", "workers"),
    ("level: info", "level: debug", "log.level"), ("logfmt", "json", "log.format"),
    ("tap: vx42", "tap: vx44", "segments[42].tap"), ("mtu: 1400", "mtu: 1300", "segments[42].mtu"),
    ("sealed: true", "sealed: false", "segments[42].sealed"),
    ("cipher: auto", "cipher: chacha20poly1305", "segments[42].cipher"),
    ("ageing: 300s", "ageing: 30s", "segments[42].ageing"),
    ("fdb-limit: 9,", "fdb-limit: 8,", "segments[42].fdb-limit"),
    ("learning: true", "learning: false", "segments[42].learning"), ("vlan: drop", "vlan: pass", "segments[42].vlan"),
    ("reserved: strict", "reserved: ignore", "segments[42].reserved"), ("dscp: copy", "dscp: 3", "segments[42].dscp"),
    ("mss-clamp: true", "mss-clamp: false", "segments[42].mss-clamp"), ("00:01\"", "00:02\"", "segments[42].mac"),
    ("br0", "br1", "segments[42].bridge"), ("10.0.0.1/24", "10.0.0.2/24", "segments[42].address"),
    ("neighbor-suppression: true", "neighbor-suppression: false", "segments[42].neighbor-suppression"),
    ("multicast-snooping: true", "multicast-snooping: false", "segments[42].multicast-snooping"),
    ("storm-limit: 9", "storm-limit: 8", "segments[42].storm-limit"),
    ("00:09\"", "00:08\"", "segments[42].fdb"), ("vni: 43", "vni: 44", "segments"),
    ("tap: vx43", "tap: vx45", "segments[43].tap"),
    ("peers:", "peers:\n  - {name: a, address: 192.0.2.4, segments: [43]}", "peers"),
    ("192.0.2.2", "192.0.2.3", "peers[b].address"), ("segments: [42]", "segments: [42, 43]", "peers[b].segments"),
    (SealingSamples.peerPublicKey, SealingSamples.publicKey, "peers[b].public-key"),
    ("fdb-limit: 0", "fdb-limit: 1", "peers[b].fdb-limit"),
    ("port: 4789, sealed", "port: 4799, sealed", "peers[b].port"),
    ("port: 4789, sealed-port: 4790", "port: 4789, sealed-port: 4792", "peers[b].sealed-port"),
  ]

  private func parse(_ text: String) throws -> Configuration { try Configuration.parse(text, file: "f") }

  @Test("each key that may change is told by its name", arguments: changes)
  func keys(from: String, to: String, key: String) throws {
    let text = Self.text.replacing(from, with: to, maxReplacements: 1)
    try #require(text != Self.text)
    #expect(try parse(Self.text).firstDifference(from: parse(text)) == key)
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
    // The VNI, and the name, say which one it is.
    expectAll(of: configuration.segments[0], named: "segments[42].", besides: 1)
    expectAll(of: configuration.peers[0], named: "peers[b].", besides: 1)
    let sections = Set(keys.map { String($0.prefix { $0.isLetter }) })
    #expect(sections == Set(Mirror(reflecting: configuration).children.compactMap(\.label)))
  }

  @Test("comments, order of keys, defaults written out and the style of values are no difference")
  func same() throws {
    let other = Self.text.replacing("{level: info, format: logfmt}", with: "{level: info}")
    #expect(try parse(Self.text).firstDifference(from: parse("# a comment\n\n" + other)) == nil)
  }
}
