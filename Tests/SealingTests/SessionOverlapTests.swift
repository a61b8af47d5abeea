import Testing
import VXLAN

@testable import Sealing

/// Several attempts, processes and recordings of one peer at a time.
@Suite("Sessions that overlap")
struct SessionOverlapTests {
  @Test("a late confirm of a process that was replaced does not lock its successor out")
  func lateConfirm() throws {
    let peer = try ScriptedPeer()
    let (old, new) = (try peer.initiate(bootID: 1, counter: 1), try peer.initiate(bootID: 2, counter: 1))
    #expect(peer.run(old) && peer.run(new) && peer.confirm(new))
    #expect(peer.current?.index == new.index)
    #expect(!peer.confirm(old), "nobody opens it any more")
    peer.advance()
    #expect(peer.current?.index == new.index)
    let again = try peer.initiate(bootID: 2, counter: 2)
    #expect(peer.run(again) && peer.confirm(again) && peer.current?.index == again.index)
  }

  @Test("of two sessions that workers have heard of, the newer one is used")
  func bothHeard() throws {
    let peer = try ScriptedPeer()
    let (old, new) = (try peer.initiate(bootID: 1, counter: 1), try peer.initiate(bootID: 2, counter: 1))
    #expect(peer.run(old) && peer.run(new) && peer.sendFrame(new) && peer.sendFrame(old))
    peer.confirm(old)
    #expect(peer.current?.index == new.index)
    let next = try peer.initiate(bootID: 2, counter: 2)
    #expect(peer.run(next))
  }

  @Test("the response to the attempt before the last makes a session, that to the one before does not")
  func twoAttempts() throws {
    let peer = try ScriptedPeer()
    let attempts = try (1...3).map { try peer.initiate(counter: $0) }
    for attempt in attempts { #expect(peer.run(attempt)) }
    #expect(peer.opening.count == 2 && !peer.confirm(attempts[0]))
    #expect(peer.confirm(attempts[1]) && peer.current?.index == attempts[1].index)
  }

  @Test("a session that a worker has heard of is no more in the way of attempts")
  func heardBeforeEviction() throws {
    let peer = try ScriptedPeer()
    let attempts = try (1...3).map { try peer.initiate(counter: $0) }
    #expect(peer.run(attempts[0]) && peer.sendFrame(attempts[0]))
    #expect(peer.run(attempts[1]) && peer.run(attempts[2]))
    #expect(peer.current?.index == attempts[0].index && peer.opening.count == 3)
  }

  @Test("a recorded initiation does not end our own attempt")
  func recordedInitiation() throws {
    let peer = try ScriptedPeer()
    peer.advance()
    let own = try #require(peer.sent(.initiation).last)
    // A recording of a process that nobody here remembers: it is answered, and that is all.
    let recorded = try peer.initiate(bootID: 77, counter: 1)
    #expect(peer.deliver(recorded.bytes, from: peer.elsewhere) == .consumed)
    let answer = try #require(peer.respond(to: own))
    #expect(peer.deliver(answer.response) == .consumed && peer.current?.isInitiator == true)
  }

  @Test("who was answered once is not answered again after the session is forgotten")
  func forgottenSession() throws {
    let peer = try ScriptedPeer()
    let first = try peer.initiate(counter: 5)
    #expect(peer.run(first))
    peer.wait(.seconds(11))
    peer.advance()
    #expect(peer.opening.isEmpty)
    for counter: UInt64 in [5, 4] {
      // Another ephemeral key, so that it is the counter that refuses it.
      let again = try peer.initiate(counter: counter)
      #expect(peer.deliver(again.bytes) == .refused)
    }
    let next = try peer.initiate(counter: 6)
    #expect(peer.deliver(first.bytes) == .refused && peer.run(next))
  }

  @Test("a session that ended is not used by a call that comes late")
  func lateCall() throws {
    let peer = try ScriptedPeer()
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt) && peer.confirm(attempt))
    peer.forgetSent()
    peer.wait(.seconds(180))
    // The worker still has the key; the control thread was busy.
    #expect(peer.say(.probe(udpPayloadByteCount: 48, token: 9), attempt.keys?.sealing))
    #expect(peer.controlDestinations.isEmpty && peer.current == nil && peer.opening.isEmpty)
  }

  @Test("the answer to a question of where the peer is counts for 5 s, not longer", arguments: [4_999, 5_000])
  func lateAnswer(milliseconds: Int) throws {
    let peer = try ScriptedPeer()
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt) && peer.confirm(attempt) && peer.confirm(attempt, from: peer.elsewhere))
    let answer = try peer.question(to: attempt)
    peer.wait(.milliseconds(milliseconds))
    peer.say(answer, attempt.keys?.sealing, from: peer.elsewhere)
    let expected = milliseconds < 5_000 ? peer.elsewhere : peer.configured
    #expect(peer.table.endpoint(peer.key.publicKey) == expected)
  }

  @Test("a question that is lost is repeated after a second, and either answer counts")
  func repeatedQuestion() throws {
    let peer = try ScriptedPeer()
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt) && peer.confirm(attempt))
    for milliseconds in [0, 999, 1] {
      peer.wait(.milliseconds(milliseconds))
      #expect(peer.confirm(attempt, from: peer.elsewhere))
    }
    let keys = try #require(attempt.keys)
    let asked = peer.heard(keys.opening, at: peer.elsewhere)
    #expect(asked.count == 2 && asked.first == asked.last)
  }

  @Test("a session is confirmed where its response came from")
  func confirmDestination() throws {
    let peer = try ScriptedPeer()
    try peer.moveElsewhere()
    // Silence until the session ends, and then until it is tried at the configured address.
    peer.wait(.seconds(180))
    peer.forgetSent()
    var isTried = false
    for _ in 0..<200 where !isTried {
      peer.advance()
      isTried = peer.sent.last?.to == peer.configured
      if !isTried { peer.wait(.milliseconds(250)) }
    }
    let initiation = try #require(peer.sent(.initiation).last)
    let answer = try #require(peer.respond(to: initiation))
    peer.forgetSent()
    #expect(peer.deliver(answer.response) == .consumed)
    for _ in 0..<8 {
      peer.wait(.milliseconds(250))
      peer.advance()
    }
    #expect(peer.controlDestinations.count == 7 && peer.controlDestinations.allSatisfy { $0 == peer.configured })
  }

  @Test("what is told of a session is its state, cipher, age and address")
  func status() throws {
    let peer = try ScriptedPeer()
    func status() -> SessionStatus { peer.table.status(peer.key.publicKey, now: peer.now) }
    #expect(status().state == .none && status().endpoint == peer.configured)
    peer.advance()
    #expect(status().state == .handshake && status().cipher == nil && status().keyAge == nil)
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt) && status().state == .handshake && peer.confirm(attempt))
    peer.wait(.seconds(3))
    #expect(
      status()
        == SessionStatus(
          state: .up, cipher: .chacha20poly1305, keyAge: .seconds(3), endpoint: peer.configured, handshakeCount: 1))
    #expect(peer.table.status(peer.table.localPublicKey, now: peer.now).state == .none)
  }
}
