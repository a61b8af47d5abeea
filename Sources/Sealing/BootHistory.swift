/// Which initiations of a peer may be answered: none twice, and none of a process that is known to be gone. One owner.
///
/// A process of the peer is known by its random boot id; it counts its initiations. It is believed to be the present
/// one when a session that it initiated is proven; the one before is superseded then.
struct BootHistory {
  /// The process that last proved a session, and those before it, latest last.
  private(set) var proven: UInt64?
  private(set) var superseded: [UInt64] = []
  /// The highest counter answered, by boot id: of the proven process and of those with unproven sessions.
  private var highestAnswered: [UInt64: UInt64] = [:]

  /// Whether an initiation is new.
  func mayAnswer(bootID: UInt64, counter: UInt64) -> Bool {
    guard !superseded.contains(bootID) else { return false }
    return highestAnswered[bootID].map { counter > $0 } ?? true
  }

  /// An initiation that may be answered was.
  mutating func noteAnswered(bootID: UInt64, counter: UInt64) {
    highestAnswered[bootID] = counter
  }

  /// A session that this process initiated was proven.
  mutating func noteProven(bootID: UInt64) {
    guard bootID != proven else { return }
    if let proven {
      superseded.append(proven)
      superseded.removeFirst(max(0, superseded.count - Limits.supersededBootCountMax))
      highestAnswered[proven] = nil
    }
    proven = bootID
  }

  /// The unproven session of this process is gone; of a process that never proved anything nothing is kept.
  mutating func forgetUnproven(bootID: UInt64) {
    if bootID != proven { highestAnswered[bootID] = nil }
  }
}
