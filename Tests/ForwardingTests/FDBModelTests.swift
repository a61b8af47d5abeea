import TestKit
import Testing

@testable import Forwarding

@Suite("FDB against a model")
struct FDBModelTests {
  /// What the table is to do, as plainly as it can be said.
  private struct Model {
    struct Entry {
      var remote: Remote
      var isStatic: Bool
      var stamp: UInt32
    }

    let limit: Int
    let peerLimits: [Int]
    var entries: [Int: Entry] = [:]
    /// Dynamic entries: all, and by peer.
    var dynamicCount = 0
    var countByPeer: [Int]
    var refusedCount: UInt64 = 0

    init(limit: Int, peerLimits: [Int]) {
      self.limit = limit
      self.peerLimits = peerLimits
      self.countByPeer = peerLimits.map { _ in 0 }
    }

    mutating func learn(_ station: Int, _ remote: Remote, now: UInt32) -> LearnOutcome {
      let old = entries[station]
      if let old, old.isStatic { return old.remote == remote ? .known : .refusedStatic }
      if let old, old.remote == remote {
        entries[station]?.stamp = now
        return .known
      }
      remove(station)
      if dynamicCount >= limit || isFull(remote) {
        refusedCount += 1
        return .refusedFull
      }
      entries[station] = Entry(remote: remote, isStatic: false, stamp: now)
      count(remote, 1)
      return old.map { .moved(from: $0.remote) } ?? .learned
    }

    mutating func setStatic(_ station: Int, _ remote: Remote, now: UInt32) {
      remove(station)
      entries[station] = Entry(remote: remote, isStatic: true, stamp: now)
    }

    mutating func age(now: UInt32, seconds: UInt32) -> Int {
      let aged = entries.filter { !$0.value.isStatic && now - $0.value.stamp >= seconds }.map(\.key)
      aged.forEach { remove($0) }
      return aged.count
    }

    private func isFull(_ remote: Remote) -> Bool {
      remote.peerSlot.map { peerLimits[$0] != 0 && countByPeer[$0] >= peerLimits[$0] } ?? false
    }

    private mutating func remove(_ station: Int) {
      guard let old = entries.removeValue(forKey: station), !old.isStatic else { return }
      count(old.remote, -1)
    }

    private mutating func count(_ remote: Remote, _ change: Int) {
      dynamicCount += change
      if let slot = remote.peerSlot { countByPeer[slot] += change }
    }
  }

  /// Under debug builds a million operations take a few seconds.
  private static let operationCount = 1_000_000

  @Test("a million random operations do what a dictionary does")
  func random() {
    let seed = testSeed("FDB against a model")
    var random = SeededGenerator(seed: seed)
    let peerLimits = [0, 300, 40, 1]
    let table = Table(limit: 700, peerLimits: peerLimits)
    var model = Model(limit: 700, peerLimits: peerLimits)
    var now: UInt32 = 1000
    for step in 0..<Self.operationCount {
      let bits = random.next()
      // A working set that drifts, so that old keys are left behind and storage is rebuilt.
      let station = Int(bits & 0x3FF) + step / 512
      let remote: Remote = bits >> 10 & 7 == 0 ? .local : .peer(Int(bits >> 13 & 3))
      let isRight: Bool
      switch bits >> 16 & 0xFFF {
      case 0, 1:
        now += UInt32(bits >> 32 & 0xF)
        isRight = table.age(now: now, .seconds(20)) == model.age(now: now, seconds: 20)
      case 2 where model.entries.count < 1500:
        table.setStatic(station, remote, now: now)
        model.setStatic(station, remote, now: now)
        isRight = true
      case 3..<1000:
        isRight = table.remote(station) == model.entries[station]?.remote
      default:
        isRight = table.learn(station, remote, now: now) == model.learn(station, remote, now: now)
      }
      guard isRight, step % 20_000 != 0 || isSame(table, model) else {
        Issue.record("seed \(seed), step \(step), station \(station), remote \(remote), now \(now)")
        return
      }
    }
    #expect(isSame(table, model), "seed \(seed)")
    #expect(model.refusedCount > 1000 && model.entries.contains { $0.value.isStatic }, "the draw covers nothing")
  }

  private func isSame(_ table: Table, _ model: Model) -> Bool {
    let entries = table.entries
    return table.isConsistent && table.count == model.entries.count && entries.count == model.entries.count
      && table.refusedCount == model.refusedCount
      && entries.allSatisfy { entry in
        guard let expected = model.entries[Int(entry.mac.rawValue & 0xFF_FFFF)] else { return false }
        return expected.remote == entry.remote && expected.isStatic == entry.isStatic && expected.stamp == entry.stamp
      }
  }
}
