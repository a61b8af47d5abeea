import Testing
import VXLAN

@testable import Forwarding

@Suite("FDB learning")
struct FDBLearningTests {
  @Test("a new address is learned, then known, then moved; the last frame wins")
  func lastFrameWins() {
    let table = Table()
    #expect(table.remote(1) == nil)
    #expect(table.learn(1, .peer(0)) == .learned)
    #expect(table.learn(1, .peer(0)) == .known)
    #expect(table.learn(1, .peer(0), now: 101) == .known)
    #expect(table.learn(1, .peer(3)) == .moved(from: .peer(0)))
    #expect(table.remote(1) == .peer(3))
    #expect(table.learn(1, .local) == .moved(from: .peer(3)))
    #expect(table.remote(1) == .local)
    #expect(table.learn(1, .peer(0)) == .moved(from: .local))
    #expect(table.count == 1 && table.isConsistent && table.refusedCount == 0)
  }

  @Test("an entry carries the second of the last frame, also of one that did not move it")
  func stamps() {
    let table = Table()
    for now: UInt32 in [100, 100, 105, 103] {
      _ = table.learn(1, .peer(0), now: now)
      #expect(table.entries.map(\.stamp) == [now])
    }
    _ = table.learn(1, .peer(1), now: 110)
    #expect(table.entries.map(\.stamp) == [110])
  }

  @Test("a static entry refuses to move, to any remote, and counts as none of the learned")
  func staticEntries() {
    let table = Table(limit: 1)
    table.setStatic(1, .peer(0))
    #expect(table.learn(1, .peer(1)) == .refusedStatic)
    #expect(table.learn(1, .local) == .refusedStatic)
    #expect(table.learn(1, .peer(0), now: 200) == .known)
    #expect(table.remote(1) == .peer(0))
    #expect(table.entries == [FDBEntry(mac: Table.mac(1), remote: .peer(0), origin: .configuration, stamp: 100)])
    // It leaves the one place of the limit free.
    #expect(table.learn(2, .peer(1)) == .learned && table.learn(3, .peer(1)) == .refusedFull)
    #expect(table.refusedCount == 1 && table.isConsistent)
  }

  @Test("a static entry replaces a learned one and its like, and gives the place back")
  func staticReplaces() {
    let table = Table(limit: 1)
    #expect(table.learn(1, .peer(1)) == .learned && table.learn(2, .peer(1)) == .refusedFull)
    table.setStatic(1, .peer(0))
    #expect(table.remote(1) == .peer(0) && table.count == 1)
    table.setStatic(1, .peer(2), now: 300)
    #expect(table.remote(1) == .peer(2) && table.count == 1 && table.isConsistent)
    #expect(table.learn(2, .peer(1)) == .learned)
  }

  @Test("where a static entry says otherwise is told without learning")
  func hasStatic() {
    let table = Table()
    table.setStatic(1, .peer(0))
    _ = table.learn(2, .peer(0))
    #expect(table.hasStatic(1, elsewhereThan: .peer(1)))
    #expect(table.hasStatic(1, elsewhereThan: .local))
    #expect(!table.hasStatic(1, elsewhereThan: .peer(0)))
    #expect(!table.hasStatic(2, elsewhereThan: .peer(1)))
    #expect(!table.hasStatic(3, elsewhereThan: .peer(1)))
  }

