import ArgumentParser
import Glibc

/// A file that was not there before: made with mode 0600, and never in the place of another.
struct NewFile: ~Copyable {
  let path: String
  private let descriptor: Int32

  /// - Throws: `ExitCode` 1 after a message when there is a file of the name, or none can be made.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
  }

  deinit { close(descriptor) }

  /// - Throws: `ExitCode` 1 after a message; the file is gone again then.
  func write(_ bytes: Span<UInt8>) throws {
    guard let number = Output.write(bytes, to: descriptor) else { return }
    remove()
    throw Self.failure(path, number)
  }

  func remove() { unlink(path) }

  private static func failure(_ path: String, _ number: Int32) -> ExitCode {
    switch number {
    case EEXIST: Output.failure("\(path) is there already, and is left as it is; name another place with --output")
    case ENOENT: Output.failure("\(path) cannot be made: its directory does not exist; make it first")
    case EACCES, EPERM: Output.failure("\(path) cannot be made: no permission; try sudo, or another --output")
    default: Output.failure("\(path) cannot be written: \(String(cString: strerror(number)))")
    }
  }
}
