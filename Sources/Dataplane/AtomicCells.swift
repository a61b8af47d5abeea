import Forwarding
import Synchronization

/// Numbers by slot, each a word of its own that any thread reads and writes.
struct AtomicCells: ~Copyable, @unchecked Sendable {
  // SAFETY: the memory's, which this value keeps; slots are those of the topology, which are below the count.
  private let cells: UnsafeMutablePointer<Atomic<Int>>
  private let memory: SlotMemory<Atomic<Int>>

  /// All zero.
  init(count: Int) {
    memory = SlotMemory(count: count)
    cells = memory.start
  }

  var indices: Range<Int> { 0..<memory.count }

  // HOT
  @inline(__always)
  subscript(slot: Int) -> Int { cells[slot].load(ordering: .relaxed) }

  // HOT
  /// Writes only what is new, so that threads that agree share the cache line.
  @inline(__always)
  func update(_ slot: Int, to value: Int) {
    if cells[slot].load(ordering: .relaxed) != value { cells[slot].store(value, ordering: .relaxed) }
  }
}