  @Test("the limit-th address is learned, one more is refused and counted; known and moving ones are not")
  func limit() {
    let table = Table(limit: 3)
    for station in 1...3 { #expect(table.learn(station, .peer(0)) == .learned) }
    #expect(table.learn(4, .peer(0)) == .refusedFull && table.remote(4) == nil)
    #expect(table.learn(5, .local) == .refusedFull)
    #expect(table.learn(1, .peer(0), now: 101) == .known && table.learn(2, .peer(1)) == .moved(from: .peer(0)))
    #expect(table.count == 3 && table.refusedCount == 2 && table.isConsistent)
    #expect(table.age(now: 161, .seconds(61)) == 2)
    #expect(table.learn(4, .peer(0)) == .learned && table.learn(5, .local) == .learned)
    #expect(table.learn(6, .peer(0)) == .refusedFull)
  }

  @Test("at a limit no frame waits for a lock, new, known or thawed; what can be learned does")
  func noLockAtLimits() {
    let table = Table(limit: 5, peerLimits: [0, 1, 0])
    for number in 0...5 { _ = table.learn(1, .peer(number % 2 * 2), now: 100) }
    _ = table.learn(2, .peer(1), now: 100)
    #expect(table.entry(1)?.isFrozen == true && table.learnWhileLocked(3, .peer(1), now: 101) == .refusedFull)
    #expect(table.learnWhileLocked(3, .peer(0), now: 101, seconds: 0.2) == nil, "it waits for the lock, to be learned")
    table.set(4, .peer(2))
    for station in 5...6 { _ = table.learn(station, .peer(0), now: 101) }
    let expected: [(station: Int, peer: Int, now: UInt32, outcome: LearnOutcome)] = [
      (7, 0, 102, .refusedFull), (7, 1, 102, .refusedFull), (2, 1, 102, .known), (4, 0, 102, .refusedStatic),
      (1, 2, 102, .refusedFrozen), (1, 1, 130, .refusedFull), (1, 1, 131, .refusedFull),
    ]
    for (station, peer, now, outcome) in expected {
      #expect(table.learnWhileLocked(station, .peer(peer), now: now) == outcome, "\(station) \(peer) \(now)")
    }
    #expect(table.learn(1, .peer(0), now: 131) == .learned && table.isConsistent)
  }

  @Test("a limit of 0 learns nothing")
  func nothing() {
    let table = Table(limit: 0)
    #expect(table.learn(1, .peer(0)) == .refusedFull && table.learn(1, .local) == .refusedFull)
    #expect(table.count == 0 && table.refusedCount == 2)
  }

  @Test("a peer at its own limit learns no more; others, and the own TAP, do")
  func peerLimit() {
    let table = Table(limit: 100, peerLimits: [2, 0, 1])
    #expect(table.learn(1, .peer(0)) == .learned && table.learn(2, .peer(0)) == .learned)
    #expect(table.learn(3, .peer(0)) == .refusedFull)
    #expect(table.learn(4, .peer(2)) == .learned && table.learn(5, .peer(2)) == .refusedFull)
    for station in 10..<20 { #expect(table.learn(station, .peer(1)) == .learned) }
    for station in 20..<30 { #expect(table.learn(station, .local) == .learned) }
    // Leaving one peer makes room there.
    #expect(table.learn(1, .peer(1)) == .moved(from: .peer(0)))
    #expect(table.learn(3, .peer(0)) == .learned)
    #expect(table.isConsistent && table.refusedCount == 2)
  }

  @Test("an address that moves to a peer at its limit is known nowhere any more")
  func moveToFullPeer() {
    let table = Table(limit: 100, peerLimits: [0, 1])
    #expect(table.learn(1, .peer(1)) == .learned && table.learn(2, .peer(0)) == .learned)
    #expect(table.learn(2, .peer(1)) == .refusedFull)
    #expect(table.remote(2) == nil && table.count == 1 && table.refusedCount == 1 && table.isConsistent)
    #expect(table.learn(2, .peer(0)) == .learned)
  }

  @Test("addresses that differ in one bit are different, zero and broadcast among them")
  func keys() {
    let table = Table()
    for bit in 0..<48 {
      #expect(table.learn(MACAddress(rawValue: 1 << UInt64(bit)), .peer(bit % 4), now: 1) == .learned)
    }
    #expect(table.remote(of: .zero) == nil && table.remote(of: .broadcast) == nil)
    #expect(table.learn(MACAddress.zero, .peer(0), now: 1) == .learned)
    for bit in 0..<48 { #expect(table.remote(of: MACAddress(rawValue: 1 << UInt64(bit))) == .peer(bit % 4)) }
    #expect(table.remote(of: .zero) == .peer(0) && table.count == 49)
  }

  @Test("a remote is local or a peer, up to slot 65,534")
  func remotes() {
    #expect(Remote.local.isLocal && Remote.local.peerSlot == nil)
    for slot in [0, 1, 4095, 65_534] { #expect(!Remote.peer(slot).isLocal && Remote.peer(slot).peerSlot == slot) }
    for remote in [Remote.local, .peer(0), .peer(65_534)] {
      let value = FDBValue.dynamic(remote, stamp: .max)
      #expect(value.remote == remote && value.stamp == .max && value.isPresent && !value.isStatic)
      let fixed = FDBValue(remote, origin: .command, stamp: 0)
      #expect(fixed.remote == remote && fixed.stamp == 0 && fixed.isPresent && fixed.isStatic)
      #expect(fixed.origin == .command && value.origin == .learned)
    }
    #expect(!FDBValue.absent.isPresent && FDBValue.dynamic(.local, stamp: 0) != .absent)
  }
}
