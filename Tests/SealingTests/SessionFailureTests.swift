import TestKit
import Testing
import VXLAN

@testable import Sealing

/// Fault row 26 at the true limit, which the count of failures is put close to: the wire's ends have ChaCha20-Poly1305.
@Suite("Sessions whose keys have failed too often")
struct SessionFailureTests {
  private static let limit: UInt64 = 1 << 36

  /// A frame that somebody made up for a session of `side` arrives there.
  private func forge(for key: OpeningKey, on wire: SimulatedWire, to side: Int) {
    let word = SealedHeader.Word(lane: 0, index: key.index, counter: 1_000)
    let bytes = SealedHeader(kind: .frame, vni: VNI(unchecked: 42), word: word).bytes + [UInt8](repeating: 0, count: 60)
    let attacker = Endpoint(address: IPAddress(ipv4: 0xC633_6401), udpPort: 9)
    wire.inject(bytes, from: attacker, to: wire.addresses[side])
    wire.run(for: .milliseconds(500))
  }

  @Test("row 26: the limit is 2^23 datagrams that did not open with AES-GCM, and 2^36 with the others")
  func limits() {
    #expect(Cipher.allCases.map(\.failureCountMax) == Cipher.allCases.map { $0 == .aes256gcm ? 1 << 23 : 1 << 36 })
  }

  @Test(
    "row 26: at the limit, not one before, the session neither sends nor receives, and another is agreed on",
    arguments: [0, 1])
  func current(side: Int) throws {
    let wire = try SessionTimingTests.connected()
    let session = try #require(wire.current(side))
    session.opening.skipFailures(to: Self.limit - 2)
    forge(for: session.opening, on: wire, to: side)
    #expect(session.opening.failureCount == Self.limit - 1 && wire.current(side) === session)
    #expect(wire.ends[side].send([1]))
    wire.isCut = { _, _ in true }
    let initiations = SessionTimingTests.times(wire, side, SessionTimingTests.isInitiation).count
    forge(for: session.opening, on: wire, to: side)
    #expect(wire.current(side) == nil && wire.ends[side].opening[session.index] == nil)
    #expect(!wire.ends[side].send([2]), "nothing to send with")
    #expect(SessionTimingTests.times(wire, side, SessionTimingTests.isInitiation).count > initiations, "at once")
    wire.isCut = { _, _ in false }
    wire.run(for: .seconds(3))
    let next = try #require(wire.current(side))
    #expect(next !== session && next.index != session.index && next.opening.failureCount == 0)
    for each in 0..<2 { #expect(wire.ends[each].send([3])) }
    wire.run(for: .milliseconds(100))
    #expect(wire.ends.allSatisfy { $0.received.last == [3] })
    print("figure: row 26: closed after 2^36 failures of ChaCha20-Poly1305, not after 2^36 - 1; the next one works")
  }

  @Test("row 26: at the limit the session before the current one receives no more, and the current one goes on")
  func previous() throws {
    let wire = try SessionTimingTests.connected()
    let former = try #require(wire.current(0))
    wire.run(for: .seconds(121))
    let session = try #require(wire.current(0))
    try #require(session !== former && wire.ends[0].opening[former.index] != nil)
    former.opening.skipFailures(to: Self.limit - 2)
    forge(for: former.opening, on: wire, to: 0)
    #expect(wire.ends[0].opening[former.index] != nil)
    forge(for: former.opening, on: wire, to: 0)
    #expect(wire.ends[0].opening[former.index] == nil && wire.current(0) === session)
    for each in 0..<2 { #expect(wire.ends[each].send([4])) }
    wire.run(for: .milliseconds(100))
    #expect(wire.ends.allSatisfy { $0.received.last == [4] })
  }

  @Test("row 26: at the limit a session that was not proven yet is forgotten")
  func unproven() throws {
    let wire = SimulatedWire.mutingHigher()
    let higher = 1 - wire.lower
    wire.run(for: .milliseconds(300))
    let key = try #require(wire.ends[higher].opening.values.first)
    wire.isCut = { _, _ in true }
    key.skipFailures(to: Self.limit - 2)
    forge(for: key, on: wire, to: higher)
    #expect(wire.ends[higher].opening[key.index] != nil)
    forge(for: key, on: wire, to: higher)
    #expect(wire.ends[higher].opening.isEmpty && wire.current(higher) == nil)
  }
}

extension OpeningKey {
  /// Puts the count of failures close to its limit: never backwards.
  fileprivate func skipFailures(to count: UInt64) {
    precondition(count >= failureCount)
    opener.state.pointee.failureCount.store(count, ordering: .relaxed)
  }
}
