import Testing
import VXLAN

@testable import Forwarding

@Suite("FDB damping: RFC 7432, section 15.1")
struct FDBDampingTests {
  /// A station that has moved five times by second 104.
  private static func flapping() -> Table {
    let table = Table()
    for number in 0...5 { _ = table.learn(1, .peer(number % 2), now: 99 + UInt32(number)) }
    return table
  }

  @Test("the fourth move is one, the fifth within 180 s freezes the entry: no way to it, its frames not learned")
  func fiveMoves() {
    let table = Table()
    #expect(table.learn(1, .peer(0), now: 100) == .learned)
    for number in 1...4 {
      #expect(table.learn(1, .peer(number % 2), now: 100) == .moved(from: .peer((number - 1) % 2)))
    }
    #expect(table.remote(1) == .peer(0))
    #expect(table.learn(1, .peer(1), now: 279) == .flapping(from: .peer(0)))
    #expect(table.remote(1) == nil && table.entry(1)?.isFrozen == true)
    #expect(table.learn(1, .peer(0), now: 279) == .refusedFrozen)
    #expect(table.learn(1, .peer(1), now: 280) == .refusedFrozen)
    let history = table.history
    #expect(history.moveCount == 5 && history.freezeCount == 1 && table.count == 1 && table.isConsistent)
  }

