import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Sessions under attack")
struct SessionSafetyTests {
  private let attacker = Endpoint(address: IPAddress(ipv4: 0xC633_6401), udpPort: 9)

  private func isInitiation(_ bytes: [UInt8]) -> Bool { SessionTimingTests.isInitiation(bytes) }

  @Test("row 28: an initiation that was answered is answered never again, and hurts nobody")
  func replayedInitiation() throws {
    let wire = try SessionTimingTests.connected()
    let initiation = try #require(wire.sent.first { $0.from == wire.lower && isInitiation($0.bytes) }).bytes
    let (responder, index) = (1 - wire.lower, wire.current(0)?.index)
    let responses = wire.sent.count { HandshakeMessage($0.bytes)?.kind == .response }
    let verdicts = wire.ends[responder].verdicts.count
    for number in 0..<1_000 {
      wire.inject(
        initiation, from: number.isMultiple(of: 2) ? attacker : wire.addresses[wire.lower],
        to: wire.addresses[responder])
      #expect(wire.ends[wire.lower].send([UInt8(truncatingIfNeeded: number)]))
      wire.run(for: .milliseconds(10))
    }
    #expect(wire.ends[responder].verdicts.dropFirst(verdicts).allSatisfy { $0 == .refused })
    #expect(wire.ends[responder].verdicts.count == verdicts + 1_000)
    #expect(wire.sent.count { HandshakeMessage($0.bytes)?.kind == .response } == responses)
    #expect(wire.ends[responder].received.count == 1_000 && wire.current(0)?.index == index)
  }

  @Test("an initiation of a process that is gone is refused, even one that was never seen")
  func supersededBoot() throws {
    let wire = SimulatedWire(seed: 1)
    let lower = wire.lower
    var held: [UInt8] = []
    wire.run(for: .milliseconds(200))
    // The next initiation of the first process never arrives.
    wire.isCut = { bytes, side in
      guard side == lower, SessionTimingTests.isInitiation(bytes) else { return false }
      held = bytes
      return true
    }
    wire.run(for: .seconds(121))
    try #require(!held.isEmpty)
    wire.isCut = { _, _ in false }
    wire.restart(lower)
    wire.run(for: .seconds(1))
    let session = try #require(wire.current(1 - lower))
    let count = wire.ends[1 - lower].verdicts.count
    wire.inject(held, from: wire.addresses[lower], to: wire.addresses[1 - lower])
    wire.run(for: .seconds(1))
    #expect(wire.ends[1 - lower].verdicts.dropFirst(count) == [.refused])
    #expect(wire.current(1 - lower) === session)
  }

  @Test("at most four unproven sessions of a peer wait for 10 s")
  func unproven() throws {
    let wire = SimulatedWire.mutingHigher()
    let (lower, higher) = (wire.lower, 1 - wire.lower)
    for number in 1...7 {
      wire.run(for: .milliseconds(300))
      #expect(wire.ends[higher].opening.count == min(number, 4))
      wire.restart(lower)
    }
    #expect(wire.current(higher) == nil && !wire.ends[higher].send([1]), "an answer is no proof")
    wire.isCut = { _, _ in true }
    wire.run(for: .milliseconds(9_000))
    #expect(!wire.ends[higher].opening.isEmpty)
    wire.run(for: .milliseconds(1_400))
    #expect(wire.ends[higher].opening.isEmpty)
  }

  @Test("a third initiation of one process takes the place of its first unproven session")
  func unprovenOfOneBoot() throws {
    let wire = SimulatedWire.mutingHigher()
    let higher = 1 - wire.lower
    wire.run(for: .seconds(9))
    #expect(wire.sent.count { $0.from == higher && HandshakeMessage($0.bytes)?.kind == .response } >= 3)
    #expect(wire.ends[higher].opening.count == 2)
  }

  @Test("row 27: processes that follow each other quickly are answered 12 times a second at most")
  func answerRate() throws {
    let wire = SimulatedWire.mutingHigher()
    let (lower, higher) = (wire.lower, 1 - wire.lower)
    for _ in 0..<90 {
      wire.restart(lower)
      wire.run(for: .milliseconds(10))
    }
    let answerCount = wire.sent.count { $0.from == higher && HandshakeMessage($0.bytes)?.kind == .response }
    #expect(answerCount >= 3 && answerCount <= 12)
  }

