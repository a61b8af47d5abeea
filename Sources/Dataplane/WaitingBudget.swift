import Forwarding
import Synchronization

/// How much may wait for sessions, shared by all workers: frames and bytes for each peer, bytes in all. What copies to
/// several peers share counts for each of them, and once in all.
///
/// *Threads.* Any.
package final class WaitingBudget: @unchecked Sendable {
  private static let frameShift: UInt64 = 32

  // SAFETY: as many words as there are slots, kept by this object; slots are compared with the count.
  /// Frames in the upper half, bytes in the lower.
  private let memory: SlotMemory<Atomic<UInt64>>
  private let totalByteCount = Atomic<Int>(0)

  /// - Parameter peerCount: of slots.
  package init(peerCount: Int = Forwarding.Limits.peerSlotCount) {
    memory = SlotMemory(count: peerCount)
  }

  private var peers: UnsafeMutablePointer<Atomic<UInt64>> { memory.start }
  private var peerCount: Int { memory.count }

  /// Whether any frame waits.
  package var hasAny: Bool { totalByteCount.load(ordering: .relaxed) > 0 }

  /// Takes room in all for a frame of `byteCount` bytes, which `giveToTotal` gives back. False, and nothing taken, when
  /// there is none.
  func takeOfTotal(_ byteCount: Int) -> Bool {
    let total = totalByteCount.wrappingAdd(byteCount, ordering: .relaxed).newValue
    if total <= Limits.waitingTotalByteCountMax { return true }
    giveToTotal(byteCount)
    return false
  }

  func giveToTotal(_ byteCount: Int) { totalByteCount.wrappingSubtract(byteCount, ordering: .relaxed) }

  func give(_ byteCount: Int, peer slot: Int) {
    precondition(slot < peerCount)
    peers[slot].wrappingSubtract(1 << Self.frameShift | UInt64(byteCount), ordering: .relaxed)
  }

  /// Takes room for a frame of `byteCount` bytes to a peer, which `give` gives back. False, and nothing taken, when
  /// there is none.
  func take(_ byteCount: Int, peer slot: Int) -> Bool {
    precondition(slot < peerCount)
    var before = peers[slot].load(ordering: .relaxed)
    while true {
      let after = before + (1 << Self.frameShift | UInt64(byteCount))
      guard after >> Self.frameShift <= UInt64(Limits.waitingFrameCountMax),
        after & (1 << Self.frameShift - 1) <= UInt64(Limits.waitingByteCountMax)
      else { return false }
      let (isDone, seen) = peers[slot].weakCompareExchange(
        expected: before, desired: after, ordering: .relaxed)
      if isDone { return true }
      before = seen
    }
  }
}
