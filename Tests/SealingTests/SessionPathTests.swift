import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Sessions and their paths")
struct SessionPathTests {
  private static let headerByteCount = 28

  /// Two ends with sessions and routes of 1500, and a wire that each way takes IP packets of so many bytes.
  private func wire(_ name: String, _ takes: [Int]) -> SimulatedWire {
    let wire = SimulatedWire(seed: TestSeed.next(name))
    wire.isCut = { bytes, side in bytes.count + Self.headerByteCount > takes[side] }
    for side in 0..<2 {
      wire.ends[side].table.setRoute(pathMTU: 1_500, to: wire.peerKey(of: side), isOther: false, now: wire.now)
    }
    return wire
  }

  private func isProbed(_ wire: SimulatedWire, _ side: Int) -> Bool {
    wire.ends[side].table.status(wire.peerKey(of: side), now: wire.now).isPathProbed
  }

  @Test("each way has its own path MTU, found with the session's own messages; the largest datagram is exactly that")
  func bothWays() {
    let wire = wire("both ways", [1_345, 1_500])
    wire.run(for: .milliseconds(500))
    #expect(wire.ends[0].pathMTU == 1_500 && !isProbed(wire, 0) && isProbed(wire, 1))
    wire.run(for: .seconds(20))
    #expect(wire.ends.map(\.pathMTU) == [1_345, 1_500] && isProbed(wire, 0))
    let probed = wire.sent.filter { $0.from == 1 && $0.bytes[0] == 0x0D }.map(\.bytes.count)
    #expect(probed.max() == 1_500 - Self.headerByteCount)
  }

  @Test("news of the route that say nothing new have the path MTU set again: who read them may have lowered it between")
  func sameRoute() {
    let wire = wire("same route", [1_500, 1_500])
    wire.run(for: .seconds(10))
    _ = wire.ends[0].table.takeActions()
    wire.ends[0].table.setRoute(pathMTU: 1_500, to: wire.peerKey(of: 0), isOther: false, now: wire.now)
    let told = wire.ends[0].table.takeActions().compactMap { action -> Int? in
      guard case .setPathMTU(let byteCount, _, _) = action else { return nil }
      return byteCount
    }
    #expect(told == [1_500])
  }

  @Test("what was found stays through new sessions, and a peer's other process answers like the one before")
  func newSessions() {
    let wire = wire("new sessions", [1_400, 1_400])
    wire.run(for: .seconds(30))
    wire.restart(1)
    wire.run(for: .seconds(300))
    #expect(wire.ends[0].pathMTU == 1_400 && wire.ends[0].table.status(wire.peerKey(of: 0), now: wire.now).state == .up)
  }

  /// Lets side 1 speak from its new address until it is heard there.
  private func move(_ wire: SimulatedWire, toOtherAddress: Bool) {
    wire.move(1, toOtherAddress: toOtherAddress)
    for _ in 0..<12 where wire.ends[0].remote != wire.addresses[1] {
      _ = wire.ends[1].send([1])
      wire.run(for: .seconds(1))
    }
    // A moved peer is heard when it speaks; its keepalives and probes do.
    wire.run(for: .seconds(30))
    #expect(wire.ends[0].remote == wire.addresses[1])
  }

  @Test("a peer that has moved is asked again: its path may take more, or less", arguments: [false, true])
  func moved(toOtherAddress: Bool) {
    let wire = wire("moved", [1_400, 1_400])
    wire.run(for: .seconds(30))
    wire.isCut = { _, _ in false }
    move(wire, toOtherAddress: toOtherAddress)
    wire.run(for: .seconds(10))
    #expect(wire.ends[0].pathMTU == 1_500)
  }

  @Test("a peer of which only the port is another is asked for what counts, not for all", arguments: [false, true])
  func movedPort(toOtherAddress: Bool) {
    let wire = wire("moved port", [1_400, 1_400])
    wire.run(for: .seconds(30))
    let start = wire.now
    move(wire, toOtherAddress: toOtherAddress)
    let asked = wire.sent.filter { $0.at > start && $0.from == 0 && $0.bytes[0] == 0x0D }
      .map { $0.bytes.count + Self.headerByteCount }
    #expect(wire.ends[0].pathMTU == 1_400)
    #expect(asked.contains(1_500) == toOtherAddress, "\(asked)")
    #expect(asked.contains(1_400))
  }

  @Test("frames that leave count as traffic, sealed or plain; those that come do not: theirs is the other way")
  func traffic() throws {
    for (sealed, plain, received) in [(true, false, false), (false, true, false), (false, false, true)] {
      let wire = wire("traffic", [1_500, 1_500])
      wire.run(for: .seconds(10))
      let start = wire.now
      for _ in 0..<120 {
        if sealed { try #require(wire.ends[0].send([1])) }
        if plain { wire.ends[0].table.notePlainFrames(to: wire.peerKey(of: 0)) }
        if received { try #require(wire.ends[1].send([1])) }
        wire.run(for: .milliseconds(500))
      }
      let large = wire.sent.count { $0.at > start && $0.from == 0 && $0.bytes.count == 1_500 - Self.headerByteCount }
      let own = received ? 1...3 : 11...16
      // Half of them are answers to the other end's probes, which have their size, where that asks too.
      #expect(own.contains(large), "\(large) sealed \(sealed) plain \(plain)")
    }
  }

  @Test("without sessions nothing is asked")
  func noSession() {
    let wire = wire("no session", [0, 0])
    wire.run(for: .seconds(60))
    #expect(!wire.sent.contains { $0.bytes[3] == 0xFE })
    #expect(wire.ends.map(\.pathMTU) == [1_500, 1_500])
  }
}
