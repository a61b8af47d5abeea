import Glibc
import Synchronization

/// The end of a `CaptureRing` that reads, in another process. One thread.
///
/// Every length is compared with what there is before it is used: what is no ring, or a broken one, ends as such.
package final class CaptureRingReader {
  /// What lies in the ring cannot be understood.
  package struct Broken: Error, Equatable {
    package init() {}
  }

  private let pages: SharedPages
  private let position: SharedPages
  private let capacity: UInt64
  private var taken: UInt64 = 0

  /// Maps what `CaptureRing.descriptors` has named, which stay the caller's.
  package init(_ descriptors: [Int32], capacity: Int) throws(Errno) {
    guard descriptors.count == 2, capacity >= CaptureRecord.byteCount, capacity & (capacity - 1) == 0 else {
      throw Errno(EINVAL, "a capture's memory")
    }
    let pages = try SharedPages(
      mapping: descriptors[0], byteCount: CaptureRing.pageByteCount + capacity, isWritable: false)
    guard pages.start.load(as: UInt64.self) == CaptureRing.magic else { throw Errno(EINVAL, "a capture's memory") }
    self.capacity = UInt64(capacity)
    position = try SharedPages(mapping: descriptors[1], byteCount: CaptureRing.pageByteCount, isWritable: true)
    self.pages = pages
  }

  /// Frames that found no place so far.
  package var missedCount: UInt64 {
    CaptureRing.word(pages.start, at: CaptureRing.missedOffset).pointee.load(ordering: .relaxed)
  }

  /// When the next record's batch came; nil: there is none yet.
  package func nextTime() throws(Broken) -> UInt64? { try next()?.record.time }

  /// Shows the next record and the bytes that were kept of it, and gives its place back. False: there is none yet.
  package func take(_ body: (CaptureRecord, Span<UInt8>) -> Void) throws(Broken) -> Bool {
    guard let (record, place) = try next() else { return false }
    let bytes = (place + CaptureRecord.byteCount).assumingMemoryBound(to: UInt8.self)
    // SAFETY: `next` has compared the count with the record's length, and the writer leaves it until it is given back.
    body(record, Span(_unsafeStart: bytes, count: Int(record.capturedByteCount)))
    giveBack(UInt64(record.recordByteCount))
    return true
  }

  private func giveBack(_ byteCount: UInt64) {
    taken &+= byteCount
    CaptureRing.word(position.start, at: 0).pointee.store(taken, ordering: .releasing)
  }

  /// The next record that is none of padding.
  private func next() throws(Broken) -> (record: CaptureRecord, place: UnsafeMutableRawPointer)? {
    while true {
      let end = CaptureRing.word(pages.start, at: CaptureRing.writtenOffset).pointee.load(ordering: .acquiring)
      if end == taken { return nil }
      let waiting = end &- taken
      let offset = taken & (capacity &- 1)
      guard waiting <= capacity, offset % UInt64(CaptureRecord.byteCount) == 0,
        waiting >= UInt64(CaptureRecord.byteCount)
      else { throw Broken() }
      let place = pages.start + CaptureRing.pageByteCount + Int(offset)
      let record = place.load(as: CaptureRecord.self)
      let byteCount = UInt64(record.recordByteCount)
      guard byteCount >= UInt64(CaptureRecord.byteCount), byteCount % UInt64(CaptureRecord.byteCount) == 0,
        byteCount <= waiting, byteCount <= capacity &- offset,
        UInt64(record.capturedByteCount) <= byteCount &- UInt64(CaptureRecord.byteCount)
      else { throw Broken() }
      if record.kind != .padding { return (record, place) }
      giveBack(byteCount)
    }
  }
}
