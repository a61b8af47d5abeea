import Sealing
import Testing
import VXLAN

@testable import Agent

@Suite("Events of peers")
struct PeerEventTests {
  private let bench: KeeperBench

  init() throws {
    bench = try KeeperBench()
  }

  private static func session(_ state: PeerReport.Session, _ peer: String) -> EventReport {
    EventReport(time: "", event: "session", peer: peer, session: state)
  }

  @Test("a session is told when it comes up, not when it is replaced, and when it is lost and comes back")
  func sessions() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(300))
    for (number, end) in ends.enumerated() { #expect(end.told == [Self.session(.up, "p\(1 - number)")]) }
    bench.run(ends, for: .seconds(200), carries: false)
    bench.run(ends, for: .seconds(7))
    for (number, end) in ends.enumerated() {
      let peer = "p\(1 - number)"
      #expect(end.told.count == 3 && end.told[0] == end.told[2] && end.told[2] == Self.session(.up, peer))
      #expect(end.told[1] == Self.session(.handshake, peer) || end.told[1] == Self.session(.none, peer))
    }
  }

  @Test("a session that ends because the agent stops is no event")
  func stopping() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    for end in ends { end.keeper.end() }
    #expect(ends.allSatisfy { $0.told.count == 1 })
  }

  @Test("with another private key the sessions that were up are told to be gone")
  func otherKey() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    var entropy = SystemEntropy()
    ends[0].keeper.take(KeyNews(privateKey: PrivateKey(from: &entropy), presharedKeys: []))
    let told = ends[0].told
    #expect(told.count == 2 && (told[1] == Self.session(.handshake, "p1") || told[1] == Self.session(.none, "p1")))
  }

  @Test("a path that was found to take another size than was told is told once, with the size")
  func paths() throws {
    let ends = try [bench.end(0), bench.end(1)]
    for end in ends { end.keeper.follow([0: PeerRoute(pathMTU: 1_500, isOther: false)]) }
    bench.run(ends, for: .seconds(2), byteCountMax: 1_500 - 28)
    #expect(ends.allSatisfy { end in !end.told.contains { $0.event == "path-mtu" } })
    bench.run(ends, for: .seconds(60), byteCountMax: 1_333 - 28)
    for (number, end) in ends.enumerated() {
      let expected = EventReport(time: "", event: "path-mtu", peer: "p\(1 - number)", pathMTU: 1_333)
      #expect(end.told.filter { $0.event == "path-mtu" } == [expected])
    }
  }

  @Test("an event of a peer has the names of the contract, and a line for people")
  func names() throws {
    let history = EventHistory()
    let events = PeerEvents(history: history, names: ["b", "c"])
    events.session(.up, ofPeer: 1)
    events.pathMTU(1400, ofPeer: 0)
    var told = history.events(after: 0, withDrops: false).events
    #expect(told.allSatisfy { $0.time.hasSuffix("Z") })
    for index in told.indices { told[index].time = "T" }
    let lines = try told.map { String(decoding: try ReportJSON.encode($0), as: UTF8.self) }
    #expect(
      lines == [
        "{\"event\":\"session\",\"peer\":\"c\",\"session\":\"up\",\"time\":\"T\"}\n",
        "{\"event\":\"path-mtu\",\"path-mtu\":1400,\"peer\":\"b\",\"time\":\"T\"}\n",
      ])
    #expect(told.map(\.text) == ["T  session   peer c  up", "T  path-mtu  peer b  1400 bytes"])
  }
}
