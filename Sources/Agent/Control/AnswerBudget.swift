import Synchronization

/// How many bytes of answers may lie unread at a time, those of all clients of a socket together: what clients that ask
/// and do not read can make the agent hold. Small answers are free, and one alone is never refused.
///
/// Any thread.
final class AnswerBudget: Sendable {
  private let byteCountMax: Int
  private let unreadByteCount = Atomic<Int>(0)

  init(byteCountMax: Int) {
    self.byteCountMax = byteCountMax
  }

  /// What an answer of `byteCount` bytes takes of it, to be given back; nil when others have left too little.
  func take(_ byteCount: Int) -> Int? {
    guard byteCount > ControlLimits.freeAnswerByteCountMax else { return 0 }
    var unread = unreadByteCount.load(ordering: .relaxed)
    while unread == 0 || unread + byteCount <= byteCountMax {
      let (isDone, now) = unreadByteCount.weakCompareExchange(
        expected: unread, desired: unread + byteCount, ordering: .relaxed)
      if isDone { return byteCount }
      unread = now
    }
    return nil
  }

  func giveBack(_ byteCount: Int) { unreadByteCount.subtract(byteCount, ordering: .relaxed) }
}
