import Testing
import VXLAN

@testable import Sealing

/// The wire has a round trip of 50 ms.
@Suite("Sessions in time: promptly after both are up")
struct SessionPromptnessTests {
  private static let promised = Duration.milliseconds(1_500)
  /// Milliseconds after the first attempt of the one at which the other starts.
  static let offsets = Array(stride(from: 0, through: 3_000, by: 50))

  private static func wire(seed: Int) -> SimulatedWire {
    let wire = SimulatedWire(seed: UInt64(seed))
    wire.faults.delay = .milliseconds(24)..<(.milliseconds(25))
    return wire
  }

  /// Whether frames pass both ways.
  private static func agree(_ wire: SimulatedWire) -> Bool {
    let before = wire.ends.map(\.received.count)
    let areSent = (0..<2).map { wire.ends[$0].send([9]) }
    wire.run(for: .milliseconds(30))
    return areSent == [true, true] && zip(wire.ends, before).allSatisfy { $0.received.count == $1 + 1 }
  }

  @Test("whoever starts second, and whenever, frames pass both ways 1.5 s later", arguments: offsets, [true, false])
  func lateStart(milliseconds: Int, isLowerFirst: Bool) {
    for seed in 1...4 {
      let wire = Self.wire(seed: seed)
      let late = isLowerFirst ? 1 - wire.lower : wire.lower
      wire.isCut = { _, _ in true }
      wire.run(for: .milliseconds(milliseconds) + .microseconds(1))
      wire.restart(late)
      wire.isCut = { _, _ in false }
      wire.run(for: Self.promised)
      #expect(Self.agree(wire), "seed \(seed)")
    }
  }

  @Test(
    "whoever starts second, frames pass both ways two round trips and 50 ms later",
    arguments: Array(stride(from: 0, through: 900, by: 10)), [true, false])
  func lateStartAtOnce(milliseconds: Int, isLowerFirst: Bool) {
    let wire = Self.wire(seed: 5)
    let late = isLowerFirst ? 1 - wire.lower : wire.lower
    wire.isCut = { _, _ in true }
    wire.run(for: .milliseconds(milliseconds) + .microseconds(1))
    wire.restart(late)
    wire.isCut = { _, _ in false }
    // With the frame's own way, half a round trip.
    wire.run(for: .milliseconds(2 * 50 + 50 - 25))
    #expect(Self.agree(wire))
  }

  @Test("a peer that starts again after 15 s of silence is reached 1.5 s later", arguments: offsets, [true, false])
  func afterSilence(milliseconds: Int, isLowerFirst: Bool) throws {
    let wire = Self.wire(seed: 1)
    wire.run(for: .milliseconds(500))
    try #require(Self.agree(wire))
    let late = isLowerFirst ? 1 - wire.lower : wire.lower
    wire.isCut = { _, _ in true }
    while SessionTimingTests.times(wire, 1 - late, SessionTimingTests.isInitiation).allSatisfy({ $0 < 1 }) {
      try #require(wire.ends[1 - late].send([1]) && wire.now < Instant(nanoseconds: 20_000_000_000))
      wire.run(for: .milliseconds(100))
    }
    wire.run(for: .milliseconds(milliseconds))
    wire.restart(late)
    wire.isCut = { _, _ in false }
    wire.run(for: Self.promised)
    #expect(Self.agree(wire))
  }

  @Test("an attempt is made anew once for each process that speaks up, not for every one of its initiations")
  func onceForEachProcess() throws {
    let peer = try ScriptedPeer(isTableLower: true)
    peer.advance()
    for (counter, wait, count) in [(UInt64(1), 39, 1), (2, 1, 2), (3, 60, 2)] {
      peer.wait(.milliseconds(wait))
      peer.advance()
      let attempt = try peer.initiate(counter: counter)
      #expect(peer.deliver(attempt.bytes) == .consumed && peer.sent(.response).isEmpty)
      #expect(peer.sent(.initiation).count == count)
    }
    let other = try peer.initiate(bootID: 2, counter: 1)
    #expect(peer.deliver(other.bytes) == .consumed && peer.sent(.initiation).count == 3)
    let last = try #require(peer.sent(.initiation).last)
    let answer = try #require(peer.respond(to: last))
    #expect(peer.deliver(answer.response) == .consumed && peer.current != nil)
  }

