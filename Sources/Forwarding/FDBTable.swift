import CVXLAN
import Glibc
import Synchronization

/// The slots of a shard of a forwarding table: open addressing, 16 bytes a slot, four to a cache line.
///
///     word 0   key: the MAC address with bit 63 set; 0 = never used, which ends a search
///     word 1   FDBValue; 0 = the address has no entry now
///
/// A slot keeps its key for as long as the storage lives; an entry is removed by clearing its value. So a search needs
/// no lock: it finds the key or an unused slot, then reads the value as one word. Storage that has too many keys is
/// replaced by another, never changed in place.
///
/// *Threads.* Slots are atomic words: any, until it is given back.
struct FDBTable: @unchecked Sendable {
  struct Slot: ~Copyable {
    let key: Atomic<UInt64>
    let value: Atomic<UInt64>
  }

  static let usedBit: UInt64 = 1 << 63
  /// The slots begin a cache line, so this many low bits of their address are free.
  private static let lineByteCount = 64

  /// The address of the slots, and in its low six bits the binary logarithm of their number: all that a search needs to
  /// know beforehand, read at once.
  let word: UInt

  /// Storage that `word` names.
  init(at word: UInt) {
    self.word = word
  }

  /// Storage of `slotCount` slots, a power of two and 4 at least, all unused. To be given back by `free()`.
  init(slotCount: Int) {
    precondition(slotCount.nonzeroBitCount == 1 && slotCount >= 4)
    let byteCount = slotCount * MemoryLayout<Slot>.stride
    guard let memory = aligned_alloc(Self.lineByteCount, byteCount) else { preconditionFailure("out of memory") }
    // SAFETY: as many bytes as were asked for; two atomic words are 16 bytes without padding, and zero bits are valid.
    memset(memory, 0, byteCount)
    memory.bindMemory(to: Slot.self, capacity: slotCount)
    word = UInt(bitPattern: memory) | UInt(slotCount.trailingZeroBitCount)
  }

  /// Gives the storage back. Nobody may look at it any more.
  func free() {
    // SAFETY: allocated by `init`; atomic words need no deinitialisation.
    Glibc.free(slots)
  }

  /// What `setNext` has noted in storage that nobody looks at any more, in the place of its first value.
  var next: UInt {
    // SAFETY: there are four slots at least.
    UInt(truncatingIfNeeded: slots[0].value.load(ordering: .relaxed))
  }

  func setNext(_ word: UInt) {
    // SAFETY: as above.
    slots[0].value.store(UInt64(truncatingIfNeeded: word), ordering: .relaxed)
  }

  /// Slot count - 1; the slot count is a power of two.
  var mask: Int { 1 &<< Int(truncatingIfNeeded: word & UInt(Self.lineByteCount &- 1)) &- 1 }

  private var slots: UnsafeMutablePointer<Slot> {
    // SAFETY: the address of memory that `init` allocated and bound, which is not zero.
    UnsafeMutablePointer(bitPattern: word & ~UInt(Self.lineByteCount &- 1)).unsafelyUnwrapped
  }

  /// The slot that has `mac`'s key, or the unused one at which the search ended. A table is never full, so it ends.
  func slot(of mac: MACKey, hash: UInt64) -> (index: Int, isUsed: Bool) {
    let (slots, mask) = (slots, mask)
    var index = Int(truncatingIfNeeded: hash) & mask
    while true {
      // SAFETY: `index` is masked to the slot count.
      let key = slots[index].key.load(ordering: .acquiring)
      if key == mac.rawValue { return (index, true) }
      if key == 0 { return (index, false) }
      index = (index &+ 1) & mask
    }
  }

  /// Has the processor fetch the slot at which a search with `hash` begins.
  func prefetch(hash: UInt64) {
    // SAFETY: the index is masked to the slot count; fetching reads nothing.
    cvxlan_prefetch(slots + (Int(truncatingIfNeeded: hash) & mask))
  }

  func value(at index: Int) -> FDBValue {
    // SAFETY: indexes come from `slot(of:hash:)` or from a range below the slot count.
    FDBValue(rawValue: slots[index].value.load(ordering: .relaxed))
  }

  func key(at index: Int) -> MACKey? {
    // SAFETY: as in `value(at:)`.
    let key = slots[index].key.load(ordering: .acquiring)
    return key == 0 ? nil : MACKey(rawValue: key)
  }

  /// Replaces the value if it still is `old`.
  func replace(_ old: FDBValue, with new: FDBValue, at index: Int) -> Bool {
    // SAFETY: as in `value(at:)`. Relaxed: a value is one word, and whoever reads it looks at nothing behind it.
    slots[index].value.compareExchange(
      expected: old.rawValue, desired: new.rawValue, ordering: .relaxed
    ).exchanged
  }

  /// Keeps the value from being replaced by those who know it unmarked, and answers what it was: the last.
  func markCopied(at index: Int) -> FDBValue {
    // SAFETY: as in `value(at:)`.
    FDBValue(rawValue: slots[index].value.bitwiseOr(FDBValue.copiedBit, ordering: .relaxed).oldValue)
  }

  /// Gives an unused slot its key. The value is set first, so that whoever finds the key finds the value.
  func fill(_ index: Int, key: MACKey, value: FDBValue) {
    // SAFETY: as in `value(at:)`.
    slots[index].value.store(value.rawValue, ordering: .relaxed)
    slots[index].key.store(key.rawValue, ordering: .releasing)
  }
}

/// A MAC address as the key of a used slot.
struct MACKey: Equatable {
  let rawValue: UInt64
}
