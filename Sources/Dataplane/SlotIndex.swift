import VXLAN

/// Finds the slot of a segment by its VNI, or of a peer by its address: a fixed table, built once, open addressing, at
/// most half full, so a search ends after a step or two whatever is looked for.
struct SlotIndex: ~Copyable {
  struct Entry {
    var high: UInt64
    var low: UInt64
    /// -1: unused.
    var slot: Int
  }

  private let hash: KeyedHash
  // SAFETY: owned until `deinit`; indexes are masked to the entry count.
  private let entries: UnsafeMutablePointer<Entry>
  private let mask: Int

  /// - Parameter key: of an element, 128 bits, all different.
  init<Element>(
    _ elements: Slots<Element>, hash: KeyedHash, key: (Element) -> (high: UInt64, low: UInt64)
  ) {
    var count = 4
    while count < elements.endIndex * 2 { count *= 2 }
    self.hash = hash
    mask = count - 1
    entries = .allocate(capacity: count)
    entries.initialize(repeating: Entry(high: 0, low: 0, slot: -1), count: count)
    for slot in elements.indices {
      let key = key(elements[slot])
      var index = Int(truncatingIfNeeded: hash(key.high, key.low)) & mask
      while entries[index].slot >= 0 { index = (index + 1) & mask }
      entries[index] = Entry(high: key.high, low: key.low, slot: slot)
    }
  }

  deinit { entries.deallocate() }

  // HOT
  /// The slot of a key, or -1.
  borrowing func slot(high: UInt64, low: UInt64) -> Int {
    var index = Int(truncatingIfNeeded: hash(high, low)) & mask
    while entries[index].slot >= 0 {
      if entries[index].low == low, entries[index].high == high { return entries[index].slot }
      index = (index &+ 1) & mask
    }
    return -1
  }
}
