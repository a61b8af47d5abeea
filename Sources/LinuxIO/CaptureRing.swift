import Glibc
import Synchronization

/// Memory through which a worker hands captured frames to another process: one writes, one reads, and whoever writes
/// never waits.
///
///     page 0   byte 0 magic    8 capacity    64 written: bytes up to here are to be read    128 missed
///     then     records, each at a multiple of 64; behind the last byte comes the first
///
/// The reader maps this for reading only. How far it has come it says in a page of its own. What it writes there is
/// believed only between what it said before and what was written, so the worst is a ring that stays full. No page can
/// go, because neither file can shrink.
///
/// *Threads.* Made and given up by any; the writer's part is one's.
package final class CaptureRing: @unchecked Sendable {
  static let magic: UInt64 = 0x3152_4554_5056_7654
  static let pageByteCount = 4_096
  static let capacityOffset = 8
  static let writtenOffset = 64
  static let missedOffset = 128

  private let pages: SharedPages
  private let position: SharedPages
  package let capacity: Int

  /// - Parameter capacity: bytes of records: a power of two, and room for several of the longest.
  package init(capacity: Int) throws(Errno) {
    precondition(capacity >= 4 * Limits.frameByteCountMax && capacity & (capacity - 1) == 0)
    self.capacity = capacity
    pages = try SharedPages(named: "vtep-capture", byteCount: Self.pageByteCount + capacity, isForReading: true)
    position = try SharedPages(named: "vtep-capture-position", byteCount: Self.pageByteCount, isForReading: false)
    pages.start.storeBytes(of: Self.magic, as: UInt64.self)
    pages.start.storeBytes(of: UInt64(capacity), toByteOffset: Self.capacityOffset, as: UInt64.self)
  }

  /// What the reader is to map, in the order of `CaptureRingReader.init`. They stay the ring's.
  package var descriptors: [Int32] { [pages.descriptor, position.descriptor] }

  /// The writer's part, at the beginning. Once; it is used while the ring is kept.
  package func makeWriter() -> CaptureRingWriter {
    CaptureRingWriter(pages.start, position: position.start, capacity: capacity)
  }

  /// Where its memory begins.
  var start: UnsafeMutableRawPointer { pages.start }

  /// A number in shared memory.
  // SAFETY: `page` has so many bytes, which are aligned, zero or a number, and only ever used so.
  static func word(_ page: UnsafeMutableRawPointer, at offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (page + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

/// The end of a `CaptureRing` that writes. One thread.
package struct CaptureRingWriter {
  // SAFETY: the ring's, which whoever has the writer keeps; records lie below `capacity`, which `mask` sees to.
  private let records: UnsafeMutableRawPointer
  private let written: UnsafeMutablePointer<Atomic<UInt64>>
  private let missed: UnsafeMutablePointer<Atomic<UInt64>>
  /// The reader may write anything there.
  private let position: UnsafeMutablePointer<Atomic<UInt64>>
  private let capacity: UInt64
  private let mask: UInt64
  /// Bytes that were ever written, and of these, those that the reader is told of, and those that it has given back.
  private var end: UInt64 = 0
  private var published: UInt64 = 0
  private var freed: UInt64 = 0
  package private(set) var missedCount: UInt64 = 0

  init(_ pages: UnsafeMutableRawPointer, position: UnsafeMutableRawPointer, capacity: Int) {
    records = pages + CaptureRing.pageByteCount
    written = CaptureRing.word(pages, at: CaptureRing.writtenOffset)
    missed = CaptureRing.word(pages, at: CaptureRing.missedOffset)
    self.position = CaptureRing.word(position, at: 0)
    self.capacity = UInt64(capacity)
    mask = UInt64(capacity) - 1
  }

  /// A place for a record with so many bytes behind its header, at most `Limits.frameByteCountMax`, or nil, and one
  /// more is missed. What is written there is read once it is published.
  package mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let step = UInt64(CaptureRecord.byteCount)
    let needed = (UInt64(truncatingIfNeeded: byteCount) &+ 2 &* step &- 1) & ~(step &- 1)
    let toEnd = capacity &- (end & mask)
    let skipped = needed <= toEnd ? 0 : toEnd
    guard byteCount <= Limits.frameByteCountMax, hasRoom(skipped &+ needed) else {
      noteMissed()
      return nil
    }
    if skipped > 0 {
      var padding = CaptureRecord(.padding, direction: 0, byteCount: 0)
      padding.recordByteCount = UInt32(truncatingIfNeeded: skipped)
      (records + Int(end & mask)).storeBytes(of: padding, as: CaptureRecord.self)
      end &+= skipped
    }
    let place = records + Int(end & mask)
    end &+= needed
    return place
  }

  /// Writes the record in front of the `capturedByteCount` bytes that are, or will be, behind its place.
  package func put(_ record: CaptureRecord, capturedByteCount: Int, at place: UnsafeMutableRawPointer) {
    var record = record
    let step = CaptureRecord.byteCount
    record.capturedByteCount = UInt32(truncatingIfNeeded: capturedByteCount)
    record.recordByteCount = UInt32(truncatingIfNeeded: (capturedByteCount &+ 2 &* step &- 1) & ~(step &- 1))
    place.storeBytes(of: record, as: CaptureRecord.self)
  }

  /// One more could not be kept.
  package mutating func noteMissed() { missedCount &+= 1 }

  /// The reader may have what was written.
  package mutating func publish() {
    missed.pointee.store(missedCount, ordering: .relaxed)
    guard end != published else { return }
    published = end
    written.pointee.store(end, ordering: .releasing)
  }

  private mutating func hasRoom(_ byteCount: UInt64) -> Bool {
    if capacity &- (end &- freed) >= byteCount { return true }
    let claimed = position.pointee.load(ordering: .acquiring)
    guard claimed >= freed, claimed <= published else { return false }
    freed = claimed
    return capacity &- (end &- freed) >= byteCount
  }
}
