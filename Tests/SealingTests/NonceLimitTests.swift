import Testing

@testable import Sealing

@Suite("Sessions whose counters come to their end")
struct NonceLimitTests {
  @Test("row 25: ten counters before the limit another session is agreed on, and none at or above it is on the wire")
  func exhaustion() throws {
    let wire = try SessionTimingTests.connected()
    let first = [wire.current(0), wire.current(1)]
    let limit = SealingKey.counterLimit
    for each in first { try #require(each?.sealing).skipForTesting(lane: 0, to: limit - 10) }
    for side in 0..<2 {
      #expect((UInt8(0)..<20).map { wire.ends[side].send([$0]) } == (0..<20).map { $0 < 10 }, "ten, and no more")
    }
    wire.run(for: .milliseconds(500))
    for side in 0..<2 {
      #expect(wire.current(side) !== first[side] && wire.current(side) != nil)
      #expect(wire.ends[side].send([20]))
    }
    wire.run(for: .milliseconds(100))
    for side in 0..<2 { #expect(wire.ends[side].received.map { $0[0] }.sorted() == (UInt8(0)..<10) + [20]) }
    let counters = wire.sent.compactMap { SealedHeader($0.bytes) }.filter { $0.kind == .frame }.map(\.word.counter)
    #expect(counters.count == 22 && counters.allSatisfy { $0 < limit } && counters.contains(limit - 1))
    print("figure: row 25: counters up to 2^40 - 2^13 - 1 were used, 0 above; a new session within 500 ms at both ends")
  }
}
