import Synchronization
import VXLAN

/// What was written to TAPs in the last second, so that a frame that comes back from one is known for what it is.
///
/// Frames are known by a keyed hash of their bytes. Two memories of fixed size, in which what is new takes the place of
/// what is old:
///
///     returned   by frame and segment: it was written to this TAP
///     circling   by frame alone: it was written to some TAP, and how often it has come from any since
///
/// The first finds a frame that comes back by the way that it went, for whoever knows its source to be elsewhere. The
/// second finds one that goes round through two segments in one direction, so that each TAP sees it in one direction
/// only, and one whose source is known nowhere. A bridge between two segments may be wanted, and two stations may say
/// the same, so there a frame may pass, and pass again when it is sent again, but not without end.
///
///     returned   bits 63...24  of the hash      23...0  stamp
///     circling   bits 63...32  of the hash      31...24  times      23...0  stamp
///
/// *Threads.* Any: a slot is one word, and a frame may come back by another worker's queue. One that is overtaken in
/// between two words is seen one round later.
package struct LoopGuard: ~Copyable {
  private static let slotCount = 32_768
  /// A stamp counts 16.8 ms, in 24 bits.
  private static let stampShift: UInt64 = 24
  private static let stampMask: UInt64 = 0xFF_FFFF
  /// What is surely within a second, so that what is sent again after one is not held.
  private static let memoryStamps: UInt64 = 58
  private static let timesMax: UInt64 = 255

  private typealias Word = Atomic<UInt64>

  private let hash: KeyedHash
  // SAFETY: of the memory below, which this value keeps; indexed below the counts. Zeroed words are valid.
  private let returned: UnsafeMutablePointer<Word>
  private let circling: UnsafeMutablePointer<Word>
  private let armed: UnsafeMutablePointer<Word>
  private let returnedMemory = SlotMemory<Word>(count: slotCount)
  private let circlingMemory = SlotMemory<Word>(count: slotCount)
  private let armedMemory: SlotMemory<Word>
  /// The stamp of the last frame that was remembered, of whatever segment.
  private let lastStamp = Atomic<UInt64>(0)

  /// - Parameter hash: keyed with a secret, so that nobody can choose frames that share a slot.
  package init(segmentCount: Int, hash: KeyedHash) {
    self.hash = hash
    armedMemory = SlotMemory(count: segmentCount)
    (returned, circling, armed) = (returnedMemory.start, circlingMemory.start, armedMemory.start)
  }

  // HOT
  /// A frame with this hash is about to be written to the TAP of the segment.
  package borrowing func remember(_ frame: UInt64, segment: Int, now: Instant) {
    let stamp = Self.stamp(now)
    let place = self.place(of: frame, segment: segment)
    returned[place.index].store(place.tag << 24 | stamp, ordering: .releasing)
    let cell = circling + Int(truncatingIfNeeded: frame) & (Self.slotCount &- 1)
    let old = cell.pointee.load(ordering: .relaxed)
    // The second in which times are counted begins with the first: what is sent again each second is never held.
    if !Self.isOf(frame, old, stamp) { cell.pointee.store(frame & ~0xFFFF_FFFF | stamp, ordering: .releasing) }
    if lastStamp.load(ordering: .relaxed) != stamp { lastStamp.store(stamp, ordering: .relaxed) }
  }

  // HOT
  /// Whether a frame with this hash was written to the TAP of the segment within the last second.
  package borrowing func isReturned(_ frame: UInt64, segment: Int, now: Instant) -> Bool {
    let place = self.place(of: frame, segment: segment)
    let word = returned[place.index].load(ordering: .acquiring)
    return word >> 24 == place.tag && Self.isFresh(word, Self.stamp(now))
  }

  // HOT
  /// Whether anything was remembered in the last second.
  package borrowing func mayCircle(now: Instant) -> Bool {
    Self.isFresh(lastStamp.load(ordering: .relaxed), Self.stamp(now))
  }

  // HOT
  /// Whether a frame with this hash, which comes from a TAP, does so again and again since it was written to one.
  package borrowing func isCircling(_ frame: UInt64, now: Instant) -> Bool {
    let stamp = Self.stamp(now)
    let cell = circling + Int(truncatingIfNeeded: frame) & (Self.slotCount &- 1)
    let word = cell.pointee.load(ordering: .acquiring)
    guard Self.isOf(frame, word, stamp) else { return false }
    let times = min(Self.timesMax, (word >> 24 & 0xFF) &+ 1)
    // What another thread does to the word at the same time counts as well.
    cell.pointee.store(word & ~0xFF00_0000 | times << 24, ordering: .relaxed)
    return times > Limits.crossingCountMax
  }

  // HOT
  /// Whether every frame to the TAP of the segment is to be remembered, not only those that a bridge behind it floods.
  package borrowing func isArmed(segment: Int, now: Instant) -> Bool {
    let word = armed[segment].load(ordering: .relaxed)
    return word != 0 && now.nanoseconds < word
  }

  // COLD
  /// An address of a peer's was seen behind the TAP: for the next second every frame is remembered.
  package borrowing func arm(segment: Int, now: Instant) {
    armed[segment].store(now.nanoseconds &+ 1_000_000_000, ordering: .relaxed)
  }

  // COLD
  /// Another segment has the slot now.
  package borrowing func disarm(segment: Int) { armed[segment].store(0, ordering: .relaxed) }

  private borrowing func place(of frame: UInt64, segment: Int) -> (index: Int, tag: UInt64) {
    let mixed = hash(frame, UInt64(truncatingIfNeeded: segment))
    return (Int(truncatingIfNeeded: mixed) & (Self.slotCount &- 1), mixed >> 24)
  }

  private static func stamp(_ now: Instant) -> UInt64 { now.nanoseconds >> stampShift & stampMask }

  private static func isFresh(_ word: UInt64, _ stamp: UInt64) -> Bool {
    // Another thread's clock reading may be a little ahead of this one's.
    (stamp &+ 1 &- word) & stampMask <= memoryStamps &+ 1 && word != 0
  }

  private static func isOf(_ frame: UInt64, _ word: UInt64, _ stamp: UInt64) -> Bool {
    word >> 32 == frame >> 32 && isFresh(word, stamp)
  }
}
