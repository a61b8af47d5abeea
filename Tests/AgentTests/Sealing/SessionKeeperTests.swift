import Glibc
import Sealing
import Testing
import VXLAN

@testable import Agent
@testable import Dataplane

@Suite("Keeping sessions")
struct SessionKeeperTests {
  private let bench: KeeperBench
  private var time: KeeperEnd.Time { bench.time }
  private var keys: [PrivateKey] { bench.keys }
  private var endpoints: [Endpoint] { bench.endpoints }

  init() throws {
    bench = try KeeperBench()
  }

  private func end(_ number: Int, presharedKeys: [PresharedKey] = []) throws -> KeeperEnd {
    try bench.end(number, presharedKeys: presharedKeys)
  }

  private func run(
    _ ends: [KeeperEnd], for duration: Duration, carries: Bool = true, byteCountMax: Int = .max
  ) {
    bench.run(ends, for: duration, carries: carries, byteCountMax: byteCountMax)
  }

  private func cipher(_ end: KeeperEnd) -> Cipher? { bench.cipher(end) }

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

  @Test("an end that starts again has a session in less than a second")
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

  @Test("the path MTU is the route's until it is found out: workers are told, and the log once of what was found")
  func pathMTU() throws {
    let ends = try [end(0), end(1)]
    for end in ends { end.keeper.follow([0: PeerRoute(pathMTU: 1_500, isOther: false)]) }
    #expect(ends.allSatisfy { $0.pathMTUs[0] == 1_500 && $0.keeper.statuses()[0]?.isPathProbed == false })
    run(ends, for: .seconds(2), byteCountMax: 1_500 - 28)
    for end in ends {
      #expect(end.pathMTUs[0] == 1_500 && end.keeper.statuses()[0]?.isPathProbed == true)
      #expect(!end.lines.texts.contains { $0.contains("path MTU") })
    }
    run(ends, for: .seconds(60), byteCountMax: 1_333 - 28)
    for (number, end) in ends.enumerated() {
      #expect(end.pathMTUs[0] == 1_333)
      let told = end.lines.texts.filter { $0.contains("path MTU") }
      #expect(told.count == 1 && told[0].contains("path-mtu=1333") && told[0].contains("before=1500"))
      #expect(told.first?.contains("peer=p\(1 - number)") == true && told.first?.contains("level=notice") == true)
    }
  }

  @Test("a probe that the kernel refuses as too long has the routes read again, and is no line of the log")
  func probeTooLong() throws {
    let ends = try [end(0), end(1)]
    for end in ends { end.keeper.follow([0: PeerRoute(pathMTU: 9_000, isOther: false)]) }
    ends[0].byteCountMax = 1_472
    run(ends, for: .seconds(40))
    #expect(ends[0].initiations.count <= 1, "it is no reason to ask for a session")
    #expect(ends[0].doubtCount > 0 && ends[0].pathMTUs[0] == 1_500)
    #expect(ends[1].doubtCount == 0 && ends[1].pathMTUs[0] == 9_000)
    #expect(!ends[0].lines.texts.contains { $0.contains("could not be sent") })
  }

  @Test("plain frames to a peer with a session have its path confirmed every 4 to 5 s, without any it is every 30 s")
  func plainTraffic() throws {
    let ends = try [end(0), end(1)]
    ends[0].keeper.follow([0: PeerRoute(pathMTU: 1_500, isOther: false)])
    run(ends, for: .seconds(10))
    let quiet = ends[0].sentCount
    run(ends, for: .seconds(40))
    let busy = ends[0].sentCount
    for mark in 1...40 {
      ends[0].plainTrafficMark = mark
      run(ends, for: .seconds(1))
    }
    let counts = [busy - quiet, ends[0].sentCount - busy]
    #expect((1...2).contains(counts[0]) && (8...11).contains(counts[1]), "\(counts)")
  }

  @Test("frames that wait are looked at every quarter of a second, and not without any")
  func waiting() throws {
    let one = try end(0)
    run([one], for: .seconds(2))
    #expect(one.expireWaitingCount == 0)
    #expect(one.waiting.takeOfTotal(100))
    run([one], for: .seconds(2))
    #expect((7...9).contains(one.expireWaitingCount), "\(one.expireWaitingCount)")
  }

  @Test("what the kernel has no room for is sent 10 ms later, up to 256 messages, and nothing is told")
  func late() throws {
    for failure in [EAGAIN, ENOBUFS] {
      let ends = try [end(0), end(1)]
      for end in ends { end.failure = failure }
      run(ends, for: .milliseconds(50))
      #expect(ends.allSatisfy { $0.sentCount == 0 && cipher($0) == nil })
      for end in ends { end.failure = 0 }
      run(ends, for: .milliseconds(60))
      #expect(ends.allSatisfy { cipher($0) != nil && !$0.lines.texts.contains { $0.contains("could not be sent") } })
    }
    let many = try manyPeers(400)
    many.failure = EAGAIN
    run([many], for: .seconds(1))
    let before = many.sentCount
    many.failure = 0
    _ = many.keeper.turn()
    #expect(before == 0 && (256...290).contains(many.sentCount), "\(many.sentCount)")
  }

