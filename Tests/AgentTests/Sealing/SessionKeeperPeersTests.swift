import Sealing
import Testing
import VXLAN

@testable import Agent
@testable import Dataplane

@Suite("Sessions with peers that come and go")
struct SessionKeeperPeersTests {
  private let bench: KeeperBench

  init() throws {
    bench = try KeeperBench()
  }

  private func isLost(_ ends: [KeeperEnd]) -> Bool {
    ends.contains { $0.lines.texts.contains { $0.contains("session is lost") } }
  }

  @Test(
    "a peer that is removed leaves no key behind and is no loss; added again in another slot it has a session there")
  func removed() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    try #require(ends.allSatisfy { bench.cipher($0) != nil })
    var change = SessionKeeper.Change()
    change.removed = [bench.keys[1].publicKey]
    ends[0].keeper.follow(change)
    _ = ends[0].keeper.turn()
    #expect(ends[0].keyring.sending(toPeer: 0) == nil && ends[0].keeper.statuses().isEmpty && !isLost([ends[0]]))
    change = SessionKeeper.Change()
    change.added = [
      SessionPeer(slot: 3, name: "again", publicKey: bench.keys[1].publicKey, endpoint: bench.endpoints[1])
    ]
    change.routes = [3: PeerRoute(pathMTU: 1_500, isOther: false)]
    ends[0].keeper.follow(change)
    bench.run(ends, for: .seconds(2))
    #expect(ends[0].keeper.statuses()[3]?.state == .up && ends[0].keyring.sending(toPeer: 3) != nil)
    #expect(ends[0].keyring.sending(toPeer: 0) == nil)
  }

  @Test("one that was never there is removed without a trace, and the others go on")
  func unknown() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    var change = SessionKeeper.Change()
    change.removed = [bench.keys[0].publicKey]
    ends[0].keeper.follow(change)
    bench.run(ends, for: .seconds(1))
    #expect(ends.allSatisfy { $0.keeper.statuses()[0]?.handshakeCount == 1 } && !isLost(ends))
  }

  @Test("another cipher ends all sessions, which is no loss, and the next have it")
  func cipher() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    var change = SessionKeeper.Change()
    change.cipherChoice = .named(.chacha20poly1305)
    ends[0].keeper.follow(change)
    #expect(ends[0].keyring.sending(toPeer: 0) == nil)
    bench.run(ends, for: .seconds(2))
    #expect(ends[0].keeper.statuses()[0]?.handshakeCount == 1 && bench.cipher(ends[0]) == .chacha20poly1305)
    #expect(!isLost(ends))
  }
}
