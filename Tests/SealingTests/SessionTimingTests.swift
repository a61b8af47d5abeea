import Glibc
import TestKit
import Testing
import VXLAN

@testable import Sealing

/// Everything runs on a wire with a delay of 5 ms and no faults but those that a test makes.
@Suite("Sessions in time")
struct SessionTimingTests {
  static func isInitiation(_ bytes: [UInt8]) -> Bool { HandshakeMessage(bytes)?.kind == .initiation }
  static func isControl(_ bytes: [UInt8]) -> Bool { SealedHeader(bytes)?.kind == .control }
  static func isHandshake(_ bytes: [UInt8]) -> Bool { SealedHeader(bytes)?.kind == .handshake }

  /// Seconds since the wire's beginning at which `side` sent what `matches`.
  static func times(_ wire: SimulatedWire, _ side: Int, _ matches: ([UInt8]) -> Bool) -> [Double] {
    wire.sent.filter { $0.from == side && matches($0.bytes) }.map { Double($0.at.nanoseconds) / 1e9 - 1 }
  }

  /// A wire with a session, and what led to it forgotten.
  static func connected(seed: UInt64 = 1) throws -> SimulatedWire {
    let wire = SimulatedWire(seed: seed)
    wire.run(for: .milliseconds(200))
    try #require(wire.current(0) != nil && wire.current(1) != nil)
    return wire
  }

