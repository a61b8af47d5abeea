/// How long the sealed port waits after it has brought datagrams that no key had made, so that opening them takes no
/// more of a worker than its other ports' traffic does. Pure.
///
/// What forged datagrams cost is owed, and paid by what the other ports carry meanwhile; but a turn comes after
/// `roundMax` rounds whatever they carry, for genuine datagrams are behind the forged ones.
struct ForgedPace {
  /// Opening a short datagram takes as long as carrying so many bytes.
  static let datagramCost = 512
  /// The largest step opens as much as so many batches of frames.
  static let roundMax = 8

  private var owed = 0
  private var roundCount = 0

  /// The sealed port had its turn, and so much of what it brought was forged.
  mutating func noteSealed(forgedCost: Int) {
    (owed, roundCount) = (forgedCost, 0)
  }

  /// Another port carried so many bytes.
  mutating func noteOther(byteCount: Int) {
    owed = max(0, owed &- byteCount)
  }

  /// Whether the sealed port has this round.
  mutating func isTurn() -> Bool {
    if owed == 0 || roundCount == Self.roundMax { return true }
    roundCount &+= 1
    return false
  }
}
