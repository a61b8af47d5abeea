import Sealing
import Testing
import VXLAN

@testable import Agent
@testable import Dataplane

@Suite("Keys of sessions")
struct SessionKeeperKeysTests {
  private let bench: KeeperBench

  init() throws {
    bench = try KeeperBench()
  }

  private func presharedKey(_ first: Character) throws -> PresharedKey {
    try #require(PresharedKey(base64: "\(first)Q" + String(repeating: "A", count: 41) + "="))
  }

  @Test("keys with 9 s to live are replaced every 6 s, and without the peer neither send nor receive after 9 s")
  func shortLife() throws {
    let life = try #require(KeyLife(seconds: 9))
    let ends = try [bench.end(0, keyLife: life), bench.end(1, keyLife: life)]
    bench.run(ends, for: .seconds(60))
    for end in ends {
      let state = try #require(end.keeper.statuses()[0])
      #expect((9...12).contains(state.handshakeCount), "\(state.handshakeCount)")
      #expect(end.lines.texts.count { $0.contains("session is lost") } == 0)
    }
    bench.run(ends, for: .milliseconds(9_010), carries: false)
    for end in ends { #expect(end.keyring.sending(toPeer: 0) == nil) }
  }

  @Test("other pre-shared keys are used from the next handshake on, in any order of the ends, and no session ends")
  func rotation() throws {
    let life = try #require(KeyLife(seconds: 9))
    let (old, new) = try (presharedKey("A"), presharedKey("B"))
    for order in [[0, 1], [1, 0]] {
      let ends = try (0..<2).map { try bench.end($0, presharedKeys: [old], keyLife: life) }
      bench.run(ends, for: .seconds(1))
      for keys in [[old, new], [new, old], [new]] {
        for side in order {
          ends[side].keeper.take(KeyNews(privateKey: nil, presharedKeys: keys))
          bench.run(ends, for: .seconds(7))
          #expect(ends.allSatisfy { bench.cipher($0) != nil })
        }
      }
      for end in ends {
        #expect(!end.lines.texts.contains { $0.contains("lost") || $0.contains("refused") }, "order \(order)")
      }
    }
  }

  @Test("pre-shared keys with nothing in common let a session live out its life, and make no other")
  func nothingInCommon() throws {
    let life = try #require(KeyLife(seconds: 9))
    let ends = try (0..<2).map { try bench.end($0, presharedKeys: [presharedKey("A")], keyLife: life) }
    bench.run(ends, for: .seconds(1))
    ends[0].keeper.take(KeyNews(privateKey: nil, presharedKeys: [try presharedKey("B")]))
    bench.run(ends, for: .milliseconds(7_500))
    #expect(ends.allSatisfy { bench.cipher($0) != nil })
    bench.run(ends, for: .seconds(2))
    #expect(ends.allSatisfy { bench.cipher($0) == nil && $0.keyring.sending(toPeer: 0) == nil })
  }

  @Test("another private key ends all sessions at once, which is no loss, and asks every peer again as the new one")
  func privateKey() throws {
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    #expect(ends[0].keyring.sending(toPeer: 0) != nil)
    var entropy = SystemEntropy()
    let other = PrivateKey(from: &entropy)
    ends[0].keeper.take(KeyNews(privateKey: other, presharedKeys: []))
    #expect(ends[0].keyring.sending(toPeer: 0) == nil && bench.cipher(ends[0]) == nil)
    _ = ends[0].keeper.turn()
    let initiation = try #require(ends[0].takeOutgoing().last)
    guard let message = HandshakeMessage(parsing: initiation.bytes.span),
      let handshake = ResponderHandshake(opening: message, with: bench.keys[1])
    else {
      Issue.record("nobody was asked")
      return
    }
    #expect(handshake.initiator == other.publicKey && initiation.to == bench.endpoints[1])
    // Who does not know the new key does not answer it; who does has a session at once.
    bench.run(ends, for: .seconds(5))
    #expect(bench.cipher(ends[0]) == nil && !ends[0].lines.texts.contains { $0.contains("lost") })
    let knowing = try bench.end(1, peerKey: other.publicKey)
    bench.run([ends[0], knowing], for: .seconds(1))
    #expect(bench.cipher(ends[0]) != nil && bench.cipher(knowing) != nil)
  }
}