  @Test("recordings of many processes make four attempts anew, and then the lower key answers")
  func recordings() throws {
    let peer = try ScriptedPeer(isTableLower: true)
    peer.advance()
    for bootID in UInt64(1)...12 {
      peer.wait(.milliseconds(760))
      peer.deliver(try peer.initiate(bootID: bootID, counter: 1).bytes)
    }
    #expect(peer.sent(.initiation).count == 1 + 4)
    #expect(peer.sent(.response).count >= 4)
  }

  @Test("routes that never rest let an answer that takes two seconds come", arguments: [100, 300, 700, 900, 1_500])
  func restlessRoutes(milliseconds: Int) {
    let wire = Self.wire(seed: 3)
    wire.faults.delay = .milliseconds(1_000)..<(.milliseconds(1_001))
    let end = wire.now + .seconds(12)
    while wire.now < end {
      for side in 0..<2 {
        wire.ends[side].table.setRoute(pathMTU: 1_500, to: wire.peerKey(of: side), isOther: true, now: wire.now)
      }
      wire.run(for: .milliseconds(milliseconds))
    }
    #expect(wire.current(0) != nil && wire.current(1) != nil)
  }

  @Test("an attempt that was made sooner because of the route waits as long as any for its answer")
  func oncePerAttempt() throws {
    let peer = try ScriptedPeer()
    peer.advance()
    for _ in 0..<28 {
      peer.table.setRoute(pathMTU: 1_500, to: peer.key.publicKey, isOther: true, now: peer.now)
      peer.wait(.milliseconds(100))
      peer.advance()
    }
    // At 0 s, at 0.8 s because of the route, and not before 1.6 s after that.
    #expect((2...3).contains(peer.sent(.initiation).count))
  }

  @Test("one lost answer to a confirm costs one more confirm, not a handshake")
  func lostAnswer() {
    let wire = Self.wire(seed: 1)
    // Answered before an attempt is old enough to be made anew.
    wire.faults.delay = .milliseconds(15)..<(.milliseconds(16))
    let lower = wire.lower
    var lostCount = 0
    wire.isCut = { bytes, side in
      guard side != lower, SessionTimingTests.isControl(bytes), lostCount == 0 else { return false }
      lostCount += 1
      return true
    }
    wire.run(for: .seconds(6))
    #expect(lostCount == 1 && SessionTimingTests.times(wire, lower, SessionTimingTests.isInitiation).count == 1)
    #expect(SessionTimingTests.times(wire, lower, SessionTimingTests.isControl).count == 2)
    #expect(SessionTimingTests.times(wire, 1 - lower, SessionTimingTests.isControl).count == 2)
  }

  @Test("confirms are answered for three seconds, and not by who sends frames")
  func answeredConfirms() throws {
    let peer = try ScriptedPeer()
    let attempt = try peer.initiate(counter: 1)
    #expect(peer.run(attempt) && peer.confirm(attempt) && peer.controlDestinations.count == 1)
    peer.wait(.milliseconds(2_999))
    #expect(peer.confirm(attempt) && peer.controlDestinations.count == 2)
    peer.wait(.milliseconds(1))
    #expect(peer.confirm(attempt) && peer.controlDestinations.count == 2)
    let other = try peer.initiate(counter: 2)
    #expect(peer.run(other) && peer.confirm(other) && peer.controlDestinations.count == 3)
    let sending = try #require(peer.current?.sealing)
    #expect(SealedDatagram(frame: [1]).seal(with: sending.sealer(lane: 0)))
    peer.wait(.milliseconds(10))
    #expect(peer.confirm(other) && peer.controlDestinations.count == 3)
  }

  @Test("initiations that cross do not retire the session on which the peer's frames still are")
  func crossing() throws {
    let peer = try ScriptedPeer()
    let old = try peer.initiate(counter: 1)
    #expect(peer.run(old) && peer.confirm(old))
    peer.wait(.seconds(140))
    peer.advance()
    let own = try #require(peer.sent(.initiation).last)
    let answer = try #require(peer.respond(to: own))
    #expect(peer.deliver(answer.response) == .consumed && peer.current?.isInitiator == true)
    let unproven = try #require(peer.current?.index)
    let crossed = try peer.initiate(counter: 2)
    #expect(peer.run(crossed) && peer.confirm(crossed) && peer.current?.index == crossed.index)
    #expect(peer.sendFrame(old), "it was under way, and is no less genuine")
    #expect(peer.opening[unproven] == nil)
  }
}
