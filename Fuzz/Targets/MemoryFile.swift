import Glibc

/// A file in memory, without a name.
final class MemoryFile {
  private let descriptor: CInt
  /// Which any function that opens files takes.
  let path: String

  init(name: String) {
    var template = Array("/dev/shm/vtep-fuzz-\(name)-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    require(descriptor >= 0 && unlink(template) == 0, "no file in memory: \(errno)")
    path = "/proc/self/fd/\(descriptor)"
  }

  deinit { close(descriptor) }

  /// Makes `bytes` all that is in it.
  func fill(_ bytes: [UInt8]) {
    require(ftruncate(descriptor, 0) == 0, "cannot be emptied: \(errno)")
    require(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, "cannot be written: \(errno)")
  }
}
