import TestKit
import Testing

@testable import LinuxIO

@Suite("OutgoingRuns")
struct OutgoingRunsTests {
  private let key = OutgoingRuns.Key(peer: 0, sourcePortIndex: 1, trafficClass: 2, segment: 3)

  /// The datagrams of each run that datagrams of these lengths make.
  private func counts(_ lengths: [Int], _ key: (Int) -> OutgoingRuns.Key) -> [Int] {
    var runs = OutgoingRuns()
    for (index, length) in lengths.enumerated() { runs.append(byteCount: length, key: key(index)) }
    return (0..<runs.count).map { runs[$0].datagramCount }
  }

  @Test("equal lengths are a run, a shorter one ends it, a longer one begins another")
  func lengths() {
    #expect(counts([100, 100, 100]) { _ in key } == [3])
    #expect(counts([100, 100, 60, 60]) { _ in key } == [3, 1])
    #expect(counts([100, 101, 101]) { _ in key } == [1, 2])
    #expect(counts([]) { _ in key } == [])
  }

  @Test("a run for several peers, which is judged as a whole, has datagrams of one length")
  func severalPeers() {
    var all = key
    all.peer = -1
    #expect(counts([100, 100, 60, 60]) { _ in all } == [2, 2])
    #expect(counts([1472, 108]) { _ in all } == [1, 1])
  }

  @Test("64 datagrams are a run, 65 are two; 65,507 bytes are a run, one more are two")
  func bounds() {
    #expect(counts([Int](repeating: 10, count: 64)) { _ in key } == [64])
    #expect(counts([Int](repeating: 10, count: 65)) { _ in key } == [64, 1])
    #expect(counts([40_000, 25_507]) { _ in key } == [2])
    #expect(counts([40_000, 25_508]) { _ in key } == [1, 1])
  }

  @Test("another peer, port, traffic class or segment begins another run")
  func keys() {
    let changes: [(inout OutgoingRuns.Key) -> Void] = [
      { $0.peer = 9 }, { $0.sourcePortIndex = 9 }, { $0.trafficClass = 9 }, { $0.segment = 9 },
    ]
    for change in changes {
      var other = key
      change(&other)
      #expect(counts([10, 10, 10]) { $0 == 1 ? other : key } == [1, 1, 1])
    }
  }

  @Test("the bytes of the first datagrams of a run are counted without their headers")
  func innerBytes() {
    var runs = OutgoingRuns()
    for length in [100, 100, 60] { runs.append(byteCount: length, key: key) }
    let run = runs[0]
    #expect((0...3).map { run.innerByteCount(ofFirst: $0, headerByteCount: 8) } == [0, 92, 184, 236])
  }

  /// The lengths of the datagrams, as a receiver of the runs would see them. Nil where a run breaks a rule.
  private func lengths(of runs: borrowing OutgoingRuns) -> [Int]? {
    var lengths: [Int] = []
    var next: UnsafeMutablePointer<UInt8>?
    for index in 0..<runs.count {
      let run = runs[index]
      let last = run.byteCount - (run.datagramCount - 1) * run.datagramByteCount
      let isContinuous = next.map { $0 == run.start } ?? true
      guard isContinuous, last > 0, last <= run.datagramByteCount, run.datagramCount <= 64, run.byteCount <= 65_507
      else { return nil }
      lengths += [Int](repeating: run.datagramByteCount, count: run.datagramCount - 1) + [last]
      next = run.start + run.byteCount
    }
    return lengths
  }

  @Test("datagrams added at once lie as those added one by one, and in no more runs", arguments: 0..<200)
  func addedAtOnce(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var atOnce = OutgoingRuns()
    var single = OutgoingRuns()
    var expected: [Int] = []
    superframes: for _ in 0..<Int.random(in: 1...12, using: &random) {
      let stride = [74, 600, 1000, 1464, 8964].randomElement(using: &random)!
      var rest = Int.random(in: 1...100, using: &random)
      let last = Int.random(in: 1...stride, using: &random)
      while rest > 0 {
        guard atOnce.hasRoom(forBytes: stride, runs: 1) else { break superframes }
        let count = min(rest, atOnce.room(forDatagramsOf: stride, key: key))
        rest -= count
        atOnce.append(count, stride: stride, lastByteCount: rest == 0 ? last : stride, key: key)
        for index in 0..<count {
          let length = rest == 0 && index == count - 1 ? last : stride
          single.append(byteCount: length, key: key)
          expected.append(length)
        }
      }
    }
    let found = lengths(of: atOnce)
    #expect(found == expected, "seed \(seed)")
    let counts = (atOnce.count, single.count)
    #expect(counts.0 <= counts.1, "seed \(seed)")
  }
}