  @Test("under load only who shows a cookie is answered, the others are given one")
  func cookies() throws {
    let wire = SimulatedWire(seed: 1)
    let (lower, higher) = (wire.lower, 1 - wire.lower)
    wire.ends[higher].isUnderLoad = true
    wire.isCut = { bytes, side in side == higher && SessionTimingTests.isInitiation(bytes) }
    wire.run(for: .milliseconds(100))
    #expect(wire.current(lower) == nil)
    #expect(wire.sent.count { $0.from == higher && HandshakeMessage($0.bytes)?.kind == .cookie } == 1)
    wire.run(for: .milliseconds(1_300))
    #expect(wire.current(lower) != nil && wire.current(higher) != nil)
    let initiations = wire.sent.filter { $0.from == lower && isInitiation($0.bytes) }.map(\.bytes)
    #expect(initiations.count == 2 && initiations[0].suffix(16).allSatisfy { $0 == 0 })
    #expect(initiations[1].suffix(16).contains { $0 != 0 })
  }

  @Test("a cookie of another address does not help")
  func stolenCookie() throws {
    let wire = SimulatedWire(seed: 1)
    let (lower, higher) = (wire.lower, 1 - wire.lower)
    wire.ends[higher].isUnderLoad = true
    var second: [UInt8] = []
    wire.isCut = { bytes, side in
      guard side == lower, SessionTimingTests.isInitiation(bytes), bytes.suffix(16).contains(where: { $0 != 0 }) else {
        return side == higher && SessionTimingTests.isInitiation(bytes)
      }
      second = bytes
      return true
    }
    wire.run(for: .milliseconds(1_400))
    try #require(!second.isEmpty)
    wire.inject(second, from: attacker, to: wire.addresses[higher])
    wire.run(for: .milliseconds(100))
    #expect(wire.sent.count { $0.from == higher && HandshakeMessage($0.bytes)?.kind == .response } == 0)
  }

  @Test("row 23: unknown keys, wrong mac1 and noise are refused in silence")
  func silence() throws {
    let wire = try SessionTimingTests.connected()
    wire.run(for: .seconds(1))
    let stranger = HandshakePair(seed: 99)
    guard
      let handshake = InitiatorHandshake(
        from: stranger.initiatorKey, to: wire.ends[0].key.publicKey, ephemeralKey: stranger.responderKey, index: 1,
        payload: stranger.payload, cookie: nil)
    else { throw HandshakePair.NoInitiation() }
    let initiation = handshake.initiation.bytes
    var wrong = try #require(wire.sent.first { isInitiation($0.bytes) && $0.from == 1 }).bytes
    wrong[150] ^= 1
    let count = wire.sent.count
    let verdicts = wire.ends[0].verdicts.count
    let responses = wire.sent.map(\.bytes).filter { HandshakeMessage($0)?.kind == .response }
    for bytes in [initiation, wrong, Array(initiation.prefix(100))] + responses {
      wire.inject(bytes, from: attacker, to: wire.addresses[0])
    }
    wire.run(for: .seconds(1))
    #expect(wire.sent.count == count, "no answer")
    #expect(wire.ends[0].verdicts.dropFirst(verdicts).allSatisfy { $0 == .refused })
    #expect(wire.ends[0].verdicts.count == verdicts + 3 + responses.count)
  }

  @Test("row 33: who comes back from another address is found by a probe, frames alone move nothing")
  func move() throws {
    let wire = try SessionTimingTests.connected()
    let old = wire.addresses[1]
    wire.move(1)
    for _ in 0..<8 {
      #expect(wire.ends[1].send([1]))
      wire.run(for: .seconds(1))
    }
    #expect(wire.ends[0].received.count == 8, "frames are accepted by their key from any address")
    #expect(wire.ends[0].remote == old)
    // Now the peer says something itself: a probe goes there, and its answer moves the address, within a round trip.
    let end = wire.ends[1]
    let sealing = try #require(end.sealing)
    let keepalive = SealedDatagram(frame: ControlMessage.keepalive.bytes(tagByteCount: 16))
    #expect(keepalive.seal(with: sealing.sealer(lane: 15), kind: .control, vni: 0))
    wire.inject(keepalive.bytes, from: wire.addresses[1], to: wire.addresses[0])
    wire.run(for: .milliseconds(10))
    #expect(wire.ends[0].remote == old, "asked, not yet answered")
    wire.run(for: .milliseconds(10))
    #expect(wire.ends[0].remote == wire.addresses[1])
    #expect(wire.ends[0].send([9]))
    wire.run(for: .milliseconds(10))
    #expect(end.received == [[9]])
  }

