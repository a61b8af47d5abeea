import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Handshake messages under mutation")
struct MessageMutationTests {
  private static let mutationCount = 100_000

  @Test("of damaged initiations none is answered, whether or not its mac1 is right")
  func initiations() throws {
    let seed = TestSeed.next("initiations")
    var generator = SeededGenerator(seed: seed)
    let pair = HandshakePair(seed: seed)
    let valid = try pair.initiate().initiation.bytes
    let mac = HandshakeMAC(to: pair.responderKey.publicKey)
    var counts = (damaged: 0, parsed: 0, firstValid: 0, opened: 0)
    for round in 0..<Self.mutationCount {
      var bytes = Mutation.of(valid, &generator)
      // Every twentieth comes from someone who can compute mac1.
      if round.isMultiple(of: 20), bytes.count == 176 {
        bytes = mac.appended(to: Array(bytes.dropLast(32)), cookie: nil)
      }
      if bytes == valid { continue }
      counts.damaged += 1
      guard let message = HandshakeMessage(bytes), message.kind == .initiation else { continue }
      counts.parsed += 1
      guard mac.isFirstValid(message) else { continue }
      counts.firstValid += 1
      // mac2 alone says nothing to a responder that is not under load.
      if bytes.dropLast(16) == valid.dropLast(16) { continue }
      if case .some = ResponderHandshake(opening: message, with: pair.responderKey) { counts.opened += 1 }
    }
    #expect(counts.opened == 0, "seed \(seed)")
    #expect(counts.damaged > 90_000 && counts.parsed > 10_000 && counts.firstValid > 1_000)
  }

  @Test("of damaged responses none makes a session, whether or not its mac1 is right")
  func responses() throws {
    let seed = TestSeed.next("responses")
    var generator = SeededGenerator(seed: seed)
    let pair = HandshakePair(seed: seed)
    let initiator = try pair.initiate()
    let valid = try #require(pair.respond(to: initiator.initiation)).response.bytes
    let mac = HandshakeMAC(to: pair.initiatorKey.publicKey)
    var counts = (damaged: 0, firstValid: 0, opened: 0)
    for round in 0..<Self.mutationCount {
      var bytes = Mutation.of(valid, &generator)
      if round.isMultiple(of: 20), bytes.count == 104 {
        bytes = mac.appended(to: Array(bytes.dropLast(32)), cookie: nil)
      }
      if bytes.dropLast(16) == valid.dropLast(16) { continue }
      counts.damaged += 1
      guard let message = HandshakeMessage(bytes), mac.isFirstValid(message) else { continue }
      counts.firstValid += 1
      if HandshakePair.opens(message, initiator) { counts.opened += 1 }
    }
    #expect(counts.opened == 0, "seed \(seed)")
    #expect(counts.damaged > 80_000 && counts.firstValid > 1_000)
    let sound = try #require(HandshakeMessage(valid))
    let isOpened = HandshakePair.opens(sound, initiator)
    #expect(isOpened, "the true one still does")
  }

  @Test("of damaged cookies none is taken")
  func cookies() throws {
    let seed = TestSeed.next("cookies")
    var generator = SeededGenerator(seed: seed)
    let pair = HandshakePair(seed: seed)
    let initiator = try pair.initiate()
    let responder = pair.responderKey.publicKey
    let valid = CookieReply.seal(
      Cookie(bytes: generator.bytes(16)), answering: initiator.initiation, responder: responder,
      nonce: generator.bytes(24)
    ).bytes
    var counts = (parsed: 0, taken: 0)
    for _ in 0..<Self.mutationCount {
      let bytes = Mutation.of(valid, &generator)
      guard bytes != valid, let message = HandshakeMessage(bytes) else { continue }
      counts.parsed += 1
      if initiator.openCookie(message, responder: responder) != nil { counts.taken += 1 }
    }
    #expect(counts.taken == 0 && counts.parsed > 10_000, "seed \(seed)")
  }

  @Test("what is accepted of random payloads and control messages says the same when written again")
  func payloads() throws {
    let seed = TestSeed.next("payloads")
    var generator = SeededGenerator(seed: seed)
    let initiation = InitiationPayload(
      ciphers: CipherMask(rawValue: 3), presharedKeyIDs: [7, 8], bootID: .max, counter: .max
    ).bytes
    let response = ResponsePayload(cipher: .aes256gcm, index: 0xFFFFF).bytes
    let probe = ControlMessage.probe(udpPayloadByteCount: 100, token: 5).bytes(tagByteCount: 16)
    let answer = ControlMessage.probeAnswer(udpPayloadByteCount: 100, token: 5).bytes(tagByteCount: 16)
    var counts = [0, 0, 0]
    for round in 0..<Self.mutationCount {
      let first = Mutation.of(initiation, &generator)
      if let payload = InitiationPayload(first) {
        counts[0] += 1
        #expect(payload.bytes == first, "seed \(seed)")
      }
      let second = Mutation.of(response, &generator)
      if let payload = ResponsePayload(second) {
        counts[1] += 1
        #expect(payload.bytes == second, "seed \(seed)")
      }
      let third = Mutation.of(round.isMultiple(of: 2) ? probe : answer, &generator)
      if let message = ControlMessage(third) {
        counts[2] += 1
        #expect(message.fields == Array(third.prefix(16)), "seed \(seed)")
      }
    }
    #expect(counts.allSatisfy { $0 > 1_000 })
  }
}
