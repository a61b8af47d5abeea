/// Which initiations of a peer may be answered: none twice, and none of a process that is known to be gone. One owner.
///
/// A process of the peer is known by its random boot id; it counts its initiations. It is believed to be the present
/// one when a session that it initiated is proven; the one before is superseded then.
struct BootHistory {
  /// The process that last proved a session, and those before it, latest last.
  private(set) var proven: UInt64?
  private(set) var superseded: [UInt64] = []
  /// The highest counter answered of the processes that were answered last, latest last. It outlives the sessions that
  /// came of it: a recording is answered once.
  private(set) var answered: [(bootID: UInt64, counter: UInt64)] = []

  /// Whether an initiation is new.
  func mayAnswer(bootID: UInt64, counter: UInt64) -> Bool {
    guard !superseded.contains(bootID) else { return false }
    return answered.first { $0.bootID == bootID }.map { counter > $0.counter } ?? true
  }

  /// Whether an initiation of this process was answered before, or a session of it proven.
  func knows(_ bootID: UInt64) -> Bool {
    bootID == proven || superseded.contains(bootID) || answered.contains { $0.bootID == bootID }
  }

  /// An initiation that may be answered was.
  mutating func noteAnswered(bootID: UInt64, counter: UInt64) {
    answered.removeAll { $0.bootID == bootID }
    answered.append((bootID, counter))
    guard answered.count > Limits.answeredBootCountMax else { return }
    if let oldest = answered.firstIndex(where: { $0.bootID != proven }) { answered.remove(at: oldest) }
  }

  /// A session that this process initiated was proven.
  mutating func noteProven(bootID: UInt64) {
    guard bootID != proven else { return }
    if let proven {
      superseded.append(proven)
      superseded.removeFirst(max(0, superseded.count - Limits.supersededBootCountMax))
      answered.removeAll { $0.bootID == proven }
    }
    superseded.removeAll { $0 == bootID }
    proven = bootID
  }
}
