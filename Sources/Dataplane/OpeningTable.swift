import Sealing
import Synchronization
import VXLAN

/// Finds what opens datagrams by the session index that they name: open addressing, at most half full, so a search ends
/// after a step or two. Indexes are random and of our own choice, so their low bits are the hash.
///
/// An entry is a pointer that is published when what it points to is complete. A removed one leaves a mark behind, over
/// which searches go on; a table with too many of both is replaced as a whole.
///
/// *Threads.* Written by one thread. Read by any: what `opening` answers is valid until the writer gives it up, which
/// it leaves to its owner, as it does the memory of a replaced table.
final class OpeningTable: @unchecked Sendable {
  /// What opens the datagrams of one session.
  struct Opening {
    let index: UInt32
    /// The peer's slot.
    let peer: Int
    /// The key opens nothing from this moment on.
    let until: UInt64
    let opener: Opener
    /// Keeps what `opener` points to; nil for the mark of a removed entry.
    let key: OpeningKey
  }

  private typealias Cell = Atomic<UnsafeMutablePointer<Opening>?>

  private struct Storage {
    let mask: Int
    let cells: UnsafeMutablePointer<Cell>
  }

  private static let cellCountMin = 16

  // SAFETY: the storage in use and its cells are owned; a replaced one is freed by whoever `insert` gave its freer to.
  private let storage: Atomic<UnsafeMutablePointer<Storage>>
  /// Points to nothing that is read: the place of a removed entry.
  private let removed: UnsafeMutablePointer<Opening>
  /// Entries, and entries with marks; the writer's.
  private var count = 0
  private var usedCount = 0

  init() {
    removed = .allocate(capacity: 1)
    storage = Atomic(Self.makeStorage(cellCount: Self.cellCountMin))
  }

  deinit {
    let last = storage.load(ordering: .acquiring)
    Self.each(in: last) { if $0 != removed { Self.free($0) } }
    Self.free(last)
    removed.deallocate()
  }

  // HOT
  /// What opens datagrams with this index; nil when nothing does.
  @inline(__always)
  func opening(_ index: UInt32) -> UnsafeMutablePointer<Opening>? {
    let storage = storage.load(ordering: .acquiring)
    let mask = storage.pointee.mask
    let cells = storage.pointee.cells
    var place = Int(index) & mask
    while let found = cells[place].load(ordering: .acquiring) {
      if found != removed, found.pointee.index == index { return found }
      place = (place &+ 1) & mask
    }
    return nil
  }

  /// Adds what opens with `key`. What it returns frees what it replaced, and is to be called when nobody reads that any
  /// more.
  func insert(_ key: OpeningKey, peer: Int, until: Instant) -> (() -> Void)? {
    let place = UnsafeMutablePointer<Opening>.allocate(capacity: 1)
    place.initialize(
      to: Opening(index: key.index, peer: peer, until: until.nanoseconds, opener: key.opener, key: key))
    let same = remove(key.index)
    let storage = grown()
    put(place, in: storage.pointee)
    usedCount += 1
    count += 1
    let before = self.storage.load(ordering: .relaxed)
    guard storage != before else { return same }
    self.storage.store(storage, ordering: .releasing)
    return {
      same?()
      Self.free(before)
    }
  }

  /// Removes an entry. What it returns frees it; nil when there was none.
  func remove(_ index: UInt32) -> (() -> Void)? {
    let storage = storage.load(ordering: .relaxed).pointee
    var place = Int(index) & storage.mask
    while let found = storage.cells[place].load(ordering: .relaxed) {
      if found != removed, found.pointee.index == index {
        storage.cells[place].store(removed, ordering: .releasing)
        count -= 1
        return { Self.free(found) }
      }
      place = (place + 1) & storage.mask
    }
    return nil
  }

  /// The storage in use if it takes one more, else a copy without marks that is not in use yet.
  private func grown() -> UnsafeMutablePointer<Storage> {
    let old = storage.load(ordering: .relaxed)
    guard (usedCount + 1) * 2 > old.pointee.mask + 1 else { return old }
    var cellCount = Self.cellCountMin
    while cellCount < (count + 1) * 4 { cellCount *= 2 }
    let fresh = Self.makeStorage(cellCount: cellCount)
    Self.each(in: old) { if $0 != removed { put($0, in: fresh.pointee) } }
    usedCount = count
    return fresh
  }

  private func put(_ opening: UnsafeMutablePointer<Opening>, in storage: Storage) {
    var place = Int(opening.pointee.index) & storage.mask
    while storage.cells[place].load(ordering: .relaxed) != nil { place = (place + 1) & storage.mask }
    storage.cells[place].store(opening, ordering: .releasing)
  }

  private static func makeStorage(cellCount: Int) -> UnsafeMutablePointer<Storage> {
    let cells = UnsafeMutablePointer<Cell>.allocate(capacity: cellCount)
    for place in 0..<cellCount { (cells + place).initialize(to: Cell(nil)) }
    let storage = UnsafeMutablePointer<Storage>.allocate(capacity: 1)
    storage.initialize(to: Storage(mask: cellCount - 1, cells: cells))
    return storage
  }

  private static func each(
    in storage: UnsafeMutablePointer<Storage>, _ body: (UnsafeMutablePointer<Opening>) -> Void
  ) {
    for place in 0...storage.pointee.mask {
      if let found = storage.pointee.cells[place].load(ordering: .relaxed) { body(found) }
    }
  }

  private static func free(_ opening: UnsafeMutablePointer<Opening>) {
    opening.deinitialize(count: 1)
    opening.deallocate()
  }

  private static func free(_ storage: UnsafeMutablePointer<Storage>) {
    storage.pointee.cells.deinitialize(count: storage.pointee.mask + 1)
    storage.pointee.cells.deallocate()
    storage.deallocate()
  }
}
