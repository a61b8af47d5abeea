import CLinuxIO
import Glibc

/// Memory that two processes map, of a length that neither can change.
///
/// *Ownership.* The mapping is this value's; another process keeps its own after this one's is gone.
struct SharedPages: ~Copyable, @unchecked Sendable {
  // SAFETY: `byteCount` bytes, mapped from `init` to `deinit`, which the file's seals keep there.
  let start: UnsafeMutableRawPointer
  let byteCount: Int

  /// Of the memory, to be handed over; nil where another process has made it.
  private let file: FileDescriptor?

  /// New memory, all zero.
  /// - Parameter isForReading: whoever else maps it can only read.
  init(named name: StaticString, byteCount: Int, isForReading: Bool) throws(Errno) {
    var pages: UnsafeMutableRawPointer?
    // SAFETY: a static string ends with a zero byte.
    let result = name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
      clinuxio_share_pages($0, byteCount, isForReading ? 1 : 0, &pages)
    }
    guard result >= 0, let pages else { throw Errno(-min(result, -1), "memfd_create") }
    start = pages
    self.byteCount = byteCount
    file = FileDescriptor(owning: result)
  }

  /// Memory that another process has made. The descriptor stays the caller's.
  /// - Throws: EINVAL for a descriptor of another length, or of something else.
  init(mapping descriptor: Int32, byteCount: Int, isWritable: Bool) throws(Errno) {
    var pages: UnsafeMutableRawPointer?
    let result = clinuxio_map_shared(descriptor, byteCount, isWritable ? 1 : 0, &pages)
    guard result == 0, let pages else { throw Errno(-min(result, -1), "mmap") }
    start = pages
    self.byteCount = byteCount
    file = nil
  }

  deinit {
    munmap(start, byteCount)
  }

  /// What another process is to map; it stays this value's. -1: that is another's.
  var descriptor: Int32 {
    switch file {
    case .some(let file): file.rawValue
    case nil: -1
    }
  }
}