  @Test("a datagram of an unknown session from a peer's address makes an attempt when the last is 5 s old")
  func unknownSession() throws {
    let one = try end(0)
    run([one], for: .seconds(20), carries: false)
    var quietCount = 0
    // Pauses have 4 to 6 s: those that are longer than 5 s are ended by the note.
    while quietCount < 8 {
      let before = one.initiations.count
      while one.initiations.count == before { run([one], for: .milliseconds(10), carries: false) }
      run([one], for: .milliseconds(5_010), carries: false)
      guard one.initiations.count == before + 1 else { continue }
      quietCount += 1
      #expect(one.inbox.offer(.unknownSession(from: endpoints[1])))
      run([one], for: .milliseconds(260), carries: false)
      #expect(one.initiations.count == before + 2)
    }
  }

  @Test("who has no session is asked again within a second over another route, who has one is not")
  func otherRoutes() throws {
    let lower = keys[0].publicKey < keys[1].publicKey ? 0 : 1
    let (one, other) = (try end(lower), try end(1 - lower))
    run([one, other], for: .seconds(30), carries: false)
    // The next attempt of either is four seconds away, or more.
    for end in [one, other] {
      let before = end.initiations.count
      while end.initiations.count == before { run([end], for: .milliseconds(10), carries: false) }
    }
    let count = one.initiations.count
    // The same way, and one that takes less, are no reason.
    for pathMTU in [1_500, 1_400] { one.keeper.follow([0: PeerRoute(pathMTU: pathMTU, isOther: false)]) }
    run([one], for: .seconds(1), carries: false)
    #expect(one.initiations.count == count)
    one.keeper.follow([0: PeerRoute(pathMTU: 1_400, isOther: true)])
    run([one, other], for: .seconds(1))
    #expect(cipher(one) != nil && cipher(other) != nil && one.initiations.count == count + 1)
    one.keeper.follow([0: PeerRoute(pathMTU: 1_400, isOther: true)])
    run([one, other], for: .seconds(10))
    #expect(one.initiations.count == count + 1)
  }

  /// Peers at addresses of their own that do not answer.
  private func manyPeers(_ count: Int) throws -> KeeperEnd {
    var entropy = SystemEntropy()
    let peers = (0..<count).map { slot in
      SessionPeer(
        slot: slot, name: "p\(slot)", publicKey: PrivateKey(from: &entropy).publicKey,
        endpoint: Endpoint(address: IPAddress(ipv4: 0x0A00_0000 + UInt32(slot)), udpPort: 4790))
    }
    return try KeeperEnd(keys[0], at: endpoints[0], peers: peers, time: time)
  }

  @Test("at 0.4 ms each a thousand peers are asked within two seconds of the start, 30 at most in one turn")
  func start1000() throws {
    let one = try manyPeers(1_000)
    one.sendCost = .microseconds(400)
    let end = time.now + .seconds(2)
    var largest = 0
    while time.now < end {
      let before = one.initiations.count
      time.now = max(time.now + .microseconds(10), min(one.keeper.turn(), end))
      largest = max(largest, one.initiations.count - before)
    }
    #expect(Set(one.initiations).count == 1_000 && largest == 30 && one.keeper.statuses().count == 1_000)
  }

  @Test("peers that do not answer are asked 20 times a second in all, and each in its turn")
  func unreachable() throws {
    let one = try manyPeers(300)
    run([one], for: .seconds(20), carries: false)
    let before = one.initiations.count
    run([one], for: .seconds(30), carries: false)
    let asked = one.initiations.dropFirst(before)
    #expect((540...620).contains(asked.count), "\(asked.count)")
    #expect(Set(asked).count == 300)
  }

  @Test("a repeated handshake and a late answer are told at debug, as no refusal")
  func repetition() throws {
    let ends = try [end(0), end(1)]
    for end in ends { _ = end.keeper.turn() }
    let messages = ends.map { $0.takeOutgoing() }
    for _ in 0..<2 {
      for (number, end) in ends.enumerated() {
        for message in messages[1 - number] { end.receive(message.bytes, from: endpoints[1 - number]) }
        _ = end.keeper.turn()
      }
    }
    let lines = ends.flatMap(\.lines.texts)
    #expect(lines.contains { $0.contains("repeated or late") } && !lines.contains { $0.contains("refused") })
  }

  @Test("the end is not held up by what came")
  func stopping() throws {
    let ends = try [end(0), end(1)]
    _ = ends[0].keeper.turn()
    for datagram in ends[0].takeOutgoing() { ends[1].receive(datagram.bytes, from: endpoints[0]) }
    ends[1].keeper.isStopping = { true }
    _ = ends[1].keeper.turn()
    let counters = ends[1].counters.added(to: CounterSnapshot.none)
    #expect(counters.total(.consumed, .underlay) == 0)
  }
}

extension CounterSnapshot {
  /// Of one segment and no frames.
  fileprivate static var none: CounterSnapshot { Counters(segmentCount: 1, peerCount: 1).snapshot() }
}
