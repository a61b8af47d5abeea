import Synchronization
import TestKit
import Testing

@testable import Forwarding

@Suite("FDB sharing")
struct FDBSharingTests {
  /// Stations that only one thread sets, so that it knows what they are.
  private static let ownBase = 1_000_000
  private static let ownCount = 64
  /// Stations from here on are away all the time, and nobody but a flush has their moves forgotten.
  private static let restlessBase = 1984

  @Test("workers learn, move and look up while others set, remove, age, flush and lose peers: the sums stay right")
  func everything() {
    let table = Table(limit: 1500, peerLimits: [0, 300, 100, 1], readerCount: 3)
    let seed = TestSeed.fixed("FDB sharing")
    let wrongCount = Atomic<Int>(0)
    let workingCount = Atomic<Int>(3)
    let workers: [@Sendable () -> Void] = (0..<3).map { reader in
      {
        var random = SeededGenerator(seed: seed &+ UInt64(reader))
        table.work(reader: reader) { step in
          for _ in 0..<64 { Self.learn(random.next(), step, table, wrongCount) }
          return step < 1000
        }
        workingCount.subtract(1, ordering: .releasing)
      }
    }
    let others: [@Sendable () -> Void] = (0..<2).map { number in
      {
        var random = SeededGenerator(seed: seed &+ 100 &+ UInt64(number))
        var own: [Int: Remote] = [:]
        while workingCount.load(ordering: .acquiring) > 0 {
          Self.change(random.next(), table)
          if number == 0 { Self.setOwn(random.next(), table, &own, wrongCount) }
        }
      }
    }
    atOnce(workers + others)
    #expect(wrongCount.load(ordering: .relaxed) == 0 && table.isConsistent, "seed \(seed)")
    #expect(table.history.moveCount > 1000 && table.history.freezeCount > 10 && table.history.agedCount > 100)
    let dynamic = table.entries.filter { $0.state == .dynamic }
    #expect(dynamic.count <= 1500, "seed \(seed)")
    for (slot, limit) in [(1, 300), (2, 100), (3, 1)] {
      #expect(dynamic.filter { $0.remote == .peer(slot) && !$0.isFrozen }.count <= limit, "seed \(seed)")
    }
  }

  private static func learn(_ bits: UInt64, _ step: Int, _ table: Table, _ wrongCount: borrowing Atomic<Int>) {
    let station = Int(bits & 0x7FF)
    let isAway = bits >> 20 & 31 == 0 || station >= restlessBase
    let remote: Remote = .peer(isAway ? Int(bits >> 30 & 3) : station & 1)
    _ = table.learn(station, remote, now: UInt32(step / 8))
    _ = table.remote(Int(bits >> 40 & 0x7FF))
    // What somebody set moves for no frame.
    let outcome = table.learn(ownBase + Int(bits >> 50) % ownCount, .local, now: UInt32(step / 8))
    switch outcome {
    case .moved, .flapping, .refusedFrozen: wrongCount.add(1, ordering: .relaxed)
    default: break
    }
  }

  private static func change(_ bits: UInt64, _ table: Table) {
    let station = Int(bits & 0x7FF) % restlessBase
    switch bits >> 16 & 0x3F {
    case 0: _ = table.age(now: UInt32(bits >> 30 & 127), .seconds(20))
    case 1 where bits >> 40 & 0xFFF == 0: _ = table.flush()
    case 2 where bits >> 40 & 63 == 0: _ = table.removeAll(at: .peer(Int(bits >> 50 & 3)))
    case 3..<8: table.set(station, .peer(Int(bits >> 50 & 3)), by: .control, now: 1)
    case 8..<12: table.set(station, .peer(Int(bits >> 50 & 3)), now: 1, replacing: bits >> 60 & 1 == 0)
    case 12: _ = table.entries
    case 13..<40: table.remove(station)
    default: _ = table.entry(station)
    }
  }

  /// The entries of one thread are as it left them, unless their peer was lost or frames taught another way meanwhile.
  private static func setOwn(
    _ bits: UInt64, _ table: Table, _ own: inout [Int: Remote], _ wrongCount: borrowing Atomic<Int>
  ) {
    let station = ownBase + Int(bits & 63) % ownCount
    if let expected = own[station], let entry = table.entry(station), entry.state == .static, entry.remote != expected {
      wrongCount.add(1, ordering: .relaxed)
    }
    let remote: Remote = .peer(Int(bits >> 20 & 3))
    if table.set(station, remote, by: .configuration, now: 1) != .set { wrongCount.add(1, ordering: .relaxed) }
    own[station] = remote
  }
}
