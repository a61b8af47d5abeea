import Testing

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

  @Test("what no frame contradicts for 30 s is learned anew, by whatever peer's frame comes then")
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
    var damping = MoveDamping()
    var isTooMany = false
    for station in 0..<1000 where damping.noteMove(of: MACKey(Table.mac(station)), now: 100) { isTooMany = true }
    #expect(damping.addressCount == MoveDamping.addressCountMax)
    if damping.noteMove(of: MACKey(Table.mac(5000)), now: 280) { isTooMany = true }
    #expect(damping.addressCount == 1 && !isTooMany)
  }
}