  @Test("a fresh start has a session after one round trip, and frames pass both ways")
  func start() throws {
    let wire = SimulatedWire(seed: 1)
    wire.run(for: .milliseconds(13))
    #expect(wire.current(wire.lower) != nil)
    wire.run(for: .milliseconds(10))
    for side in 0..<2 { #expect(wire.ends[side].send([1, 2, UInt8(side)])) }
    wire.run(for: .milliseconds(10))
    #expect(wire.ends[0].received == [[1, 2, 1]] && wire.ends[1].received == [[1, 2, 0]])
  }

  @Test("when both initiate at once the lower key's initiation is the one that counts", arguments: 1...20)
  func tie(seed: UInt64) throws {
    let wire = try Self.connected(seed: seed)
    #expect(wire.current(wire.lower)?.isInitiator == true && wire.current(1 - wire.lower)?.isInitiator == false)
    #expect(wire.current(0)?.sealing?.index == wire.current(1)?.index)
    #expect(wire.current(1)?.sealing?.index == wire.current(0)?.index)
    #expect(wire.sent.count { HandshakeMessage($0.bytes)?.kind == .response } == 1)
  }

  @Test("row 30: a thousand races end with one session each")
  func races() throws {
    for seed in UInt64(1)...1_000 {
      let wire = SimulatedWire(seed: seed)
      wire.keepsSent = false
      wire.faults.delay = .milliseconds(1)..<(.milliseconds(40))
      wire.run(for: .seconds(5))
      try #require(wire.current(0)?.sealing?.index == wire.current(1)?.index && wire.current(0) != nil, "seed \(seed)")
    }
  }

  @Test("unanswered initiations are repeated after 1, 2, 4, 5, 5… seconds, each with its own key and index")
  func retries() throws {
    let wire = SimulatedWire(seed: 1)
    wire.isCut = { _, _ in true }
    wire.run(for: .seconds(40))
    let times = Self.times(wire, 0, Self.isInitiation)
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    try #require(gaps.count >= 6)
    for (gap, expected) in zip(gaps, [1.0, 2, 4, 5, 5, 5]) {
      #expect(gap >= expected * 0.8 - 0.01 && gap <= expected * 1.2 + 0.01)
    }
    let messages = wire.sent.filter { $0.from == 0 }.map(\.bytes)
    #expect(Set(messages.map { Array($0[8..<16]) }).count == messages.count)
    #expect(Set(messages.map { Array($0[16..<48]) }).count == messages.count)
  }

  @Test("a response to the attempt before the last counts")
  func lateResponse() throws {
    let wire = SimulatedWire(seed: 1)
    // One way takes 0.8 s: the first response arrives after the second attempt.
    wire.faults.delay = .milliseconds(800)..<(.milliseconds(801))
    let lower = wire.lower
    wire.isCut = { bytes, side in side != lower && Self.isInitiation(bytes) }
    wire.run(for: .milliseconds(1_700))
    #expect(wire.current(lower) != nil && Self.times(wire, lower, Self.isInitiation).count == 2)
  }

  @Test("the initiator replaces a session at 115 to 120 s, and no frame is lost")
  func rekey() throws {
    for seed: UInt64 in 1...5 {
      let wire = try Self.connected(seed: seed)
      let before = wire.current(0)?.index
      for number in 0..<UInt16(700) {
        for side in 0..<2 { #expect(wire.ends[side].send(number.bigEndianBytes)) }
        wire.run(for: .milliseconds(180))
      }
      #expect(wire.current(0)?.index != before)
      for side in 0..<2 { #expect(wire.ends[side].received == (0..<UInt16(700)).map(\.bigEndianBytes)) }
      let again = Self.times(wire, wire.lower, Self.isInitiation).filter { $0 > 1 }
      #expect(again.count == 1 && again[0] >= 115 && again[0] < 120.5)
      #expect(Self.times(wire, 1 - wire.lower, Self.isInitiation).filter { $0 > 1 }.isEmpty)
    }
  }

  @Test("where the initiator does not, the responder replaces it at 140 s")
  func takeover() throws {
    let wire = try Self.connected()
    let lower = wire.lower
    wire.isCut = { bytes, side in side == lower && Self.isInitiation(bytes) }
    wire.run(for: .seconds(145))
    let times = Self.times(wire, 1 - lower, Self.isInitiation).filter { $0 > 1 }
    #expect(times.count == 1 && times[0] >= 140 && times[0] < 140.5)
    #expect(wire.current(lower)?.isInitiator == false)
  }

  @Test("a session neither sends nor receives from 180 s on")
  func end() throws {
    let wire = try Self.connected()
    wire.isCut = { bytes, _ in Self.isHandshake(bytes) }
    wire.run(for: .milliseconds(179_700))
    #expect(wire.current(0) != nil && wire.ends[0].opening.count == 1 && wire.ends[0].send([1]))
    wire.run(for: .milliseconds(400))
    for side in 0..<2 {
      #expect(wire.current(side) == nil && wire.ends[side].opening.isEmpty && !wire.ends[side].send([1]))
    }
  }

  /// A wire on which nothing of what the responder confirms arrives.
  private static func wireWithoutAnswers() -> SimulatedWire {
    let wire = SimulatedWire(seed: 1)
    let lower = wire.lower
    wire.isCut = { bytes, side in side != lower && isControl(bytes) }
    return wire
  }

  @Test("a confirm leaves at once and 5 times more, until something comes back")
  func confirm() throws {
    let wire = Self.wireWithoutAnswers()
    wire.run(for: .milliseconds(1_500))
    let times = Self.times(wire, wire.lower, Self.isControl)
    try #require(times.count == 6)
    for (gap, time) in zip(zip(times.dropFirst(), times).map { $0 - $1 }, times) {
      #expect(gap > 0.24 && gap < 0.27, "after \(time)")
    }
    let answered = try Self.connected()
    answered.run(for: .seconds(5))
    #expect(Self.times(answered, answered.lower, Self.isControl).count == 1)
  }

  @Test("a session of which nothing comes back after all confirms is replaced at once")
  func unansweredConfirms() throws {
    let wire = Self.wireWithoutAnswers()
    wire.run(for: .seconds(2))
    let times = Self.times(wire, wire.lower, Self.isInitiation)
    #expect(times.count == 2 && times[1] > 1.5 && times[1] < 1.6)
  }

  @Test("a session that proves itself after all is not replaced")
  func lateProof() throws {
    let wire = SimulatedWire(seed: 1)
    let lower = wire.lower
    wire.run(for: .milliseconds(12))
    wire.isCut = { bytes, side in side == lower ? Self.isInitiation(bytes) : Self.isControl(bytes) }
    wire.run(for: .milliseconds(1_700))
    #expect(Self.times(wire, lower, Self.isInitiation).count == 2)
    let index = wire.current(lower)?.index
    #expect(wire.ends[1 - lower].send([1]))
    wire.run(for: .seconds(20))
    #expect(Self.times(wire, lower, Self.isInitiation).count == 2 && wire.current(lower)?.index == index)
  }

  @Test("row 26: after 2^32 frames a session is replaced, not one before, and none is lost")
  func frameCount() throws {
    let wire = try Self.connected()
    let lower = wire.lower
    let first = try #require(wire.current(lower))
    try #require(first.sealing).skipForTesting(lane: 1, to: 1 << 32 - 3)
    for number in UInt8(0)..<20 {
      let count = first.sealing?.sealedCount
      #expect(wire.ends[lower].send([number]) && wire.ends[1 - lower].send([number]))
      wire.run(for: .milliseconds(500))
      if let count { #expect((wire.current(lower) === first) == (count + 1 < 1 << 32)) }
    }
    #expect(wire.current(lower) !== first)
    for side in 0..<2 { #expect(wire.ends[side].received == (UInt8(0)..<20).map { [$0] }) }
    #expect(Self.times(wire, lower, Self.isInitiation).count == 2)
  }

  @Test(
    "a thousand peers with nothing due cost less than a tenth of the time between two looks at them",
    .disabled(if: getenv("ASAN_OPTIONS") != nil, "the address sanitizer takes most of the time; judged optimised"))
  func idlePeers() throws {
    var entropy = SeededEntropy(seed: 1)
    let key = PrivateKey(from: &entropy)
    let local = try LocalEnd(
      privateKey: key, presharedKeys: [], choice: .automatic, available: CipherMask([.chacha20poly1305]),
      entropy: entropy)
    var now = Instant(nanoseconds: 1_000_000_000)
    let table = SessionTable(local, now: now)
    let peers = (0..<1_000).map { _ in PrivateKey(from: &entropy) }
    for (index, peer) in peers.enumerated() {
      table.add(peer.publicKey, at: Endpoint(address: IPAddress(ipv4: UInt32(index)), udpPort: 4790), now: now)
    }
    repeat { table.advance(to: now) } while table.isBehind
    for case .send(let bytes, let destination) in table.takeActions() {
      let message = try #require(HandshakeMessage(bytes))
      guard let handshake = ResponderHandshake(opening: message, with: peers[Int(destination.address.low)]),
        let answer = handshake.respond(
          ephemeralKey: key, index: 1, cipher: .chacha20poly1305, presharedKey: nil)
      else { throw HandshakePair.NoInitiation() }
      #expect(table.receive(answer.response.bytes.span, from: destination, isUnderLoad: true, now: now) == .consumed)
    }
    #expect(peers.allSatisfy { table.current($0.publicKey) != nil })
    for _ in 0..<4 {
      now = now + .milliseconds(250)
      table.advance(to: now)
    }
    _ = table.takeActions()
    let durations = (0..<50).map { _ in
      ContinuousClock().measure {
        table.advance(to: now)
        _ = table.nextDeadline
      }
    }
    let best = try #require(durations.min())
    print("an advance of 1,000 idle peers: \(best)")
    #expect(best < .milliseconds(25) && table.takeActions().isEmpty, "unoptimised, a tenth of the interval")
  }

  @Test("who receives frames and sends none says so after 10 s, who sends does not")
  func keepalive() throws {
    let wire = try Self.connected()
    let before = Self.times(wire, 1, Self.isControl).count
    for _ in 0..<24 {
      #expect(wire.ends[0].send([1]))
      wire.run(for: .seconds(1))
    }
    let keepalives = Self.times(wire, 1, Self.isControl).dropFirst(before)
    #expect(keepalives.count == 2 && (keepalives.first ?? 0) > 10 && (keepalives.first ?? 0) < 11.5)
    let busy = try Self.connected()
    for _ in 0..<24 {
      for side in 0..<2 { #expect(busy.ends[side].send([1])) }
      busy.run(for: .seconds(1))
    }
    #expect(Self.times(busy, 1, Self.isControl).allSatisfy { $0 < 1 })
    let idle = try Self.connected()
    idle.run(for: .seconds(60))
    #expect(idle.sent.allSatisfy { $0.at < Instant(nanoseconds: 2_000_000_000) }, "nothing is said without traffic")
  }

  @Test("15 s of silence after a frame make an initiation, also when the session looks well")
  func silence() throws {
    let wire = try Self.connected()
    wire.isCut = { bytes, side in side == 1 }
    for _ in 0..<14 {
      #expect(wire.ends[0].send([1]))
      wire.run(for: .seconds(1))
    }
    #expect(Self.times(wire, 0, Self.isInitiation).allSatisfy { $0 < 1 })
    wire.run(for: .seconds(2))
    #expect(Self.times(wire, 0, Self.isInitiation).count { $0 > 14 } == 1)
  }

  @Test("rows 22, 32: a restarted peer has a session within a round trip, and frames of its former life find nothing")
  func restart() throws {
    let wire = try Self.connected()
    for number in 0..<UInt8(50) { #expect(wire.ends[0].send([number])) }
    wire.run(for: .milliseconds(20))
    let recorded = wire.sent.filter { $0.from == 0 }.map(\.bytes)
    #expect(wire.ends[1].received.count == 50)
    wire.restart(1)
    wire.run(for: .milliseconds(50))
    #expect(wire.current(1) != nil && wire.ends[1].send([7]) && wire.ends[0].send([8]))
    for bytes in recorded { wire.inject(bytes, from: wire.addresses[0], to: wire.addresses[1]) }
    wire.run(for: .seconds(1))
    #expect(wire.ends[1].received == [[8]] && wire.ends[0].received == [[7]])
  }
}
