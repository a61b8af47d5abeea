import Testing
import VXLAN

@testable import Agent

@Suite("What is added and taken at run time, with the file")
struct RunTimeChangesTests {
  private static let text = """
    local: {address: 192.0.2.1, private-key-file: /k}
    segments:
      - {vni: 42, tap: vx42, fdb: [{mac: "02:00:00:00:00:09", peer: b}]}
      - {vni: 43, tap: vx43}
    peers:
      - {name: b, address: 192.0.2.2, segments: [42]}
      - {name: c, address: 192.0.2.3}

    """
  private let file = ConfigurationFile(path: "f.yaml", bytes: Array(Self.text.utf8))

  private func changes(peers: [String] = [], segments: [String] = []) throws -> RunTimeChanges {
    var changes = RunTimeChanges()
    for body in peers { try changes.addPeer(Array(body.utf8)) }
    for body in segments { try changes.addSegment(Array(body.utf8)) }
    return changes
  }

  /// What is found wrong with the file and `changes`, each with its line.
  private func problems(_ changes: RunTimeChanges, of text: String = Self.text) throws -> [String] {
    let file = ConfigurationFile(path: "f.yaml", bytes: Array(text.utf8))
    do throws(ConfigurationError) {
      _ = try file.configuration(with: changes)
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  @Test("a peer and a segment are added behind those of the file, with the keys of the file")
  func added() throws {
    let wanted = try file.configuration(
      with: changes(
        peers: [#"{"name":"d","address":"192.0.2.4","segments":[42,44],"fdb-limit":7,"sealed-port":5000}"#],
        segments: [#"{"vni":44,"tap":"vx44","mtu":1400,"address":["10.44.0.1/24"],"vlan":"pass"}"#]))
    #expect(wanted.peers.map(\.name) == ["b", "c", "d"] && wanted.segments.map(\.vni.rawValue) == [42, 43, 44])
    let peer = try #require(wanted.peer(named: "d"))
    #expect(peer.fdbLimit == 7 && peer.sealedUDPPort == 5_000 && peer.segments?.count == 2)
    #expect(wanted.segments[2].mtu == .fixed(1_400) && wanted.segments[2].vlan == .pass)
    #expect(wanted.peers(of: VNI(unchecked: 44)).map(\.name) == ["c", "d"])
  }

  @Test("a segment that is given to peers is added to the lists of those that have one")
  func members() throws {
    let wanted = try file.configuration(with: changes(segments: [#"{"vni":44,"tap":"vx44","peers":["b"]}"#]))
    #expect(wanted.peers(of: VNI(unchecked: 44)).map(\.name) == ["b", "c"])
    #expect(wanted.peer(named: "b")?.segments?.map(\.rawValue) == [42, 44])
  }

  @Test(
    "what the reader of the file refuses is refused with its words and without a line",
    arguments: [
      (#"{"name":"d","address":"192.0.2.1"}"#, "f.yaml: peers[].address: 192.0.2.1 is local.address"),
      (#"{"name":"d","address":"192.0.2.4","nonsense":1}"#, "f.yaml: unknown key \"nonsense\" in peers[]"),
      (#"{"name":"d"}"#, "f.yaml: peers[] lacks the key address"),
      (#"{"name":"d","address":"192.0.2.3"}"#, "f.yaml: the peer address 192.0.2.3 is used already in line 7"),
      (#"{"name":"d","address":"192.0.2.4","segments":[99]}"#, "f.yaml: peers[].segments: no segment has the VNI 99"),
      (#"{"name":"d","address":"2001:db8::4"}"#, "f.yaml: peers[].address: 2001:db8::4 is IPv6"),
    ])
  func refusedPeers(body: String, start: String) throws {
    let found = try problems(changes(peers: [body]))
    #expect(found.count == 1 && found[0].hasPrefix(start), "\(found)")
  }

  @Test(
    "a segment is judged with the file's, and what a sealed one needs of the file's peers is told with their lines",
    arguments: [
      (#"{"vni":44,"tap":"vx42"}"#, "f.yaml: the TAP vx42 is used already in line 3"),
      (#"{"vni":16777216,"tap":"vx44"}"#, "f.yaml: segments[].vni: \"16777216\" is out of range"),
      (#"{"vni":-0,"tap":"vx44"}"#, "f.yaml: segments[].vni: \"-0\" is not a decimal number"),
      (#"{"vni":44,"tap":"vx44","sealed":true}"#, "f.yaml:7: peers[] lacks the key public-key"),
      (#"{"vni":44,"tap":"vx44","peers":["x"]}"#, "f.yaml: peers: no peer has the name x"),
    ])
  func refusedSegments(body: String, start: String) throws {
    let found = try problems(changes(segments: [body]))
    #expect(found.count == 1 && found[0].hasPrefix(start), "\(found)")
  }

  @Test("what conflicts with an earlier addition names it", arguments: [false, true])
  func earlier(isAccepted: Bool) throws {
    var changes = try changes(peers: [
      #"{"name":"d","address":"192.0.2.4"}"#, #"{"name":"e","address":"192.0.2.4"}"#,
    ])
    if isAccepted { changes = changes.accepted() }
    let found = try problems(changes)
    let subject = isAccepted ? "peer e, added at run time: " : ""
    let start = "f.yaml: \(subject)the peer address 192.0.2.4 is used already in peer d, added at run time"
    #expect(found.count == 1 && found[0].hasPrefix(start), "\(found)")
  }

  @Test(
    "a body that is no mapping of single values and lists is refused",
    arguments: ["", "[]", "1", "{", "{\"name\":\"d\",\"name\":\"e\"}", "{\"a\": *x}", "\u{1}"])
  func noMapping(body: String) throws {
    #expect(throws: ConfigurationProblem.self) { _ = try changes(peers: [body]) }
  }

  @Test("a peer that is removed goes with the entries that point to it, and its name and address are free again")
  func removedPeer() throws {
    var changes = RunTimeChanges()
    changes.removePeer("b")
    var wanted = try file.configuration(with: changes)
    #expect(wanted.peers.map(\.name) == ["c"] && wanted.segments[0].fdb.isEmpty)
    try changes.addPeer(Array(#"{"name":"b","address":"192.0.2.2"}"#.utf8))
    wanted = try file.configuration(with: changes)
    #expect(wanted.peers.map(\.name) == ["c", "b"] && wanted.segments[0].fdb.count == 1)
  }

  @Test("a segment that is removed is in no peer's list any more, and a peer with no other has none")
  func removedSegment() throws {
    var changes = RunTimeChanges()
    changes.removeSegment(VNI(unchecked: 42))
    let wanted = try file.configuration(with: changes)
    #expect(wanted.segments.map(\.vni.rawValue) == [43])
    #expect(wanted.peer(named: "b")?.segments == [] && wanted.peers(of: VNI(unchecked: 43)).map(\.name) == ["c"])
  }

  @Test("a reload brings back what was removed, keeps what was added, and goes by the file where it names the same")
  func reloaded() throws {
    var before = try changes(
      peers: [#"{"name":"d","address":"192.0.2.4"}"#, #"{"name":"e","address":"192.0.2.5"}"#],
      segments: [#"{"vni":44,"tap":"vx44"}"#])
    before.removePeer("c")
    before.removeSegment(VNI(unchecked: 43))
    let text = Self.text + "  - {name: e, address: 192.0.2.55}\n"
    let file = ConfigurationFile(path: "f.yaml", bytes: Array(text.utf8))
    let after = before.reloaded(by: try file.configuration())
    let wanted = try file.configuration(with: after)
    let peers = wanted.peers.map { "\($0.name) \($0.address)" }
    #expect(peers == ["b 192.0.2.2", "c 192.0.2.3", "e 192.0.2.55", "d 192.0.2.4"])
    #expect(wanted.segments.map(\.vni.rawValue) == [42, 43, 44])
  }

  @Test("a file that takes the address of what was added is refused by the name of that")
  func conflict() throws {
    let before = try changes(peers: [#"{"name":"d","address":"192.0.2.4"}"#]).accepted()
    let text = Self.text + "  - {name: f, address: 192.0.2.4}\n"
    let file = ConfigurationFile(path: "f.yaml", bytes: Array(text.utf8))
    let found = try problems(before.reloaded(by: try file.configuration()), of: text)
    #expect(
      found == [
        "f.yaml: peer d, added at run time: the peer address 192.0.2.4 is used already in line 8; each must be unique"
      ])
  }

  @Test("the lists of file and run time together keep their limit")
  func limit() throws {
    let peers = (0..<Configuration.Limits.peerCountMax - 1).map { number in
      "  - {name: p\(number), address: 10.0.\(number >> 8).\(number & 255)}"
    }
    let text = Self.text.replacing("  - {name: c, address: 192.0.2.3}\n", with: peers.joined(separator: "\n") + "\n")
    #expect(try problems(RunTimeChanges(), of: text).isEmpty)
    let found = try problems(changes(peers: [#"{"name":"d","address":"192.0.2.4"}"#]), of: text)
    #expect(found == ["f.yaml: peers would have 4097 items; at most 4096 are possible"])
  }

  @Test(
    "a key's line is found, or that of its section",
    arguments: [
      ("local.address", 1), ("local.port", 1), ("peers", 6), ("workers", 1),
    ])
  func line(key: String, line: Int) {
    #expect(file.line(of: key) == line)
  }
}
