import TestKit
import Testing

@testable import Sealing

/// Whether the time that a comparison takes tells where two texts differ: Welch's t between two kinds of input, as in
/// dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017). Above 4.5 it does.
@Suite("Comparisons in constant time", .serialized)
struct ConstantTimeTests {
  private static let bound = 4.5, attemptCount = 8, sampleCount = 40_000

  @Test("row 58: the time of mac1's comparison does not tell how much of it was right")
  func firstMAC() throws {
    let pair = HandshakePair()
    let message = try pair.initiate().initiation
    let mac = HandshakeMAC(to: pair.responderKey.publicKey)
    let place = message.bytes.count - 2 * HandshakeMAC.byteCount
    let wrong = try [place, place + HandshakeMAC.byteCount - 1].map { offset in
      var bytes = message.bytes
      bytes[offset] ^= 0xFF
      return try #require(HandshakeMessage(bytes))
    }
    #expect(mac.isFirstValid(message) && !wrong.contains { mac.isFirstValid($0) })
    let found = Self.smallest { mac.isFirstValid(wrong[$0]) }
    let shown = (found * 100).rounded() / 100
    print("figure: row 58: wrong in its first or its last byte: |t| = \(shown) of \(Self.sampleCount) measurements")
    #expect(found < Self.bound, "what tells is told by every attempt")
  }

  @Test("the judge of row 58 finds a comparison that ends at the first difference")
  func earlyExit() {
    let right = [UInt8](repeating: 7, count: HandshakeMAC.byteCount)
    let wrong = [0, right.count - 1].map { place in right.indices.map { $0 == place ? 0 : right[$0] } }
    #expect(Self.smallest { kind in zip(right, wrong[kind]).allSatisfy { $0 == $1 } } > Self.bound)
  }

  /// The smallest |t| of several attempts: a machine that is busy makes differences of its own, now and then.
  private static func smallest(_ compare: (Int) -> Bool) -> Double {
    var least = Double.infinity
    for attempt in 0..<attemptCount where least >= bound {
      least = min(least, abs(welch(times(seed: UInt64(attempt), compare))))
    }
    return least
  }

  /// Nanoseconds of each kind, in an order of chance, without the slowest tenth, which is the machine's.
  private static func times(seed: UInt64, _ compare: (Int) -> Bool) -> [[Double]] {
    var chance = SeededGenerator(seed: seed)
    let kinds = chance.bytes(sampleCount).map { Int($0 & 1) }
    let clock = ContinuousClock()
    var times: [[Double]] = [[], []]
    var right = 0
    for kind in kinds {
      let began = clock.now
      if compare(kind) { right += 1 }
      times[kind].append(Double((clock.now - began).components.attoseconds) / 1e9)
    }
    precondition(right == 0)
    let slowest = times.flatMap(\.self).sorted()[sampleCount * 9 / 10]
    return times.map { $0.filter { $0 <= slowest } }
  }

  private static func welch(_ samples: [[Double]]) -> Double {
    let means = samples.map { $0.reduce(0, +) / Double($0.count) }
    let errors = zip(samples, means).map { sample, mean in
      sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sample.count - 1) / Double(sample.count)
    }
    return (means[0] - means[1]) / max(errors.reduce(0, +), .leastNormalMagnitude).squareRoot()
  }
}
