import VXLAN

/// The names that this process gives to its sessions: random, unique, and at rest for a while after use, so that a
/// datagram of an old session finds no new one. One owner, one thread.
struct SessionIndexes {
  /// Whose session each is, in use.
  private var owners: [UInt32: PublicKey] = [:]
  private var resting: Set<UInt32> = []
  /// What is at rest, in the order in which it may be used again.
  private var restingOrder: [(index: UInt32, until: Instant)] = []
  private var restingStart = 0

  /// Attempts to find a free one. With half of all taken, all fail once in 2^64 times.
  private static let attemptCountMax = 64
  /// Entries that may lie before the first that counts.
  private static let staleCountMax = 1024

  /// How many are in use or at rest.
  var takenCount: Int { owners.count + resting.count }

  /// Whose session an index names; nil when nobody's or at rest.
  func owner(of index: UInt32) -> PublicKey? { owners[index] }

  /// A name that nobody has, or nil when nearly all are taken.
  mutating func take(for owner: PublicKey, from entropy: inout any Entropy, now: Instant) -> UInt32? {
    wake(now: now)
    for _ in 0..<Self.attemptCountMax {
      let index = UInt32(truncatingIfNeeded: entropy.next()) & SealedHeader.Word.indexMax
      guard owners[index] == nil, !resting.contains(index) else { continue }
      owners[index] = owner
      return index
    }
    return nil
  }

  /// Gives back an index that nobody was told: it needs no rest.
  mutating func discard(_ index: UInt32) {
    precondition(owners.removeValue(forKey: index) != nil, "an index is given back once")
  }

  /// Ends the use of an index that was on the wire: of a session, of one that never was proven, or of an attempt. Its
  /// peer may send to it as long as a session lives, whatever this side knows.
  mutating func release(_ index: UInt32, now: Instant) {
    precondition(owners.removeValue(forKey: index) != nil, "an index is released once")
    resting.insert(index)
    restingOrder.append((index, now + Limits.indexRest))
  }

  private mutating func wake(now: Instant) {
    while restingStart < restingOrder.count, restingOrder[restingStart].until <= now {
      resting.remove(restingOrder[restingStart].index)
      restingStart += 1
    }
    if restingStart > Self.staleCountMax, restingStart * 2 > restingOrder.count {
      restingOrder.removeFirst(restingStart)
      restingStart = 0
    }
  }
}
