import Synchronization

/// Numbers by slot, each a word of its own that any thread reads and writes.
struct AtomicCells: ~Copyable, @unchecked Sendable {
  // SAFETY: owned from `init` to `deinit`; slots are those of the topology.
  private let cells: UnsafeMutablePointer<Atomic<Int>>
  private let count: Int

  init(_ values: [Int]) {
    cells = .allocate(capacity: max(1, values.count))
    count = values.count
    for (slot, value) in values.enumerated() { (cells + slot).initialize(to: Atomic(value)) }
  }

  deinit {
    cells.deinitialize(count: count)
    cells.deallocate()
  }

  var indices: Range<Int> { 0..<count }

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
