import TestKit
import Testing
import VXLAN

@testable import Sealing

/// What strangers can make this process compute.
@Suite("Budget of handshakes")
struct HandshakeBudgetTests {
  private let stranger = Endpoint(address: IPAddress(ipv4: 0xC633_6401), udpPort: 9)

  /// An initiation of noise, which only `mac1` and, with a cookie, `mac2` do not tell from a true one.
  private func forged(_ peer: ScriptedPeer, _ generator: inout SeededGenerator, cookie: Cookie? = nil) -> [UInt8] {
    let header = HandshakeMessage.header(.initiation, index: UInt32.random(in: 0...0xFFFFF, using: &generator))
    return HandshakeMAC(to: peer.table.localPublicKey).appended(to: header + generator.bytes(128), cookie: cookie)
  }

  @Test("a bucket gives its burst at once, its rate in the long run, and both in no second more than they add up to")
  func bucket() {
    var bucket = TokenBucket(perSecond: 5, burst: 3)
    let start = Instant(nanoseconds: 1_000_000_000)
    var atOnce = 0
    for _ in 0..<10 where bucket.take(now: start) { atOnce += 1 }
    let (early, late) = (bucket.take(now: start + .milliseconds(199)), bucket.take(now: start + .milliseconds(200)))
    #expect(atOnce == 3 && !early && late)
    var taken: [Instant] = []
    for step in 0..<20_000 {
      let now = start + .seconds(10) + .milliseconds(step)
      if bucket.take(now: now) { taken.append(now) }
    }
    #expect(taken.count == 3 + 99)
    for first in taken { #expect(taken.count { $0 >= first && $0 < first + .seconds(1) } <= 8) }
    var last = TokenBucket(perSecond: 1, burst: 1)
    let atTheEnd = last.take(now: Instant(nanoseconds: .max))
    #expect(!atTheEnd, "and the end of time is no trap")
  }

  @Test("row 27: of a flood with valid mac1 200 a second are opened, the others are given 1,000 cookies")
  func flood() throws {
    let seed = TestSeed.next("flood")
    var generator = SeededGenerator(seed: seed)
    let peer = try ScriptedPeer()
    var openedCount = 0
    for _ in 0..<4_000 {
      // What is opened is noise, so it is refused; what is not opened is told how to be.
      if peer.deliver(forged(peer, &generator), from: stranger) == .refused, peer.sent(.cookie).count < 1_000 {
        openedCount += 1
      }
      peer.wait(.microseconds(250))
      if peer.sent.count > 1_500 { break }
    }
    #expect(openedCount >= 30 && openedCount <= 200, "seed \(seed)")
    #expect(peer.sent(.cookie).count >= 1_000)
  }

  @Test("3,000 initiations a second from made-up addresses take no cookie from a peer's", arguments: [false, true])
  func cookiesForPeers(isMoved: Bool) throws {
    let seed = TestSeed.next("made-up addresses")
    var generator = SeededGenerator(seed: seed)
    let peer = try ScriptedPeer()
    if isMoved { try peer.moveElsewhere() }
    let own = isMoved ? peer.elsewhere : peer.configured
    for _ in 0..<6_000 {
      let source = IPAddress(ipv4: UInt32.random(in: 0x0A00_0000...0x0AFF_FFFF, using: &generator))
      peer.deliver(forged(peer, &generator), from: Endpoint(address: source, udpPort: 4790))
      peer.wait(.microseconds(333))
    }
    let before = peer.sent(.cookie).count
    #expect(before > 1_000)
    let attempt = try peer.initiate(counter: 2)
    #expect(!peer.run(attempt, from: own))
    let cookie = try #require(peer.cookie(for: attempt), "seed \(seed)")
    let next = try peer.initiate(counter: 3, cookie: cookie)
    #expect(peer.run(next, from: own), "seed \(seed)")
  }

  @Test("a peer at its configured address gets through whatever strangers do, with cookies or without")
  func privilege() throws {
    let seed = TestSeed.next("strangers")
    var generator = SeededGenerator(seed: seed)
    let peer = try ScriptedPeer()
    for _ in 0..<200 { peer.deliver(forged(peer, &generator), from: stranger) }
    // The stranger opens the cookie of its own address, as anyone can who receives there.
    let bytes = forged(peer, &generator)
    peer.deliver(bytes, from: stranger)
    let reply = try #require(peer.sent(.cookie).last)
    let message = try #require(HandshakeMessage(bytes))
    let mac = Array(HandshakeMAC.first(of: message))
    let cookie = try #require(CookieReply.open(reply, mac: mac, responder: peer.table.localPublicKey))
    for _ in 0..<200 {
      let bytes = forged(peer, &generator, cookie: cookie)
      #expect(peer.deliver(bytes, from: stranger) == .refused)
    }
    let first = try peer.initiate(counter: 1)
    #expect(!peer.run(first), "seed \(seed): it has to show a cookie")
    let own = try #require(peer.cookie(for: first))
    let second = try peer.initiate(counter: 2, cookie: own)
    #expect(peer.run(second) && peer.confirm(second) && peer.current?.index == second.index)
  }

  @Test("of two peers behind one address the one that asks 1,000 times a second does not keep the other away")
  func oneAddress() {
    var budget = HandshakeBudget()
    budget.add(stranger.address)
    let other = Endpoint(address: stranger.address, udpPort: 4791)
    let taken = flood(&budget, from: { _ in stranger }, other: other)
    #expect(taken.other == 10 && taken.flood <= 32)
  }

  /// How many of 1,000 initiations a second for ten seconds are opened, number `n` from `host(n)`; and how many of one
  /// a second from `other`.
  private func flood(
    _ budget: inout HandshakeBudget, from host: (Int) -> Endpoint, other: Endpoint
  ) -> (flood: Int, other: Int) {
    var taken = (flood: 0, other: 0)
    for step in 0..<10_000 {
      let now = Instant(nanoseconds: 1_000_000_000) + .milliseconds(step)
      if budget.takeInitiation(withCookieFrom: host(step), now: now) { taken.flood += 1 }
      if step % 1_000 == 500, budget.takeInitiation(withCookieFrom: other, now: now) { taken.other += 1 }
    }
    return taken
  }

  @Test("one host with 10,000 ports, or a network of IPv6, leaves other strangers theirs", arguments: [false, true])
  func oneHost(isIPv6: Bool) {
    var budget = HandshakeBudget()
    let other = Endpoint(
      address: isIPv6 ? IPAddress(ipv6High: 0x2001_0DB8 << 32 | 2, low: 1) : IPAddress(ipv4: 0xC633_6402), udpPort: 1)
    let taken = flood(
      &budget,
      from: { step in
        let address = isIPv6 ? IPAddress(ipv6High: 0x2001_0DB8 << 32 | 1, low: UInt64(step)) : stranger.address
        return Endpoint(address: address, udpPort: UInt16(step + 1))
      }, other: other)
    #expect(taken.other == 10 && taken.flood >= 30 && taken.flood <= 32)
  }

  @Test("what floods from all ports of a peer's address has the address's budget, and of what is for all one host's")
  func manyPorts() {
    for peerCount in 1...2 {
      var budget = HandshakeBudget()
      for _ in 0..<2 * peerCount { budget.add(stranger.address) }
      let other = Endpoint(address: IPAddress(ipv4: 0xC633_6402), udpPort: 1)
      let taken = flood(
        &budget, from: { Endpoint(address: stranger.address, udpPort: UInt16($0 + 1)) }, other: other)
      #expect(taken.other == 10 && taken.flood <= 10 * (5 + 3 * peerCount) + 3 + 2 * peerCount, "\(peerCount) peers")
    }
  }

  @Test("where the budget is spent, no share of it is: the next that it has is open to all")
  func budgetFirst() {
    var budget = HandshakeBudget()
    let now = Instant(nanoseconds: 1_000_000_000)
    for number in 0..<UInt32(10) {
      let isTaken = budget.takeInitiation(
        withCookieFrom: Endpoint(address: IPAddress(ipv4: 0x0A00_0000 + number), udpPort: 1), now: now)
      #expect(isTaken)
    }
    let openedCount = (0..<100).count { _ in budget.takeInitiation(withCookieFrom: stranger, now: now) }
    #expect(openedCount == 0)
    let (first, second, third) = (
      budget.takeInitiation(withCookieFrom: stranger, now: now + .milliseconds(25)),
      budget.takeInitiation(withCookieFrom: stranger, now: now + .milliseconds(50)),
      budget.takeInitiation(withCookieFrom: stranger, now: now + .milliseconds(75))
    )
    #expect(first && second && !third, "two at once are its share")
  }

  @Test("row 28: repeating an initiation, or forging one with its ephemeral key, costs nothing")
  func repetition() throws {
    let seed = TestSeed.next("repetition")
    var generator = SeededGenerator(seed: seed)
    let peer = try ScriptedPeer()
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt))
    let count = peer.sent.count
    var refusedCount = 0
    for round in 0..<1_000 {
      var bytes = attempt.bytes
      if round.isMultiple(of: 2) {
        bytes.replaceSubrange(100..<144, with: generator.bytes(44))
        bytes = HandshakeMAC(to: peer.table.localPublicKey).appended(to: Array(bytes.dropLast(32)), cookie: nil)
      }
      if peer.deliver(bytes, from: stranger) == .refused { refusedCount += 1 }
    }
    #expect(refusedCount == 1_000 && peer.sent.count == count, "no cookie, so there was budget for each")
    let noise = forged(peer, &generator)
    #expect(peer.deliver(noise, from: stranger) == .refused && peer.sent.count == count)
  }

  @Test("the memory of initiations holds 4,096 and forgets the oldest")
  func memory() throws {
    var recent = RecentInitiations()
    func initiation(_ number: UInt16) throws -> HandshakeMessage {
      let body = number.bigEndianBytes + [UInt8](repeating: 0, count: 158)
      return try #require(HandshakeMessage(HandshakeMessage.header(.initiation, index: 1) + body))
    }
    for number in 0..<UInt16(4_096) { recent.note(try initiation(number)) }
    recent.note(try initiation(4_095))
    let (first, second, last) = (try initiation(0), try initiation(1), try initiation(4_096))
    #expect(recent.contains(first) && !recent.contains(last))
    recent.note(last)
    #expect(!recent.contains(first) && recent.contains(second) && recent.contains(last))
  }

  @Test("a peer that initiates too often is told to show a cookie, and then is answered: 12 in a second at most")
  func answers() throws {
    let peer = try ScriptedPeer()
    for counter in UInt64(1)...3 {
      let attempt = try peer.initiate(counter: counter)
      #expect(peer.run(attempt))
    }
    let fourth = try peer.initiate(counter: 4)
    #expect(!peer.run(fourth))
    let cookie = try #require(peer.cookie(for: fourth))
    let (fifth, sixth) = (
      try peer.initiate(counter: 5, cookie: cookie), try peer.initiate(counter: 6, cookie: cookie)
    )
    #expect(peer.run(fifth) && !peer.run(sixth), "a share of its own, not without end")
    for counter in UInt64(7)..<107 {
      peer.wait(.milliseconds(9))
      peer.run(try peer.initiate(counter: counter, cookie: cookie))
    }
    #expect(peer.sent(.response).count > 8 && peer.sent(.response).count <= 12)
  }

  @Test("a response from elsewhere is opened while there is budget for it, never under load")
  func responses() throws {
    for isUnderLoad in [true, false] {
      let peer = try ScriptedPeer()
      peer.advance()
      let initiation = try #require(peer.sent(.initiation).last)
      let answer = try #require(peer.respond(to: initiation))
      let verdict = peer.deliver(answer.response, from: stranger, isUnderLoad: isUnderLoad)
      #expect(verdict == (isUnderLoad ? .refused : .consumed))
      if isUnderLoad {
        #expect(peer.deliver(answer.response, isUnderLoad: true) == .consumed, "from where it should come, it counts")
      }
    }
  }

  @Test("a cookie from elsewhere is refused under load")
  func cookieSource() throws {
    let peer = try ScriptedPeer()
    peer.advance()
    let initiation = try #require(peer.sent(.initiation).last)
    let reply = CookieReply.seal(
      Cookie(bytes: [UInt8](repeating: 7, count: 16)), answering: initiation, responder: peer.key.publicKey,
      nonce: [UInt8](repeating: 1, count: 24)
    ).bytes
    #expect(peer.deliver(reply, from: stranger, isUnderLoad: true) == .refused)
    #expect(peer.deliver(reply, isUnderLoad: true) == .consumed)
  }

  @Test("forged responses are opened eight times at once and 20 times a second, and end no attempt")
  func forgedResponses() throws {
    var generator = SeededGenerator(seed: 4)
    let peer = try ScriptedPeer()
    peer.advance()
    let initiation = try #require(peer.sent(.initiation).last)
    let mac = HandshakeMAC(to: peer.table.localPublicKey)
    for _ in 0..<7 {
      let header = HandshakeMessage.header(.response, index: initiation.index)
      let forged = mac.appended(to: header + generator.bytes(56), cookie: nil)
      #expect(peer.deliver(forged) == .refused)
    }
    let answer = try #require(peer.respond(to: initiation))
    let header = HandshakeMessage.header(.response, index: initiation.index)
    let eighth = mac.appended(to: header + generator.bytes(56), cookie: nil)
    #expect(peer.deliver(eighth) == .refused)
    #expect(peer.deliver(answer.response) == .refused, "one more costs as much, whoever sent it")
    peer.wait(.milliseconds(50))
    #expect(peer.deliver(answer.response) == .consumed, "the attempt goes on")
  }

  @Test("an index that was never on the wire needs no rest")
  func discard() {
    var entropy: any Entropy = SeededEntropy(seed: 1)
    var indexes = SessionIndexes()
    let owner = PrivateKey(SecretBytes(byteCount: 32)).publicKey
    for _ in 0..<1_000 {
      let index = indexes.take(for: owner, from: &entropy, now: Instant(nanoseconds: 0))
      if let index { indexes.discard(index) }
      #expect(index != nil && indexes.takenCount == 0)
    }
  }
}
