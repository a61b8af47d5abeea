import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Sessions, simulated")
struct SessionSimulationTests {
  /// What goes wrong is told with the seed that repeats it.
  private struct Failure: Error, CustomStringConvertible {
    let seed: UInt64
    let what: String

    var description: String { "VTEP_SEED=\(seed) VTEP_SESSION_SEEDS=1: \(what)" }
  }

  @Test("two ends always find to a session, accept nothing twice and use no nonce twice")
  func seeds() throws {
    let first = TestSeed.next("sessions")
    let count = TestSeed.count("VTEP_SESSION_SEEDS", standard: 1_000)
    for index in 0..<count { try Run(seed: first &+ UInt64(index)).check() }
  }

  @Test("round trips of 0.8 to 2.6 s lead to a session within 8 s, and to no more than that", arguments: 0..<40)
  func slowRoundTrips(number: Int) throws {
    let seed = TestSeed.next("round trips") &+ UInt64(number)
    let wire = SimulatedWire(seed: seed)
    let oneWay = 400 + 850 * number / 39
    wire.faults.delay = .milliseconds(oneWay)..<(.milliseconds(oneWay + oneWay / 20 + 1))
    wire.run(for: .seconds(8))
    let first = "seed \(seed), one way \(oneWay) ms"
    for side in 0..<2 { #expect(wire.ends[side].send([1]), "\(first)") }
    wire.run(for: .seconds(7))
    for side in 0..<2 { #expect(wire.ends[side].received == [[1]], "\(first)") }
    let count = wire.sent.count
    for number in UInt8(2)..<92 {
      for side in 0..<2 { #expect(wire.ends[side].send([number])) }
      wire.run(for: .seconds(1))
    }
    #expect(!wire.sent.dropFirst(count).contains { SessionTimingTests.isHandshake($0.bytes) }, "\(first)")
    wire.run(for: .seconds(2))
    for side in 0..<2 { #expect(wire.ends[side].received == (UInt8(1)..<92).map { [$0] }, "\(first)") }
  }

  /// One simulated history: troubled for a while, then quiet.
  private final class Run {
    private let seed: UInt64
    private let wire: SimulatedWire
    private var generator: SeededGenerator
    private var nextNumber: UInt64 = 0
    /// Numbers of frames that arrived, at either side: each once.
    private var arrived: Set<UInt64> = []

    init(seed: UInt64) {
      self.seed = seed
      generator = SeededGenerator(seed: seed)
      wire = SimulatedWire(seed: seed)
      wire.wakeInterval = .seconds(1)
    }

    func check() throws {
      wire.faults = .init(
        loss: Int.random(in: 0...40, using: &generator), duplication: Int.random(in: 0...30, using: &generator),
        replay: Int.random(in: 0...30, using: &generator),
        delay: .milliseconds(1)..<(.milliseconds(Int.random(in: 2...400, using: &generator))))
      // Some histories are long enough to replace sessions by age.
      let steps = generator.isOne(in: 16) ? 400 : 40
      for _ in 0..<steps { try troubledStep() }
      // What is under way comes from the time of trouble: let it pass, and let what was lost be noticed.
      wire.faults = .init()
      for _ in 0..<45 { try step() }
      try checkQuiet()
      try checkNonces()
    }

    private func troubledStep() throws {
      if generator.isOne(in: 60) { wire.restart(Int.random(in: 0...1, using: &generator)) }
      // One of two always is where the other was told: else nobody could find anybody after a restart.
      if generator.isOne(in: 80) { wire.move(1) }
      try step()
    }

    /// About a second with a frame in each direction.
    private func step() throws {
      for side in 0..<2 where !generator.isOne(in: 4) { _ = send(from: side) }
      wire.run(for: .milliseconds(Int.random(in: 500...1500, using: &generator)))
      try collect()
    }

    private func send(from side: Int) -> UInt64? {
      nextNumber += 1
      return wire.ends[side].send(nextNumber.bigEndianBytes + [UInt8](repeating: 0x5A, count: 20)) ? nextNumber : nil
    }

    private func collect() throws {
      for end in wire.ends + wire.endsOfThePast {
        for frame in end.received {
          let number = frame.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
          guard frame.count == 28, frame[8...].allSatisfy({ $0 == 0x5A }), number <= nextNumber else {
            throw Failure(seed: seed, what: "a frame that nobody sent was opened")
          }
          guard arrived.insert(number).inserted else { throw Failure(seed: seed, what: "frame \(number) came twice") }
        }
        end.received = []
      }
    }

    /// In the quiet both ends have sessions that understand each other: nothing is lost any more.
    private func checkQuiet() throws {
      for _ in 0..<5 {
        for side in 0..<2 {
          guard let number = send(from: side) else { throw Failure(seed: seed, what: "side \(side) has no session") }
          wire.run(for: .milliseconds(100))
          try collect()
          guard arrived.contains(number) else {
            throw Failure(seed: seed, what: "a frame from side \(side) was lost on a sound wire")
          }
        }
      }
      for side in 0..<2 where wire.ends[side].remote != wire.addresses[1 - side] {
        throw Failure(seed: seed, what: "side \(side) sends to a place where its peer is not")
      }
    }

    /// No two datagrams with one key, lane and counter have different bytes. The index stands for the key: it is not
    /// given again within the time of a history.
    private func checkNonces() throws {
      var seen: [[UInt8]: [UInt8]] = [:]
      for (_, side, bytes) in wire.sent where bytes[3] == 0xFE {
        let nonce = [UInt8(side)] + bytes[8..<16]
        if let other = seen.updateValue(bytes, forKey: nonce), other != bytes {
          throw Failure(seed: seed, what: "a nonce was used twice")
        }
      }
    }
  }
}