  @Test("forged, replayed and diverted control messages move nothing")
  func noMove() throws {
    let wire = try SessionTimingTests.connected()
    let index = try #require(wire.current(0)?.index)
    var generator = SeededGenerator(seed: 5)
    for counter in 0..<1_000 {
      let word = SealedHeader.Word(lane: 15, index: index, counter: UInt64(counter))
      let header = SealedHeader(kind: .control, vni: VNI(unchecked: 0), word: word)
      wire.inject(header.bytes + generator.bytes(32), from: attacker, to: wire.addresses[0])
    }
    for (_, side, bytes) in wire.sent where side == 1 {
      wire.inject(bytes, from: attacker, to: wire.addresses[0])
    }
    let count = wire.sent.count
    wire.run(for: .seconds(2))
    #expect(!wire.sent.dropFirst(count).contains { SessionTimingTests.isControl($0.bytes) }, "not even asked")
    // A true message that an attacker diverts makes us ask at the attacker's address, where nobody can answer.
    let sealing = try #require(wire.ends[1].sealing)
    let keepalive = SealedDatagram(frame: ControlMessage.keepalive.bytes(tagByteCount: 16))
    #expect(keepalive.seal(with: sealing.sealer(lane: 15), kind: .control, vni: 0))
    wire.inject(keepalive.bytes, from: attacker, to: wire.addresses[0])
    wire.run(for: .seconds(3))
    #expect(wire.ends[0].remote == wire.addresses[1])
    #expect(wire.sent.dropFirst(count).count { SessionTimingTests.isControl($0.bytes) } == 1)
  }

  @Test("an unknown session calls for an initiation only without a session, once in 5 s")
  func unknownSession() throws {
    let wire = try SessionTimingTests.connected()
    let before = wire.sent.count
    wire.ends[0].table.noteUnknownSession(from: wire.addresses[1], now: wire.now)
    wire.run(for: .seconds(1))
    #expect(wire.sent.count == before)
    let lost = SimulatedWire(seed: 2)
    lost.isCut = { _, _ in true }
    // Between two attempts that are 5 s apart.
    lost.run(for: .seconds(14))
    let last = try #require(SessionTimingTests.times(lost, 0, isInitiation).last)
    for _ in 0..<40 {
      lost.ends[0].table.noteUnknownSession(from: lost.addresses[1], now: lost.now)
      lost.run(for: .milliseconds(250))
    }
    let later = SessionTimingTests.times(lost, 0, isInitiation).filter { $0 > last }
    #expect(later.count <= 3 && zip(later.dropFirst(), later).allSatisfy { $0 - $1 > 3.9 })
  }

  @Test("a removed peer has no session, no key and no attempt left")
  func removal() throws {
    let wire = try SessionTimingTests.connected()
    let table = wire.ends[0].table
    let actions = table.remove(wire.peerKey(of: 0), now: wire.now)
    var retired = 0
    var isSilent = false
    for action in actions {
      if case .retire = action { retired += 1 }
      if case .seal(nil, _) = action { isSilent = true }
    }
    #expect(retired == 1 && isSilent && table.nextDeadline == nil)
    table.advance(to: wire.now + .seconds(300))
    #expect(table.takeActions().isEmpty && table.remove(wire.peerKey(of: 0), now: wire.now).isEmpty)
  }

  @Test("pre-shared keys rotate in any order without a session lost")
  func rotation() throws {
    let (old, new) = (try presharedKey(1), try presharedKey(2))
    let wire = SimulatedWire(seed: 1, presharedKeys: [old])
    wire.run(for: .seconds(1))
    let steps: [(side: Int, keys: [PresharedKey])] = [
      (0, [old, new]), (1, [old, new]), (1, [new, old]), (0, [new, old]), (0, [new]), (1, [new]),
    ]
    var number: UInt16 = 0
    for step in steps {
      #expect(wire.ends[step.side].table.setPresharedKeys(step.keys))
      for _ in 0..<125 {
        for side in 0..<2 { #expect(wire.ends[side].send(number.bigEndianBytes)) }
        number += 1
        wire.run(for: .seconds(1))
      }
    }
    for side in 0..<2 { #expect(wire.ends[side].received == (0..<number).map(\.bigEndianBytes)) }
  }

  private func presharedKey(_ byte: UInt8) throws -> PresharedKey {
    let secret = SecretBytes(byteCount: 32)
    secret.bytes[0] = byte
    return try #require(PresharedKey(secret))
  }
}
