import Synchronization

/// Tells when memory that was taken out of use can have no reader any more, without a lock for those who read.
///
/// Readers are worker threads with a number each. A reader is offline, or it is online and passes a boundary between
/// two batches; from one boundary to the next it may keep a pointer that it loaded. Whoever takes memory out of use
/// first publishes what replaces it, then begins a period, and gives the memory back once the period is over: when
/// every reader has passed a boundary since, or was offline.
///
/// *Threads.* `enter`, `pass` and `leave` belong to the reader's thread; `begin` and `isOver` to any.
///
/// *Cost.* `pass` is a load of a word that hardly ever changes and a comparison; a store only after a `begin`.
/// - SeeAlso: Hart, McKenney, Demke Brown, Walpole, "Performance of memory reclamation for lockless synchronization",
///   2007: quiescent-state-based reclamation.
package final class GracePeriod: @unchecked Sendable {
  /// A word on cache lines of its own; two, since processors fetch them in pairs.
  private static let cellByteCount = 128
  private static let offline: UInt64 = 0

  // SAFETY: `readerCount` + 1 cells, owned from `init` to `deinit`, indexed by numbers that are checked or constant.
  private let memory: UnsafeMutableRawPointer
  /// 0: periods end at once, for tables that one thread uses.
  package let readerCount: Int

  /// All readers are offline.
  package init(readerCount: Int) {
    self.readerCount = readerCount
    memory = .allocate(
      byteCount: (readerCount + 1) * Self.cellByteCount, alignment: Self.cellByteCount)
    for index in 0...readerCount {
      (memory + index * Self.cellByteCount).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        .initialize(to: Atomic(index == 0 ? 1 : Self.offline))
    }
  }

  deinit {
    memory.deallocate()
  }

  /// The reader comes online: from now on it may load pointers.
  package func enter(reader: Int) {
    let (seen, epoch) = (seen(by: reader), epoch)
    seen.pointee.store(epoch.pointee.load(ordering: .relaxed), ordering: .relaxed)
    // Pairs with the fence in `begin`. Of two fences one comes first: either the other side's later loads see what was
    // published before, or `isOver` sees that this reader is online.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  // HOT
  /// The reader is at a boundary: it keeps no pointer that it loaded before.
  @inline(__always)
  package func pass(reader: Int) {
    let seen = seen(by: reader)
    // Acquiring: who sees the period's number here also sees, in later loads, what was published before it began.
    let now = epoch.pointee.load(ordering: .acquiring)
    guard seen.pointee.load(ordering: .relaxed) != now else { return }
    // Releasing: what was read before this boundary has been read when `isOver` sees the number.
    seen.pointee.store(now, ordering: .releasing)
  }

  /// The reader goes offline, before it sleeps or ends: it keeps no pointer and loads none until it enters.
  package func leave(reader: Int) {
    seen(by: reader).pointee.store(Self.offline, ordering: .releasing)
  }

  /// Begins a period for memory that nobody can find any more. Answers its number.
  package func begin() -> UInt64 {
    let number = epoch.pointee.add(1, ordering: .acquiringAndReleasing).newValue
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return number
  }

  /// Whether the period is over, so that the memory may be given back. Called by the thread that began it, or by one
  /// that a lock has put behind it.
  package func isOver(_ number: UInt64) -> Bool {
    for reader in 0..<readerCount {
      let seen = seen(by: reader).pointee.load(ordering: .acquiring)
      if seen != Self.offline, seen < number { return false }
    }
    return true
  }

  private var epoch: UnsafeMutablePointer<Atomic<UInt64>> { cell(0) }

  private func seen(by reader: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(reader >= 0 && reader < readerCount)
    return cell(reader + 1)
  }

  private func cell(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (memory + index * Self.cellByteCount).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}