  @Test("five moves in 180 s or more are none too many, whenever the seconds begin")
  func slowMoves() {
    let table = Table()
    _ = table.learn(1, .local, now: 0)
    for number in 1...100 {
      // Four moves in a row, then the fifth 180 s after the first of them.
      let now = UInt32(number / 4 * 180)
      #expect(
        table.learn(1, .peer(number % 3), now: now) == .moved(from: number == 1 ? .local : .peer((number - 1) % 3)))
    }
    let soon = Table()
    for (number, now) in [0, 0, 100, 170, 175, 178].enumerated() {
      let outcome = soon.learn(1, .peer(number % 2), now: UInt32(now))
      #expect((number == 5) == (outcome == .flapping(from: .peer(0))))
    }
  }

  @Test("row 11: what is frozen for 30 s without a contradiction is learned anew, wherever its next frame comes from")
  func thaw() {
    for remote in [Remote.peer(0), .peer(1), .local] {
      let table = Self.flapping()
      #expect(table.learn(1, .peer(1), now: 133) == .refusedFrozen)
      #expect(table.learn(1, remote, now: 134) == .learned && table.remote(1) == remote)
      // The moves of before count no more.
      #expect(table.learn(1, .peer(3), now: 135) == .moved(from: remote) && table.isConsistent)
    }
  }

  @Test("row 11: two peers that claim an address at 1 kHz for 180 s: five writes, one alarm, others unaffected")
  func claims() {
    let table = Table()
    var flappingCount = 0
    var changeCount = 0
    for step in 0..<180_000 {
      let now = 1000 + UInt32(step / 1000)
      switch table.learn(1, .peer(step % 2), now: now) {
      case .flapping:
        flappingCount += 1
        changeCount += 1
      case .moved: changeCount += 1
      default: break
      }
      if step % 100 == 0 { #expect(table.learn(2 + step % 7, .peer(3), now: now) != .refusedFrozen) }
    }
    #expect(changeCount <= 5 && flappingCount == 1 && table.history.moveCount == 5)
    #expect((2..<9).allSatisfy { table.remote($0) == .peer(3) } && table.isConsistent)
    // One of them gives up: the other has the address after 30 s.
    #expect(table.learn(1, .peer(0), now: 1180) == .refusedFrozen)
    #expect(table.learn(1, .peer(0), now: 1210) == .learned && table.remote(1) == .peer(0))
  }

  @Test("a frozen entry does not age before its freeze is over, and has no place of its peer's")
  func ageing() {
    let table = Self.flapping()
    #expect(table.age(now: 133, .seconds(5)) == 0 && table.count == 1)
    #expect(table.age(now: 134, .seconds(5)) == 1 && table.count == 0 && table.isConsistent)
  }

  @Test("a static entry takes the place of a frozen one; a flush and the loss of its peer remove it")
  func removal() {
    let table = Self.flapping()
    table.set(1, .peer(2))
    #expect(table.remote(1) == .peer(2) && table.isConsistent)
    let flushed = Self.flapping()
    #expect(flushed.flush() == 1 && flushed.count == 0 && flushed.isConsistent)
    let lost = Self.flapping()
    #expect(lost.removeAll(at: .peer(1)) == 1 && lost.count == 0 && lost.isConsistent)
  }

  @Test("an address that moves into a full peer again and again is frozen too")
  func fullPeer() {
    let table = Table(limit: 100, peerLimits: [0, 1])
    _ = table.learn(9, .peer(1), now: 1)
    var outcomes: [LearnOutcome] = []
    for _ in 0..<8 {
      _ = table.learn(1, .peer(0), now: 1)
      outcomes.append(table.learn(1, .peer(1), now: 1))
    }
    #expect(outcomes.prefix(4).allSatisfy { $0 == .refusedFull } && outcomes[4] == .flapping(from: .peer(0)))
    #expect(outcomes.suffix(3).allSatisfy { $0 == .refusedFrozen } && table.isConsistent)
  }

  @Test("more addresses than are counted move all the same; room comes back when their moves do not count any more")
  func bound() {
    let hash = KeyedHash(key0: 11, key1: 22)
    var damping = MoveDamping()
    func moves(_ count: Int, _ station: UInt64, now: UInt32, _ damping: inout MoveDamping) -> Bool {
      (0..<count).reduce(false) { isTooMany, _ in damping.noteMove(of: hash(station), now: now) || isTooMany }
    }
    for station in 0..<UInt64(1000) where moves(1, station, now: 100, &damping) {
      Issue.record("\(station) moved once")
    }
    #expect(damping.slotCount == MoveDamping.slotCountMax)
    let counted = (0..<UInt64(1000)).filter { station in
      var damping = damping
      return moves(4, station, now: 100, &damping)
    }
    #expect(counted.elementsEqual(0..<UInt64(MoveDamping.addressCountMax)))
    damping.sweep(now: 279)
    #expect(damping.slotCount == MoveDamping.slotCountMax)
    let (uncounted, counts) = (moves(5, 5000, now: 279, &damping), moves(5, 5000, now: 280, &damping))
    #expect(!uncounted && counts && damping.slotCount < MoveDamping.slotCountMax)
    damping.sweep(now: 460)
    #expect(damping.slotCount == 0)
  }

  @Test("of many addresses that moved a few keep their moves when the storage shrinks for the rest")
  func shrinks() {
    var damping = MoveDamping()
    for hash in UInt64(1)...400 { _ = damping.noteMove(of: hash &* 0x9E37_79B9_7F4A_7C15, now: hash < 10 ? 100 : 50) }
    damping.sweep(now: 230)
    #expect(damping.slotCount < 64)
    for hash in UInt64(1)...11 {
      let isTooMany = (0..<4).map { _ in damping.noteMove(of: hash &* 0x9E37_79B9_7F4A_7C15, now: 230) }
      #expect(isTooMany == [false, false, false, hash < 10], "address \(hash)")
    }
  }

  @Test("the moves of what is deleted, flushed or set are forgotten, and those that do not count any more with ageing")
  func forgotten() {
    let changes: [(Table) -> Void] = [
      { $0.remove(1) }, { _ = $0.flush() },
      {
        $0.set(1, .peer(2))
        $0.remove(1)
      },
    ]
    for change in changes {
      let table = Table()
      for number in 0...4 { _ = table.learn(1, .peer(number % 2)) }
      change(table)
      #expect(table.learn(1, .peer(0)) == .learned && table.learn(1, .peer(1)) == .moved(from: .peer(0)))
      #expect(table.movesSlotCount > 0)
      _ = table.age(now: 279, .zero)
      #expect(table.movesSlotCount > 0)
      _ = table.age(now: 280, .zero)
      #expect(table.movesSlotCount == 0 && table.count == 1)
    }
  }
}
