import Glibc
import Sealing
import Testing
import VXLAN

@testable import Agent
@testable import Dataplane

@Suite("Keeping sessions")
struct SessionKeeperTests {
  private let time = KeeperEnd.Time()
  private let keys: [PrivateKey]
  private let endpoints: [Endpoint]

  init() throws {
    keys = try [SealingSamples.privateKey, SealingSamples.peerPrivateKey].map { try #require(PrivateKey(base64: $0)) }
    endpoints = try ["192.0.2.1", "192.0.2.2"].map { Endpoint(address: try #require(IPAddress($0)), udpPort: 4790) }
  }

  private func end(_ number: Int, presharedKeys: [PresharedKey] = []) throws -> KeeperEnd {
    let other = 1 - number
    let peer = SessionPeer(slot: 0, name: "p\(other)", publicKey: keys[other].publicKey, endpoint: endpoints[other])
    return try KeeperEnd(keys[number], at: endpoints[number], peers: [peer], presharedKeys: presharedKeys, time: time)
  }

  /// Lets both do what there is to do, and carries what they send, for so long in steps of 10 ms.
  private func run(_ ends: [KeeperEnd], for duration: Duration, carries: Bool = true) {
    let last = time.now + duration
    while time.now < last {
      for end in ends { _ = end.keeper.turn() }
      for end in ends {
        for datagram in end.takeOutgoing() where carries {
          ends.first { $0.endpoint == datagram.to }?.receive(datagram.bytes, from: end.endpoint)
        }
      }
      time.now = time.now + .milliseconds(10)
    }
  }

  private func cipher(_ end: KeeperEnd) -> Cipher? { end.keeper.statuses()[0]?.cipher }

  @Test("two ends have a session at once: keys with the workers, frames that waited told, a line in the log")
  func start() throws {
    let ends = try [end(0), end(1)]
    #expect(ends.allSatisfy { $0.keyring.sending(toPeer: 0) == nil && $0.keyring.destination(ofPeer: 0) != nil })
    run(ends, for: .milliseconds(100))
    for end in ends {
      #expect(cipher(end) == .chacha20poly1305)
      #expect(end.keyring.sending(toPeer: 0) != nil)
      #expect(end.sendWaitingCount >= 1)
      #expect(end.lines.texts.count { $0.contains("session is up") } == 1)
    }
    let state = try #require(ends[0].keeper.statuses()[0])
    #expect(try #require(state.keyAge) <= .milliseconds(100) && state.endpoint == endpoints[1])
    let handshakes = ends.map { $0.counters.added(to: CounterSnapshot.none) }
    #expect(handshakes.allSatisfy { $0.total(.consumed, .underlay) >= 1 && $0.total(.handshake, .underlay) == 0 })
    #expect(handshakes.allSatisfy { $0.imbalance(.underlay) == 0 })
  }

  @Test("a session is replaced before it ends, and workers have the key of the new one, for ten minutes")
  func rekey() throws {
    let ends = try [end(0), end(1)]
    run(ends, for: .seconds(600))
    for end in ends {
      let sending = try #require(end.keyring.sending(toPeer: 0))
      #expect(sending.pointee.until > time.now.nanoseconds)
      #expect(end.lines.texts.count { $0.contains("session is lost") } == 0)
      #expect(try #require(end.keeper.statuses()[0]?.keyAge) < .seconds(125))
    }
  }

  @Test("without the peer the session is lost after 180 s, no key is left, and one is asked for until it is back")
  func loss() throws {
    let ends = try [end(0), end(1)]
    run(ends, for: .seconds(1))
    run(ends, for: .seconds(200), carries: false)
    for end in ends {
      #expect(cipher(end) == nil && end.keyring.sending(toPeer: 0) == nil)
      #expect(end.lines.texts.count { $0.contains("session is lost") && $0.contains("peer=p") } == 1)
    }
    run(ends, for: .seconds(7))
    #expect(ends.allSatisfy { cipher($0) != nil })
  }

  @Test("an end that forgot its sessions is told, and both have one again in less than a second")
  func restart() throws {
    let first = try end(0)
    run([first, try end(1)], for: .seconds(10))
    let again = try end(1)
    run([first, again], for: .milliseconds(900))
    #expect(cipher(first) != nil && cipher(again) != nil)
  }

  @Test("ends with different pre-shared keys have no session: silence, a drop, one line in ten seconds, no key in it")
  func wrongKey() throws {
    let secrets = try ["AQ", "Ag"].map {
      try #require(PresharedKey(base64: $0 + String(repeating: "A", count: 41) + "="))
    }
    let ends = try [end(0, presharedKeys: [secrets[0]]), end(1, presharedKeys: [secrets[1]])]
    run(ends, for: .seconds(8))
    for (number, end) in ends.enumerated() {
      #expect(cipher(end) == nil)
      let counters = end.counters.added(to: CounterSnapshot.none)
      #expect(counters.total(.handshake, .underlay) > 2 && counters.imbalance(.underlay) == 0)
      let refusals = end.lines.texts.filter { $0.contains("handshake refused") }
      #expect(refusals.count == 1 && refusals[0].contains("peer=p\(1 - number)"))
      #expect(!refusals[0].contains(keys[0].publicKey.base64) && !refusals[0].contains(keys[1].publicKey.base64))
      #expect(end.sentCount < 10, "initiations only, never an answer")
    }
  }

  @Test("at the end no worker finds a key, and no loss is told")
  func ends() throws {
    let ends = try [end(0), end(1)]
    run(ends, for: .seconds(1))
    ends[0].keeper.end()
    #expect(ends[0].keyring.sending(toPeer: 0) == nil && ends[0].keyring.collect())
    #expect(!ends[0].lines.texts.contains { $0.contains("lost") })
  }

  @Test("what cannot be sent is told with its reason, once in ten seconds")
  func unsent() throws {
    let one = try end(0)
    one.failure = ENETUNREACH
    run([one], for: .seconds(8))
    let told = one.lines.texts.filter { $0.contains("could not be sent") }
    #expect(told.count == 1 && told[0].contains("Network is unreachable") && told[0].contains("peer=p1"))
  }

  @Test("frames that wait are looked at every quarter of a second, and not without any")
  func waiting() throws {
    let one = try end(0)
    run([one], for: .seconds(2))
    #expect(one.expireWaitingCount == 0)
    #expect(one.waiting.take(100, peer: 0))
    run([one], for: .seconds(2))
    #expect((7...9).contains(one.expireWaitingCount), "\(one.expireWaitingCount)")
  }

  @Test("a thousand peers are asked within two seconds of the start, and never more than 300 in a quarter of a second")
  func manyPeers() throws {
    var entropy = SystemEntropy()
    let peers = (0..<1_000).map { slot in
      SessionPeer(
        slot: slot, name: "p\(slot)", publicKey: PrivateKey(from: &entropy).publicKey, endpoint: endpoints[1])
    }
    let one = try KeeperEnd(keys[0], at: endpoints[0], peers: peers, time: time)
    var counts: [Int] = []
    for _ in 0..<8 {
      let before = one.sentCount
      run([one], for: .milliseconds(250))
      counts.append(one.sentCount - before)
    }
    #expect(counts.allSatisfy { $0 <= 300 } && counts[0] >= SessionKeeper.eagerPeerCount, "\(counts)")
    #expect(one.sentCount >= 1_000)
    #expect(one.keeper.statuses().count == 1_000)
  }
}

extension CounterSnapshot {
  /// Of one segment and no frames.
  fileprivate static var none: CounterSnapshot { Counters(segmentCount: 1, peerCount: 1).snapshot() }
}
