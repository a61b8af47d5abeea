import Testing
import VXLAN

@testable import Agent

@Suite("Configuration")
struct ConfigurationTests {
  private typealias Samples = ConfigurationSamples

  @Test("the specification's example, reduced to what is built, gives the values that it names")
  func example() throws {
    let configuration = try Configuration.parse(Samples.full, file: "vtep.yaml")
    var first = Configuration.Segment(vni: try #require(VNI(42)), tap: "vx42")
    first.addresses = [try #require(IPPrefix("10.42.0.1/24")), try #require(IPPrefix("fd00:42::1/64"))]
    first.mac = MACAddress("02:00:00:00:00:01")
    first.bridge = "br42"
    first.fdb = [.init(mac: try #require(MACAddress("02:00:00:00:00:02")), peer: "b")]
    var second = Configuration.Segment(vni: try #require(VNI(43)), tap: "vx43")
    second.mtu = .fixed(1400)
    second.vlan = .pass
    second.reserved = .ignore
    second.dscp = .fixed(46)
    second.clampsMSS = false
    second.suppressesNeighbors = false
    (second.snoopsMulticast, second.stormLimit) = (false, 0)
    second.ageing = .zero
    second.learning = false
    var b = Configuration.Peer(name: "b", address: try #require(IPAddress("192.0.2.2")))
    b.udpPort = 8472
    b.segments = [first.vni]
    let c = Configuration.Peer(name: "c", address: try #require(IPAddress("192.0.2.3")))
    let local = Configuration.Local(address: try #require(IPAddress("192.0.2.1")))
    #expect(
      configuration
        == Configuration(local: local, user: Configuration.User("vtep"), segments: [first, second], peers: [b, c]))
    #expect(configuration.user?.line.number == 13)
  }

  @Test("keys that are left out have the specification's defaults")
  func defaults() throws {
    let configuration = try Configuration.parse(Samples.least, file: "vtep.yaml")
    #expect(configuration.local.udpPort == 4789)
    #expect(configuration.local.sourcePortCount == 64)
    #expect(configuration.local.offload == .auto)
    #expect(configuration.local.udp6ZeroChecksum == .drop)
    #expect(configuration.control.socket == "/run/vtep/control.sock")
    #expect(configuration.workers == .auto)
    #expect(configuration.log.level == .info)
    #expect(configuration.log.format == .logfmt)
    #expect(configuration.peers.isEmpty && configuration.user == nil)
    let segment = try #require(configuration.segments.first)
    #expect(segment.addresses.isEmpty && segment.mac == nil && segment.bridge == nil && segment.fdb.isEmpty)
    #expect(segment.mtu == .auto && segment.learning && !segment.sealed)
    #expect(segment.ageing == .seconds(300) && segment.fdbLimit == 65_536)
    #expect(segment.vlan == .drop && segment.reserved == .strict && segment.dscp == .copy)
    #expect(segment.clampsMSS && segment.suppressesNeighbors)
    #expect(segment.snoopsMulticast && segment.stormLimit == 10_000)
  }

  @Test("the peers of a segment are those that name it and those that name none")
  func peersOfSegment() throws {
    let configuration = try Configuration.parse(Samples.full, file: "vtep.yaml")
    let first = try #require(configuration.segments.first { $0.vni.rawValue == 42 })
    let second = try #require(configuration.segments.first { $0.vni.rawValue == 43 })
    #expect(first.peers(in: configuration).map(\.name) == ["b", "c"])
    #expect(second.peers(in: configuration).map(\.name) == ["c"])
    #expect(configuration.segment(first.vni) == first)
    #expect(configuration.peer(named: "b")?.endpoint.description == "192.0.2.2:8472")
    #expect(configuration.peer(named: "x") == nil)
  }

  /// Files that stand on the accepted side of a bound, or that a careless reader of YAML misreads.
  static let accepted = [
    Samples.segment("mtu: 68"), Samples.segment("mtu: 65535"),
    Samples.segment("mtu: 1280, address: [\"fd00::1/64\"]"),
    Samples.segment("storm-limit: 0"), Samples.segment("storm-limit: 10000000"),
    Samples.segment("multicast-snooping: false"),
    Samples.segment("dscp: 0"), Samples.segment("dscp: 63"),
    Samples.segment("ageing: 0s"), Samples.segment("ageing: 1s"), Samples.segment("ageing: 1000ms"),
    Samples.segment("ageing: 5m"), Samples.segment("ageing: 8760h"), Samples.segment("ageing: \"300s\""),
    Samples.segment("fdb-limit: 1"), Samples.segment("fdb-limit: 4194304"),
    Samples.segment("bridge: a23456789012345"), Samples.segment("mac: 02-00-00-00-00-01"),
    Samples.segment("mac: \"02:00:00:00:00:01\""), Samples.segment("mac: 10:20:30:40:50:10"),
    Samples.segment("address: []"), Samples.segment("address: [10.0.0.0/31, 10.0.0.2/32, \"fe80::1/64\"]"),
    Samples.segment("fdb: [{mac: 02:00:00:00:00:02, peer: c}]"), Samples.segment("sealed: false"),
    Samples.segment("fdb: [{mac: fe:ff:ff:ff:ff:ff, peer: c}]"),
    Samples.local("port: 1"), Samples.local("port: 65535"), Samples.local("port: 8472"),
    Samples.local("path-mtu-raise: 30s"), Samples.local("path-mtu-raise: 1s"), Samples.local("path-mtu-raise: 24h"),
    Samples.local("source-ports: 1"), Samples.local("source-ports: 1024"),
    Samples.local("offload: off"), Samples.local("offload: \"off\""), Samples.local("udp6-zero-checksum: accept"),
    Samples.peer("fdb-limit: 4194304"), Samples.peer("port: 65535"), Samples.peer("segments: [42]"),
    Samples.more("workers: 1"), Samples.more("workers: 15"), Samples.more("workers: auto"),
    Samples.more("log: {level: trace, format: json}"),
    Samples.more("control: {socket: /\(String(repeating: "s", count: 106))}"),
    Samples.more("control: {metrics: 127.0.0.1:9910}"), Samples.more("control: {metrics: 0.0.0.0:1}"),
    Samples.more("control: {metrics: \"[::1]:65535\"}"), Samples.more("control: {metrics: \"[::]:9910\"}"),
    Samples.more("peers: []"), Samples.more("peers: [{name: \"7\", address: 127.0.0.2}]"),
    "local: {address: 192.0.2.1}\nsegments: [{vni: 0, tap: vx0}]",
    "local: {address: 192.0.2.1}\nsegments: [{vni: 16777215, tap: vx0}]",
    "local: {address: 192.0.2.1}\nsegments: []",
    "{\"local\":{\"address\":\"192.0.2.1\"},\"segments\":[{\"vni\":42,\"tap\":\"vx42\"}]}",
    "\u{FEFF}---\r\nlocal: {address: '2001:db8::1'}\r\nsegments: [{vni: 42, tap: vx42}]\r\n...\r\n",
    "local: {address: 2001:db8::1}\nsegments: []\npeers:\n- name: a\n  address: 2001:db8::2\n",
    "# *a* &b\nlocal: {address: 192.0.2.1} # it's *not* an alias, nor is 'this *one\nsegments: []\n",
    "local: {address: !!str 192.0.2.1}\nsegments: []\ncontrol: {socket: \"/run/a*b & c\\x2f1\"}",
  ]

  @Test("values at the bounds and unusual spellings are accepted", arguments: accepted)
  func accepts(text: String) {
    do {
      _ = try Configuration.parse(text, file: "vtep.yaml")
    } catch {
      Issue.record("\(text)\n\(error)")
    }
  }

  @Test("auto is one worker on one or two processors, else one for each up to 15; a number is that number")
  func workerCount() {
    let counts = [1, 2, 3, 8, 15, 16, 128].map { Configuration.Workers.auto.count(onProcessors: $0) }
    #expect(counts == [1, 1, 3, 8, 15, 15, 15])
    for count in [1, 2, 15] { #expect(Configuration.Workers.count(count).count(onProcessors: 1) == count) }
  }

  @Test("two parses of one text are equal, and a change shows")
  func equality() throws {
    let configuration = try Configuration.parse(Samples.full, file: "a")
    #expect(try Configuration.parse(Samples.full, file: "b") == configuration)
    let changed = Samples.full.replacing("ageing: 300s", with: "ageing: 301s")
    #expect(try Configuration.parse(changed, file: "a") != configuration)
  }

  @Test("the tables may be as large as their bounds")
  func largest() throws {
    var text = "local: {address: 192.0.2.1}\nsegments:\n"
    for vni in 0..<1_024 { text += "- {vni: \(vni), tap: t\(vni)}\n" }
    text += "peers:\n"
    for peer in 0..<4_096 { text += "- {name: p\(peer), address: 10.0.\(peer / 256).\(peer % 256)}\n" }
    let configuration = try Configuration.parse(text.replacing("10.0.0.0}", with: "10.1.0.0}"), file: "a")
    #expect(configuration.segments.count == 1_024)
    #expect(configuration.peers.count == 4_096)
  }
}
