import Glibc

/// A file that this user alone may read, to whose end whole records are written.
///
/// *Ownership.* Closed with the object; it stays open over a change of the process's user.
/// *Threads.* One at a time.
package final class PrivateLog: Sendable {
  /// Why a file is not written to.
  package enum Refusal: Error, Equatable {
    case system(Errno)
    case notRegular
    /// Of another user.
    case owner(UInt32)
    /// With a right for group or others.
    case mode(UInt32)
  }

  private static let othersMask: mode_t = 0o077
  private let file: FileDescriptor

  /// Opens the file, or makes it with mode 0600. A symbolic link in its place is not followed, a pipe not waited for.
  /// - Throws: before anything is written, for what is not a file of this user alone.
  package init(appendingTo path: String) throws(Refusal) {
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    let descriptor = open(path, flags, 0o600)
    guard descriptor >= 0 else { throw .system(Errno.current("open")) }
    file = FileDescriptor(owning: descriptor)
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(Errno.current("fstat")) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    guard status.st_uid == geteuid() else { throw .owner(status.st_uid) }
    guard status.st_mode & Self.othersMask == 0 else { throw .mode(status.st_mode & 0o7777) }
  }

  /// Writes a record behind what is there: all of it, or nothing.
  /// - Throws: ENOSPC and its like.
  package func append(_ record: Span<UInt8>) throws(Errno) {
    // SAFETY: the record's bytes are lent for the call.
    let count = unsafe record.withUnsafeBytes { unsafe write(file.rawValue, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw Errno.current("write") }
    guard count < record.count else { return }
    // The next record is not to continue this one.
    var status = stat()
    if fstat(file.rawValue, &status) == 0 { _ = ftruncate(file.rawValue, status.st_size - count) }
    throw Errno(ENOSPC, "write")
  }
}
