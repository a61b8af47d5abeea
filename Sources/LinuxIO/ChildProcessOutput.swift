import CLinuxIO
import Glibc

/// Where a child's output goes until somebody reads it: a file in memory without a name.
///
/// The child never blocks on it, it can be read while the child writes, and it goes when the last descriptor goes.
package struct ChildProcessOutput: ~Copyable, Sendable {
  /// How much of the output is given back at a time.
  package static let readByteCountMax = 1 << 20

  /// To be given to a child as standard output, error or both. The value's own.
  package let descriptor: Int32

  /// - Throws: `EMFILE`, `ENOMEM`.
  package init() throws(Errno) {
    let descriptor = clinuxio_memory_file("vtep-child-output")
    guard descriptor >= 0 else { throw Errno.current("memfd_create") }
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// What has been written so far, the last MiB of it. What is not UTF-8 is replaced.
  package borrowing func text() throws(Errno) -> String {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Errno.current("fstat") }
    let start = max(0, Int(status.st_size) - Self.readByteCountMax)
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size) - start)
    // SAFETY: at most `count` bytes are written. The children's own position in the file is not touched.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(start))
    }
    guard count >= 0 else { throw Errno.current("pread") }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// The last `count` lines.
  package borrowing func lastLines(_ count: Int) throws(Errno) -> [String] {
    try text().split(separator: "\n").suffix(count).map(String.init)
  }
}
